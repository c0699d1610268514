/** How a question was read: chips that can be taken away or read otherwise, and what was assumed. */

import { Link } from '@tanstack/react-router'

import type { Schemas } from '../../api/client'
import { useFilters } from '../../app/FilterBar'
import { links } from '../../links'
import type { Answer, Spec } from './address'

export function Understood({ answer }: { answer: Answer }) {
  return (
    <div className="mt-3 text-sm">
      {answer.reading.length > 0 && (
        <ul aria-label="How it was read" className="flex flex-wrap gap-2">
          {answer.reading.map((chip, at) => <ChipSign key={`${chip.text} ${at}`} chip={chip} />)}
        </ul>
      )}
      {answer.corrections.map(({ from, to }) => <p key={from} className="mt-1 text-muted">Read “<bdi>{from}</bdi>” as “<bdi>{to}</bdi>”.</p>)}
      {answer.assumptions.map((text) => <p key={text} className="mt-1 text-muted">Assumed: {text}</p>)}
      {answer.warnings.map((text) => <p key={text} className="mt-1 text-warn">Note: <bdi>{text}</bdi></p>)}
    </div>
  )
}

function ChipSign({ chip }: { chip: Schemas['Chip'] }) {
  return (
    <li className={`flex flex-wrap items-center gap-2 rounded border border-line bg-raised px-2 py-1 ${chip.assumed ? 'text-muted' : ''}`}>
      <bdi>{chip.text}</bdi>
      {chip.instead?.map(({ text, spec }) => <Ask key={text} spec={spec} label={`or ${text}`} />)}
      {chip.without != null && <Ask spec={chip.without} label="remove" hidden={` ${chip.text}`} />}
    </li>
  )
}

/** A link that asks a spec. */
export function Ask({ spec, label, hidden = '' }: { spec: Spec; label: string; hidden?: string }) {
  const filters = useFilters()
  return (
    <Link {...links.ask(filters, { spec: JSON.stringify(spec) })} className="underline underline-offset-2"><bdi>{label}</bdi>{hidden !== '' && <span className="sr-only">{hidden}</span>}</Link>
  )
}
