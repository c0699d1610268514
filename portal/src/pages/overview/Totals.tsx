/** The sums of the chosen stretch of time, each beside the stretch before. */

import type { ReactNode } from 'react'

import type { Schemas } from '../../api/client'
import type { Filters } from '../../filters'
import { change, count, duration, exactCount, money, percent } from '../../format'
import { RecordsLink } from '../../ui/FilterLink'
import { Value } from '../../ui/Value'

type Stats = Schemas['Stats']

export function Totals({ stats, before }: { stats: Stats; before: Stats | undefined }) {
  const failed = failureRate(stats)
  const than = (read: (stats: Stats) => number | null | undefined) => (before === undefined ? null : change(read(stats), read(before)))
  return (
    <dl aria-label="Totals" className="mt-4 grid grid-cols-2 gap-3 md:grid-cols-4 xl:grid-cols-7">
      <Total name="Requests" value={count(stats.total_requests)} to={{}} before={than((stats) => stats.total_requests)} />
      <Total
        name="Cost"
        to={{ sort: 'cost_microcents' }}
        value={money(stats.total_cost_microcents)}
        before={than((stats) => stats.total_cost_microcents)}
        note={stats.unknown_cost_requests === 0 ? null : `${exactCount(stats.unknown_cost_requests) ?? ''} price unknown`}
      />
      <Total
        name="Error rate"
        to={{ outcome: 'error' }}
        value={percent(failed)}
        before={than(failureRate)}
        note={stats.failed_requests === 0 ? null : `${exactCount(stats.failed_requests) ?? ''} failed`}
      />
      <Total name="p95 latency" to={{ sort: 'latency_ms' }} value={duration(stats.p95_latency_ms)} before={than((stats) => stats.p95_latency_ms)} note={median(stats.p50_latency_ms)} />
      <Total name="Tokens" to={{}} value={count(stats.input_tokens + stats.output_tokens)} note={`${count(stats.input_tokens) ?? ''} in, ${count(stats.output_tokens) ?? ''} out`} />
      <Total name="Cache hits" to={{ cache: 'hit' }} value={percent(stats.cache_hit_rate)} note={stats.saved_microcents === 0 ? null : `${money(stats.saved_microcents) ?? ''} saved`} />
      <Total name="Findings" to={{ findings: 'true' }} value={count(stats.findings)} before={than((stats) => stats.findings)} />
    </dl>
  )
}

/** `to` are the records that the number was made of. */
function Total({ name, value, to, before = null, note = null }: { name: string; value: string | null; to: Filters; before?: string | null; note?: ReactNode }) {
  return (
    <div className="rounded-lg border border-line bg-surface px-4 py-3">
      <dt className="text-xs text-muted">{name}</dt>
      <dd className="mt-1">
        <span className="text-2xl font-semibold"><RecordsLink filters={to}><Value of={value} /></RecordsLink></span>
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
