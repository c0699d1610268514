/** One model: its card, its prices by time and class, its scores and where they come from. */

import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'

import type { Schemas } from '../api/client'
import { modelQuery } from '../api/queries'
import { duration, exactCount, percent } from '../format'
import { Card } from '../ui/Card'
import { RecordsLink } from '../ui/FilterLink'
import { Empty, PageHead } from '../ui/Page'
import { Failure, Loading } from '../ui/states'
import { Table, type Column } from '../ui/Table'
import { Foreign, Value } from '../ui/Value'
import { Abilities } from './catalog/Abilities'
import { samples } from './catalog/Cards'
import { ratePerMillion, TOKEN_CLASSES } from './catalog/rates'

type Detail = Schemas['CatalogDetail']

const route = getRouteApi('/models/$')

export function ModelPage() {
  const { _splat: id = '' } = route.useParams()
  const model = useQuery(modelQuery(id))
  return (
    <>
      <PageHead title={model.data?.name ?? model.data?.model ?? 'Model'}><code className="text-sm text-muted"><bdi>{id}</bdi></code></PageHead>
      {model.isPending && <Loading what="model" />}
      {model.isError && <Failure what="model" error={model.error} onRetry={() => void model.refetch()} />}
      {model.isSuccess && <Whole model={model.data} />}
    </>
  )
}

function Whole({ model }: { model: Detail }) {
  const facts: [string, React.ReactNode][] = [
    ['Provider', <Foreign key="p" text={model.provider} />],
    ['Family', <Foreign key="f" text={model.family} />],
    ['Status', <Value key="s" of={model.status ?? null} />],
    ['Released', <Value key="r" of={model.released_on ?? null} />],
    ['Knowledge until', <Value key="k" of={model.knowledge_cutoff ?? null} />],
    ['Context window', <Value key="c" of={exactCount(model.context_window)} />],
    ['Most output', <Value key="o" of={exactCount(model.max_output_tokens)} />],
    ['Reads', model.input_modalities?.join(', ') ?? <Value key="i" of={null} />],
    ['Writes', model.output_modalities?.join(', ') ?? <Value key="w" of={null} />],
    ['Can', <Abilities key="a" of={model.capabilities} />],
    ['Quality', model.quality == null ? <Value key="q" of={null} /> : `${model.quality.prior.toFixed(2)}, ${samples(model.quality)}`],
    ['Served here', model.configured ? 'yes' : 'no'],
  ]
  const measured = model.measured
  return (
    <>
      <Card title="Card"><FactList facts={facts} /></Card>
      <Card title="Measured here">
        {measured == null || measured.requests === 0 ? (
          <Empty>No request went to it in the last days.</Empty>
        ) : (
          <FactList
            facts={[
              ['Requests', <RecordsLink key="n" filters={{ model: model.model, provider: model.provider }}>{exactCount(measured.requests)}</RecordsLink>],
              ['Errors', <Value key="e" of={percent(measured.error_rate)} />],
              ['p50 latency', <Value key="m" of={duration(measured.p50_latency_ms)} />],
              ['p95 latency', <Value key="h" of={duration(measured.p95_latency_ms)} />],
              ['First token, p50', <Value key="t" of={duration(measured.p50_ttft_ms)} />],
              ['First token, p95', <Value key="u" of={duration(measured.p95_ttft_ms)} />],
            ]}
          />
        )}
      </Card>
      <Card title="Prices, US dollars for a million tokens"><Prices prices={model.prices} /></Card>
      <Card title="Benchmark scores"><Scores scores={model.scores} /></Card>
    </>
  )
}

function FactList({ facts }: { facts: readonly [string, React.ReactNode][] }) {
  return (
    <dl className="grid grid-cols-2 gap-x-5 gap-y-3 text-sm md:grid-cols-3 xl:grid-cols-6">
      {facts.map(([name, value]) => (
        <div key={name} className="min-w-0">
          <dt className="text-xs text-muted">{name}</dt>
          <dd className="break-words">{value}</dd>
        </div>
      ))}
    </dl>
  )
}

function Prices({ prices }: { prices: readonly Schemas['Price'][] }) {
  if (prices.length === 0) return <Empty>No price is known. Requests to it are counted as unknown, never as free; <code>[[catalog]]</code> in the config can state one.</Empty>
  const classes = TOKEN_CLASSES.filter((name) => prices.some((price) => price.rates[name]))
  const columns: Column<Schemas['Price']>[] = [
    { title: 'Since', narrow: 'main', width: 'w-28', cell: (price) => <>{price.from ?? 'the beginning'}{price.in_force && <strong className="block text-xs">in force</strong>}</> },
    { title: 'When', cell: (price) => [price.tier, price.hours?.join('–')].filter(Boolean).join(', ') || 'always' },
    ...classes.map((name): Column<Schemas['Price']> => ({
      title: name.replaceAll('_', ' '),
      narrow: name === 'input' || name === 'output' ? 'main' : 'more',
      isNumber: true,
      cell: (price) => (
        <>
          <Value of={ratePerMillion(price, name)} />
          {price.rates[name]?.above.map((step) => <span key={step.input_tokens} className="block text-xs text-muted">${step.usd} above {exactCount(step.input_tokens)}</span>)}
        </>
      ),
    })),
  ]
  return <Table caption="Prices" rows={prices} columns={columns} rowKey={(price) => `${price.version} ${price.from ?? ''} ${price.tier ?? ''} ${price.hours?.join() ?? ''}`} />
}

function Scores({ scores }: { scores: readonly Schemas['BenchmarkScore'][] }) {
  if (scores.length === 0) return <Empty>None is known.</Empty>
  const columns: Column<Schemas['BenchmarkScore']>[] = [
    { title: 'Benchmark', narrow: 'main', cell: (score) => <><Foreign text={score.benchmark} /><span className="block text-xs text-muted"><Foreign text={score.run_with} /></span></> },
    { title: 'Score', narrow: 'main', isNumber: true, width: 'w-24', cell: (score) => <bdi>{score.score}</bdi> },
    { title: 'Measure', cell: (score) => <Foreign text={score.metric} /> },
    { title: 'Source', cell: (score) => <Foreign text={score.source} /> },
  ]
  return <Table caption="Benchmark scores" rows={scores} columns={columns} rowKey={(score) => `${score.benchmark} ${score.metric} ${score.run_with} ${score.score}`} />
}
