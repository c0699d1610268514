/** The sums of the chosen stretch of time, each beside the stretch before. */

import type { ReactNode } from 'react'

import type { Schemas } from '../../api/client'
import { change, count, duration, exactCount, money, percent } from '../../format'
import { RecordsLink } from '../../ui/FilterLink'
import { Value } from '../../ui/Value'

type Stats = Schemas['Stats']

export function Totals({ stats, before }: { stats: Stats; before: Stats | undefined }) {
  const failed = failureRate(stats)
  const than = (read: (stats: Stats) => number | null | undefined) => (before === undefined ? null : change(read(stats), read(before)))
  return (
    <dl aria-label="Totals" className="mt-4 grid grid-cols-2 gap-3 md:grid-cols-4 xl:grid-cols-7">
      <Total name="Requests" value={count(stats.total_requests)} before={than((stats) => stats.total_requests)} />
      <Total
        name="Cost"
        value={money(stats.total_cost_microcents)}
        before={than((stats) => stats.total_cost_microcents)}
        note={stats.unknown_cost_requests === 0 ? null : `${exactCount(stats.unknown_cost_requests) ?? ''} price unknown`}
      />
      <Total
        name="Error rate"
        value={percent(failed)}
        before={than(failureRate)}
        note={stats.failed_requests === 0 ? null : <RecordsLink filters={{ outcome: 'error' }}>{exactCount(stats.failed_requests)} failed</RecordsLink>}
      />
      <Total name="p95 latency" value={duration(stats.p95_latency_ms)} before={than((stats) => stats.p95_latency_ms)} note={median(stats.p50_latency_ms)} />
      <Total name="Tokens" value={count(stats.input_tokens + stats.output_tokens)} note={`${count(stats.input_tokens) ?? ''} in, ${count(stats.output_tokens) ?? ''} out`} />
      <Total name="Cache hits" value={percent(stats.cache_hit_rate)} note={stats.saved_microcents === 0 ? null : `${money(stats.saved_microcents) ?? ''} saved`} />
      <Total name="Findings" value={count(stats.findings)} before={than((stats) => stats.findings)} />
    </dl>
  )
}

function Total({ name, value, before = null, note = null }: { name: string; value: string | null; before?: string | null; note?: ReactNode }) {
  return (
    <div className="rounded-lg border border-line bg-surface px-4 py-3">
      <dt className="text-xs text-muted">{name}</dt>
      <dd className="mt-1">
        <span className="text-2xl font-semibold"><Value of={value} /></span>
        {before !== null && <span className="mt-0.5 block text-xs text-muted">{before}</span>}
        {note !== null && <span className="mt-0.5 block text-xs text-muted">{note}</span>}
      </dd>
    </div>
  )
}

function failureRate(stats: Stats): number | null {
  return stats.total_requests === 0 ? null : stats.failed_requests / stats.total_requests
}

function median(ms: number | null | undefined): string | null {
  const text = duration(ms)
  return text === null ? null : `median ${text}`
}
