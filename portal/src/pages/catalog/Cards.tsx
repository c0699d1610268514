/** Models as cards: what they cost, hold and can do, how they fare here, how good they are and by how many samples that is known. */

import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'

import type { Schemas } from '../../api/client'
import { useFilters } from '../../app/FilterBar'
import { count, duration, percent } from '../../format'
import { links } from '../../links'
import { Check } from '../../ui/Field'
import { linkLook, RecordsLink } from '../../ui/FilterLink'
import { Value } from '../../ui/Value'
import { Abilities } from './Abilities'
import { ratePerMillion } from './rates'

type Model = Schemas['CatalogModel']

interface Props {
  models: readonly Model[]
  compared: readonly Model[]
  onCompare: (model: Model, isOn: boolean) => void
}

export function Cards({ models, compared, onCompare }: Props) {
  const filters = useFilters()
  return (
    <ul aria-label="Models" className="grid gap-3 md:grid-cols-2 xl:grid-cols-3">
      {models.map((model) => (
        <li key={model.id} className="flex min-w-0 flex-col rounded border border-line p-3 text-sm">
          <Link {...links.model(model.id, filters)} className={`block truncate font-medium ${linkLook}`}><bdi>{model.name ?? model.model}</bdi></Link>
          <span className="block truncate text-xs text-muted"><bdi>{model.id}</bdi></span>
          <dl className="my-2 grid grid-cols-3 gap-2">
            <Fact name="In, $/1M"><Value of={ratePerMillion(model.price, 'input')} /></Fact>
            <Fact name="Out, $/1M"><Value of={ratePerMillion(model.price, 'output')} /></Fact>
            <Fact name="Context"><Value of={count(model.context_window)} /></Fact>
            <Fact name="Quality">{model.quality == null ? <Value of={null} /> : <>{model.quality.prior.toFixed(2)}<span className="text-xs text-muted"> {samples(model.quality)}</span></>}</Fact>
            <Fact name="p50, p95 here"><Value of={duration(model.measured?.p50_latency_ms)} />, <Value of={duration(model.measured?.p95_latency_ms)} /></Fact>
            <Fact name="Errors here">
              <Value of={percent(model.measured?.error_rate)} />
              {model.measured != null && model.measured.requests > 0 && <span className="block text-xs text-muted">of <RecordsLink filters={{ t: '30d', provider: model.provider, model: model.model }}>{count(model.measured.requests)}</RecordsLink></span>}
            </Fact>
          </dl>
          <div className="mt-auto"><Abilities of={model.capabilities} /></div>
          <Check label="compare" aria-label={`Compare ${model.id}`} className="mt-1" checked={compared.some((known) => known.id === model.id)} onChange={(event) => { onCompare(model, event.target.checked) }} />
        </li>
      ))}
    </ul>
  )
}

/** What a quality rests on. */
export function samples(quality: Schemas['Quality']): string {
  return quality.scores == null ? 'by the config file' : quality.scores === 1 ? 'by 1 benchmark' : `by ${quality.scores} benchmarks`
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="min-w-0">
      <dt className="text-xs text-muted">{name}</dt>
      <dd className="break-words">{children}</dd>
    </div>
  )
}
