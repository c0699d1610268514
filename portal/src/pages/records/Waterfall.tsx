/** The calls of a request on its own axis of time: which began when, how long each took, and how it ended. */

import type { Schemas } from '../../api/client'
import { duration, exactCount, money } from '../../format'
import { Foreign, Value } from '../../ui/Value'
import { OutcomeSign } from './OutcomeSign'

interface Props {
  row: Schemas['RecordView']
  attempts: readonly Schemas['AttemptView'][]
}

export function Waterfall({ row, attempts }: Props) {
  const begin = Date.parse(row.started_at)
  const whole = Math.max(row.latency_ms, 1)
  const share = (ms: number) => `${Math.min(100, Math.max(0, (100 * ms) / whole))}%`
  return (
    <ol className="space-y-4">
      {attempts.map((attempt, number) => {
        const after = Math.max(0, Date.parse(attempt.started_at) - begin)
        return (
          <li key={attempt.started_at + String(number)} className="text-sm">
            <div className="flex flex-wrap items-baseline gap-x-4">
              <span className="font-medium">{number + 1}. <bdi>{attempt.provider}</bdi></span>
              <span className="min-w-0"><Foreign text={attempt.model} /></span>
              <OutcomeSign row={attempt} />
              <span className="text-muted">
                after {duration(after)}, took {duration(attempt.latency_ms)}
                {attempt.ttft_ms != null && `, first byte after ${duration(attempt.ttft_ms) ?? ''}`}
              </span>
              <span><Value of={exactCount(attempt.input_tokens)} /> → <Value of={exactCount(attempt.output_tokens)} /> tokens, <Value of={money(attempt.cost_microcents)} /></span>
            </div>
            <div aria-hidden="true" className="mt-1 flex h-2 overflow-hidden rounded bg-raised">
              <div style={{ width: share(after) }} />
              {attempt.ttft_ms != null && <div className="bg-requests opacity-50" style={{ width: share(attempt.ttft_ms) }} />}
              <div className={attempt.outcome === 'ok' ? 'bg-requests' : 'bg-bad'} style={{ width: share(attempt.latency_ms - (attempt.ttft_ms ?? 0)) }} />
            </div>
          </li>
        )
      })}
    </ol>
  )
}
