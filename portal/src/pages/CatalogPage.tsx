/** What models there are, what they can do, what they cost, and how they fare here. */

import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'

import type { Schemas } from '../api/client'
import { catalogQuery } from '../api/queries'
import { useFilters } from '../app/FilterBar'
import { count, duration, percent } from '../format'
import { links } from '../links'
import { Button } from '../ui/Button'
import { Card } from '../ui/Card'
import { Check, Field, Select } from '../ui/Field'
import { RecordsLink } from '../ui/FilterLink'
import { Empty, PageHead } from '../ui/Page'
import { Failure, Loading } from '../ui/states'
import { Table, type Column } from '../ui/Table'
import { Foreign, Value } from '../ui/Value'
import { Abilities } from './catalog/Abilities'
import { Cards, samples } from './catalog/Cards'
import { Compare } from './catalog/Compare'
import { ratePerMillion } from './catalog/rates'

type Model = Schemas['CatalogModel']

const ABILITIES = ['tools', 'vision', 'audio', 'documents', 'json_schema', 'reasoning', 'streaming'] as const
const CONTEXTS = [['', 'any'], ['32000', '32K'], ['128000', '128K'], ['200000', '200K'], ['1000000', '1M']] as const
const MOST_COMPARED = 4

export function CatalogPage() {
  const [q, setQ] = useState('')
  const [needs, setNeeds] = useState<readonly string[]>([])
  const [context, setContext] = useState('')
  const [price, setPrice] = useState('')
  const [isAll, setAll] = useState(false)
  const [cursors, setCursors] = useState<readonly string[]>([])
  const [compared, setCompared] = useState<readonly Model[]>([])
  const [isCards, setCards] = useState(false)
  const onCompare = (model: Model, isOn: boolean) => { setCompared(isOn ? [...compared, model].slice(-MOST_COMPARED) : compared.filter((known) => known.id !== model.id)) }
  const question = {
    q: q.trim(),
    capabilities: needs.join(','),
    configured: isAll ? undefined : true,
    min_context_window: context === '' ? undefined : Number(context),
    max_input_price: price.trim(),
  }
  const catalog = useQuery(catalogQuery(question, cursors.at(-1)))
  const ask = (change: () => void) => { setCursors([]); change() }
  const next = catalog.data?.next_cursor
  return (
    <>
      <PageHead title="Catalog"><Button aria-pressed={isCards} onClick={() => { setCards(!isCards) }}>Show as cards</Button></PageHead>
      <form role="search" className="mt-3 flex flex-wrap items-end gap-3" onSubmit={(event) => { event.preventDefault() }}>
        <Field label="Search" data-shortcut="/" value={q} onChange={(event) => { ask(() => { setQ(event.target.value) }) }} placeholder="sonnet" />
        <Select label="Context window" value={context} onChange={(event) => { ask(() => { setContext(event.target.value) }) }}>
          {CONTEXTS.map(([value, words]) => <option key={value} value={value}>{value === '' ? words : `at least ${words}`}</option>)}
        </Select>
        <Field label="Input up to, $ per 1M" inputMode="decimal" pattern="[0-9.]*" value={price} onChange={(event) => { ask(() => { setPrice(event.target.value.replace(/[^0-9.]/g, '')) }) }} />
        <fieldset className="flex flex-wrap gap-x-4">
          <legend className="sr-only">Can</legend>
          {ABILITIES.map((ability) => (
            <Check
              key={ability}
              label={ability.replace('_', ' ')}
              checked={needs.includes(ability)}
              onChange={(event) => { ask(() => { setNeeds(event.target.checked ? [...needs, ability] : needs.filter((known) => known !== ability)) }) }}
            />
          ))}
        </fieldset>
        <Check label="also models that no provider here serves" checked={isAll} onChange={(event) => { ask(() => { setAll(event.target.checked) }) }} />
      </form>
      {compared.length > 0 && <Compare models={compared} onRemove={(id) => { setCompared(compared.filter((model) => model.id !== id)) }} />}
      <Card title="Models">
        {catalog.isPending && <Loading what="catalog" />}
        {catalog.isError && <Failure what="catalog" error={catalog.error} onRetry={() => void catalog.refetch()} />}
        {catalog.data?.data.length === 0 && <Empty>No model is known to be so. Fewer conditions may find one.</Empty>}
        {catalog.data && catalog.data.data.length > 0 && (
          isCards ? <Cards models={catalog.data.data} compared={compared} onCompare={onCompare} /> : <ModelTable models={catalog.data.data} compared={compared} onCompare={onCompare} />
        )}
        {(cursors.length > 0 || next != null) && (
          <nav aria-label="Pages of models" className="mt-3 flex gap-2">
            <Button disabled={cursors.length === 0} onClick={() => { setCursors(cursors.slice(0, -1)) }}>Back</Button>
            <Button disabled={next == null} onClick={() => { if (next != null) setCursors([...cursors, next]) }}>More</Button>
          </nav>
        )}
      </Card>
    </>
  )
}

interface TableProps {
  models: readonly Model[]
  compared: readonly Model[]
  onCompare: (model: Model, isOn: boolean) => void
}

function ModelTable({ models, compared, onCompare }: TableProps) {
  const filters = useFilters()
  const navigate = useNavigate()
  const columns: Column<Model>[] = [
    {
      title: 'Model',
      narrow: 'main',
      width: 'xl:w-[24%]',
      cell: (model) => (
        <>
          <Link {...links.model(model.id, filters)} className="block truncate underline decoration-line underline-offset-2 hover:decoration-ink"><bdi>{model.name ?? model.model}</bdi></Link>
          <span className="block text-xs text-muted"><Foreign text={model.id} /></span>
        </>
      ),
    },
    { title: 'In $/1M', narrow: 'main', isNumber: true, width: 'w-16 xl:w-20', cell: (model) => <Value of={ratePerMillion(model.price, 'input')} /> },
    { title: 'Out $/1M', narrow: 'main', isNumber: true, width: 'w-16 xl:w-20', cell: (model) => <Value of={ratePerMillion(model.price, 'output')} /> },
    { title: 'Context', isNumber: true, width: 'xl:w-20', cell: (model) => <Value of={count(model.context_window)} /> },
    { title: 'Can', width: 'xl:w-[20%]', cell: (model) => <Abilities of={model.capabilities} /> },
    { title: 'Quality', isNumber: true, width: 'xl:w-20', cell: (model) => (model.quality == null ? <Value of={null} /> : <span title={samples(model.quality)}>{model.quality.prior.toFixed(2)}</span>) },
    { title: 'p50 / p95 here', isNumber: true, width: 'xl:w-32', cell: (model) => <Measured model={model} /> },
    { title: 'Errors here', isNumber: true, width: 'xl:w-24', cell: (model) => <Value of={percent(model.measured?.error_rate)} /> },
    {
      title: 'Compare',
      width: 'xl:w-24',
      cell: (model) => (
        <input
          type="checkbox"
          className="size-6"
          aria-label={`Compare ${model.id}`}
          checked={compared.some((known) => known.id === model.id)}
          onChange={(event) => { onCompare(model, event.target.checked) }}
          onKeyDown={(event) => { if (event.key === 'Enter') void navigate(links.model(model.id, filters)) }}
        />
      ),
    },
  ]
  return <Table caption="Models" rows={models} columns={columns} rowKey={(model) => model.id} />
}

function Measured({ model }: { model: Model }) {
  const { measured } = model
  if (!measured || measured.requests === 0) return <Value of={null} />
  return (
    <>
      <Value of={duration(measured.p50_latency_ms)} /> / <Value of={duration(measured.p95_latency_ms)} />
      <span className="block text-xs text-muted">of <RecordsLink filters={{ t: '30d', provider: model.provider, model: model.model }}>{count(measured.requests)}</RecordsLink></span>
    </>
  )
}
