/** The sums of the chosen stretch of time. */

import type { Schemas } from '../../api/client'
import { count, duration, exactCount, money, percent } from '../../format'
import { Value } from '../../ui/Value'

export function Totals({ stats }: { stats: Schemas['Stats'] }) {
  const failed = stats.total_requests === 0 ? null : stats.failed_requests / stats.total_requests
  return (
    <dl aria-label="Totals" className="mt-4 grid grid-cols-2 gap-3 md:grid-cols-5">
      <Total name="Requests" value={count(stats.total_requests)} note={null} />
      <Total name="Cost" value={money(stats.total_cost_microcents)} note={left(stats.unknown_cost_requests, 'price unknown')} />
      <Total name="Error rate" value={percent(failed)} note={left(stats.failed_requests, 'failed')} />
      <Total name="p95 latency" value={duration(stats.p95_latency_ms)} note={median(stats.p50_latency_ms)} />
      <Total name="Tokens" value={count(stats.input_tokens + stats.output_tokens)} note={`${count(stats.input_tokens) ?? ''} in, ${count(stats.output_tokens) ?? ''} out`} />
    </dl>
  )
}

function Total({ name, value, note }: { name: string; value: string | null; note: string | null }) {
  return (
    <div className="rounded-lg border border-line bg-surface px-4 py-3 last:col-span-2 md:last:col-span-1">
      <dt className="text-xs text-muted">{name}</dt>
      <dd className="mt-1 text-2xl font-semibold">
        <Value of={value} />
        {note !== null && <span className="mt-0.5 block text-xs font-normal text-muted">{note}</span>}
      </dd>
    </div>
  )
}

function left(requests: number, why: string): string | null {
  return requests === 0 ? null : `${exactCount(requests) ?? ''} ${why}`
}

function median(ms: number | null | undefined): string | null {
  const text = duration(ms)
  return text === null ? null : `median ${text}`
}
