/**
 * A decision as it was made: the five layers from left to right, who is left after each, who fell and why, the scores
 * by factor, and the order in which they are tried. Drawn on wide screens; as a list where somebody prefers it.
 */

import { lazy, Suspense, useState } from 'react'

import type { Schemas } from '../../api/client'
import { count, duration, exactTime, money, percent } from '../../format'
import { Button } from '../../ui/Button'
import { Empty } from '../../ui/Page'
import { Loading } from '../../ui/states'
import { Table, type Column } from '../../ui/Table'
import { Foreign, Value } from '../../ui/Value'
import { useIsWide } from '../../ui/visibleRows'
import { FACTORS, nameOf, TITLES } from './facts'

type View = Schemas['DecisionView']
type Candidate = Schemas['RoutingCandidate']

const Drawing = lazy(() => import('./Drawing'))

/** Longer lists of who is left say only how many more. */
const MOST_SHOWN = 8

export function Decision({ view }: { view: View }) {
  const abilities = view.need.abilities.join(', ')
  return (
    <>
      <p className="text-sm">
        {view.rule_text} <span className="text-muted">({view.candidate_count === 1 ? '1 candidate' : `${view.candidate_count} candidates`}, strategy {view.strategy}, profile{' '}
        <bdi>{view.profile.id}</bdi>, about {count(view.need.input_tokens)} prompt tokens{abilities === '' ? '' : `, needs ${abilities}`})</span>
      </p>
      {view.refusal !== null && <p className="mt-2 text-sm font-medium text-bad">■ Nobody is asked: <bdi>{view.refusal}</bdi></p>}
      {view.candidates.length > 0 && <Layers view={view} />}
      <Order view={view} />
      <p className="mt-3 text-xs text-muted">Decided {exactTime(view.at)}. Token counts are estimates until the provider has counted.</p>
    </>
  )
}

function Layers({ view }: { view: View }) {
  const [isList, setList] = useState(false)
  const isWide = useIsWide()
  return (
    <div className="mt-3">
      {isWide && <Button aria-pressed={isList} className="mb-2" onClick={() => { setList(!isList) }}>Show as list</Button>}
      {isWide && !isList ? (
        <div role="img" aria-label={`Drawing of the five layers: ${view.layers.map((layer) => `${TITLES[layer.layer] ?? layer.layer} ${layer.entered} to ${layer.left}`).join(', ')}. The list has the same.`}>
          <Suspense fallback={<Loading what="drawing" />}><Drawing view={view} /></Suspense>
        </div>
      ) : (
        <ol className="grid gap-3 xl:grid-cols-5">
          {view.layers.map((layer) => <Layer key={layer.layer} layer={layer} view={view} />)}
        </ol>
      )}
    </div>
  )
}

function Layer({ layer, view }: { layer: Schemas['RoutingLayer']; view: View }) {
  const name = (place: number) => nameOf(view.candidates[place])
  const shown = layer.survivors.slice(0, MOST_SHOWN)
  return (
    <li className="min-w-0 rounded border border-line p-2">
      <h3 className="text-sm font-semibold">{TITLES[layer.layer] ?? layer.layer}</h3>
      <p className="text-xs text-muted">{layer.question}</p>
      <p className="mt-1 text-xs">{layer.entered} → {layer.left}{layer.overruled && <strong className="text-warn"> overruled: nobody would have been left</strong>}</p>
      <ul className="mt-2 space-y-1">
        {shown.map((place) => (
          <li key={place} className="text-sm">
            <span className="text-good" aria-hidden="true">●</span> <span className="sr-only">stays: </span><bdi className="break-all">{name(place)}</bdi>
            {layer.layer === 'score' && <ScoreBars candidate={view.candidates[place]} />}
          </li>
        ))}
        {layer.left > shown.length && <li className="text-xs text-muted">and {layer.left - shown.length} more</li>}
        {layer.fallen.map(({ candidate, reason, more }) => (
          <li key={candidate} className="text-sm text-muted">
            <span className="text-bad" aria-hidden="true">✕</span> <span className="sr-only">falls: </span><bdi className="break-all line-through">{name(candidate)}</bdi>
            <span className="block pl-4 text-xs"><bdi>{reason.text}</bdi>{reason.until != null && `, until ${exactTime(reason.until)}`}{more > 0 && ` (and ${more} more)`}</span>
          </li>
        ))}
      </ul>
    </li>
  )
}

function ScoreBars({ candidate }: { candidate: Candidate | undefined }) {
  if (!candidate?.score) return null
  const { total, factors } = candidate.score
  return (
    <dl className="mb-2 pl-4 text-xs">
      <div className="flex justify-between"><dt>total</dt><dd>{total.toFixed(2)}</dd></div>
      {FACTORS.map((factor) => (
        <div key={factor} className="grid grid-cols-[4.5rem_1fr_2rem] items-center gap-1 text-muted">
          <dt>{factor}</dt>
          <dd aria-hidden="true" className="h-1.5 rounded bg-raised"><div className="h-full rounded bg-requests" style={{ width: `${Math.max(0, Math.min(1, factors[factor])) * 100}%` }} /></dd>
          <dd className="text-right">{factors[factor].toFixed(2)}</dd>
        </div>
      ))}
    </dl>
  )
}

function Order({ view }: { view: View }) {
  const rows = view.order.flatMap((place) => (view.candidates[place] ? [view.candidates[place]] : []))
  if (rows.length === 0) return null
  const columns: Column<Candidate>[] = [
    { title: 'Tried', narrow: 'main', width: 'w-14', cell: (row) => (row.place ?? 0) + 1 },
    { title: 'Target', narrow: 'main', cell: (row) => <Foreign text={nameOf(row)} /> },
    { title: 'Would cost', narrow: 'main', isNumber: true, width: 'w-24', cell: (row) => <Value of={money(row.estimated_cost_microcents)} /> },
    { title: 'Score', isNumber: true, width: 'xl:w-20', cell: (row) => <Value of={row.score == null ? null : row.score.total.toFixed(2)} /> },
    { title: 'Latency', isNumber: true, width: 'xl:w-24', cell: (row) => <Value of={duration(row.latency_ms)} /> },
    { title: 'Errors', isNumber: true, width: 'xl:w-20', cell: (row) => <Value of={percent(row.error_rate)} /> },
    { title: 'Warm', width: 'xl:w-20', cell: (row) => (row.warm ? 'yes' : 'no') },
  ]
  return (
    <div className="mt-4">
      <Table caption="The order in which targets are tried" rows={rows} columns={columns} rowKey={(row) => `${row.place ?? ''} ${nameOf(row)}`} />
      {view.more_in_order > 0 && <Empty>and {view.more_in_order} more after these</Empty>}
    </div>
  )
}
