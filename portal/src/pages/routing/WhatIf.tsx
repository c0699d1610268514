/** What other rules would have made of the requests of a stretch of time: who would have gone where, and what it would have cost. */

import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'

import { api, read, type Schemas } from '../../api/client'
import { FilterBar, useFilters } from '../../app/FilterBar'
import { ALL_DIMENSIONS, listOf, windowLabel, windowOf } from '../../filters'
import { duration, exactCount, money } from '../../format'
import { Button } from '../../ui/Button'
import { Card } from '../../ui/Card'
import { Area, FormError } from '../../ui/Field'
import { RecordsLink } from '../../ui/FilterLink'
import { Empty } from '../../ui/Page'
import { Table, type Column } from '../../ui/Table'
import { Value } from '../../ui/Value'
import { DRAFT, parseDraft } from './draft'
import { nameOf } from './facts'

export function WhatIf() {
  const filters = useFilters()
  const [draft, setDraft] = useState(DRAFT)
  const replay = useMutation({
    mutationFn: () => read(api.POST('/v1/route/replay', { body: { ...windowOf(filters, new Date()), filters: listOf(filters) as Record<string, never>, draft: parseDraft(draft) } })),
  })
  return (
    <Card title={`What if: the requests of the ${windowLabel(filters)} by other rules`}>
      <FilterBar known={ALL_DIMENSIONS} />
      <form className="mt-3 grid gap-3" onSubmit={(event) => { event.preventDefault(); replay.mutate() }}>
        <Area label="Rules" rows={5} value={draft} onChange={(event) => { setDraft(event.target.value) }} hint="JSON with the sections routing, models and profiles of the config file; empty for those in force." />
        <div className="flex flex-wrap items-center gap-3">
          <Button type="submit" disabled={replay.isPending}>Replay</Button>
          {replay.isPending && <label className="flex items-center gap-2 text-sm text-muted">Deciding all of them again, for 20 seconds at most <progress /></label>}
        </div>
        <FormError error={replay.error} />
      </form>
      {replay.data && <Outcome replay={replay.data} />}
    </Card>
  )
}

function Outcome({ replay }: { replay: Schemas['RouteReplay'] }) {
  const facts: [string, string | null][] = [
    ['Requests', exactCount(replay.requests)],
    ['Would move', exactCount(replay.moved)],
    ['Now refused', exactCount(replay.now_refused)],
    ['Now served', exactCount(replay.now_served)],
    ['Cost difference', replay.cost.known === 0 ? null : money(replay.cost.difference_microcents)],
    ['Latency difference', duration(replay.latency.difference_ms === null ? null : Math.abs(replay.latency.difference_ms))],
  ]
  const columns: Column<Schemas['RouteMove']>[] = [
    { title: 'From', narrow: 'main', cell: (move) => <bdi className="break-all">{nameOf(move.from)}</bdi> },
    { title: 'To', narrow: 'main', cell: (move) => <bdi className="break-all">{nameOf(move.to)}</bdi> },
    { title: 'Requests', narrow: 'main', isNumber: true, width: 'w-20', cell: (move) => (move.from ? <RecordsLink filters={{ provider: move.from.provider, ...(move.from.model != null && { model: move.from.model }) }}>{exactCount(move.requests)}</RecordsLink> : exactCount(move.requests)) },
    { title: 'Cost before', isNumber: true, width: 'xl:w-28', cell: (move) => <Value of={move.cost.known === 0 ? null : money(move.cost.before_microcents)} /> },
    { title: 'Cost after', isNumber: true, width: 'xl:w-28', cell: (move) => <Value of={move.cost.known === 0 ? null : money(move.cost.after_microcents)} /> },
    { title: 'Unknown cost', isNumber: true, width: 'xl:w-28', cell: (move) => exactCount(move.cost.unknown) },
  ]
  const slower = (replay.latency.difference_ms ?? 0) > 0
  return (
    <div role="status" className="mt-4 border-t border-line pt-3">
      <dl className="grid grid-cols-2 gap-3 text-sm md:grid-cols-6">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt className="text-xs text-muted">{name}</dt>
            <dd className="font-semibold"><Value of={value} />{name === 'Latency difference' && value !== null && (slower ? ' slower' : ' faster')}</dd>
          </div>
        ))}
      </dl>
      {!replay.complete && <p className="mt-2 text-sm text-warn">It took too long, and was ended before the whole window was looked at.</p>}
      {replay.without_trace > 0 && <p className="mt-2 text-sm text-muted">{exactCount(replay.without_trace)} requests have no decision to replay.</p>}
      {replay.moves.length === 0 ? <Empty>Nothing would move.</Empty> : <Table caption="From where to where" rows={replay.moves} columns={columns} rowKey={(move) => `${nameOf(move.from)} ${nameOf(move.to)}`} />}
    </div>
  )
}
