/** Up to four models side by side. */

import type { ReactNode } from 'react'

import type { Schemas } from '../../api/client'
import { count, duration, exactCount, percent } from '../../format'
import { Button } from '../../ui/Button'
import { Card } from '../../ui/Card'
import { Value } from '../../ui/Value'
import { Abilities } from './Abilities'
import { ratePerMillion, TOKEN_CLASSES } from './rates'

type Model = Schemas['CatalogModel']

const LINES: readonly [string, (model: Model) => ReactNode][] = [
  ...TOKEN_CLASSES.map((name): [string, (model: Model) => ReactNode] => [`${name.replaceAll('_', ' ')}, per 1M`, (model) => <Value of={ratePerMillion(model.price, name)} />]),
  ['context window', (model) => <Value of={exactCount(model.context_window)} />],
  ['most output', (model) => <Value of={exactCount(model.max_output_tokens)} />],
  ['can', (model) => <Abilities of={model.capabilities} />],
  ['knowledge until', (model) => <Value of={model.knowledge_cutoff ?? null} />],
  ['status', (model) => <Value of={model.status ?? null} />],
  ['quality (benchmarks)', (model) => <Value of={model.quality == null ? null : model.quality.prior.toFixed(2)} />],
  ['requests here', (model) => <Value of={count(model.measured?.requests)} />],
  ['p50, p95 latency here', (model) => <><Value of={duration(model.measured?.p50_latency_ms)} />, <Value of={duration(model.measured?.p95_latency_ms)} /></>],
  ['first token here, p50', (model) => <Value of={duration(model.measured?.p50_ttft_ms)} />],
  ['errors here', (model) => <Value of={percent(model.measured?.error_rate)} />],
]

export function Compare({ models, onRemove }: { models: readonly Model[]; onRemove: (id: string) => void }) {
  return (
    <Card title="Side by side">
      <div
        role="region"
        aria-label="Models side by side"
        // A region that scrolls must be reachable by keyboard.
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        tabIndex={0}
        className="overflow-x-auto"
      >
        <table className="text-sm">
          <caption className="sr-only">Models side by side</caption>
          <thead>
            <tr>
              <th scope="col" className="pr-4 text-left text-xs font-medium text-muted">Fact</th>
              {models.map((model) => (
                <th key={model.id} scope="col" className="min-w-40 px-2 pb-2 text-left font-medium">
                  <bdi>{model.id}</bdi>
                  <Button className="mt-1 block" onClick={() => { onRemove(model.id) }}>Remove<span className="sr-only"> {model.id}</span></Button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {LINES.map(([name, cell]) => (
              <tr key={name} className="border-t border-line">
                <th scope="row" className="py-1 pr-4 text-left font-normal whitespace-nowrap text-muted">{name}</th>
                {models.map((model) => <td key={model.id} className="px-2 py-1 align-top">{cell(model)}</td>)}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  )
}
