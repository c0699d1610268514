/** A record for tests: one that is wholly known. */

import type { Schemas } from './api/client'

type Row = Schemas['RecordView']

export function record(changed: Partial<Row>): Row {
  const known: Partial<Row> = {
    id: 'rec-1',
    started_at: '2026-11-21T10:00:00Z',
    project: 'web',
    source: 'tests',
    provider: 'demo',
    model: 'model-a',
    model_requested: 'model-a',
    status: 200,
    outcome: 'ok',
    error_kind: null,
    latency_ms: 812,
    ttft_ms: 97,
    input_tokens: 1200,
    output_tokens: 34,
    usage_estimated: false,
    cost_microcents: 1_234_567,
  }
  return { ...known, ...changed } as Row
}
