/** One record: what happened, call by call, what it cost by class, what was found, and the raw JSON. */

import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'

import type { Schemas } from '../api/client'
import { recordQuery } from '../api/queries'
import { useFilters } from '../app/FilterBar'
import { bytes, duration, exactCount, exactTime, money } from '../format'
import { links } from '../links'
import { Card } from '../ui/Card'
import { Copy } from '../ui/Copy'
import { RecordsLink } from '../ui/FilterLink'
import { Code, Empty, PageHead } from '../ui/Page'
import { Failure, Loading } from '../ui/states'
import { Table, type Column } from '../ui/Table'
import { Foreign, Value } from '../ui/Value'
import type { AnyDimension } from '../filters'
import { neighboursOf } from './records/neighbours'
import { OutcomeSign } from './records/OutcomeSign'
import { Route } from './records/Route'
import { Waterfall } from './records/Waterfall'

type Row = Schemas['RecordView']

const route = getRouteApi('/records/$id')

export function RecordPage() {
  const { id } = route.useParams()
  const record = useQuery(recordQuery(id))
  return (
    <>
      <PageHead title="Record"><code className="text-sm text-muted"><bdi>{id}</bdi></code><Copy text={id} /><Neighbours id={id} /></PageHead>
      {record.isPending && <Loading what="record" />}
      {record.isError && <Failure what="record" error={record.error} onRetry={() => void record.refetch()} />}
      {record.isSuccess && <Whole row={record.data} />}
    </>
  )
}

/** The same again, by hand: no prompt is kept, so it is the model alone that goes along. */
function Again({ row }: { row: Row }) {
  const filters = useFilters()
  const model = row.model_requested ?? row.model
  return model == null ? null : <Link {...links.playground(filters, model)} className="text-sm underline underline-offset-2">Ask this model</Link>
}

/** The way back to the list, and to what stands beside it there. */
function Neighbours({ id }: { id: string }) {
  const filters = useFilters()
  const { newer, older } = neighboursOf(id)
  const look = 'min-h-8 rounded border border-line bg-raised px-3 py-1 text-sm hover:border-muted'
  return (
    <nav aria-label="Records" className="flex gap-2">
      {newer !== undefined && <Link {...links.record(newer, filters)} data-shortcut="[" replace className={look}>Newer</Link>}
      {older !== undefined && <Link {...links.record(older, filters)} data-shortcut="]" replace className={look}>Older</Link>}
      <Link {...links.records(filters)} data-shortcut="Escape" className={look}>All records</Link>
    </nav>
  )
}

function Whole({ row }: { row: Row }) {
  const json = JSON.stringify(row, null, 2)
  return (
    <>
      <Card title="Request" aside={<div className="flex flex-wrap items-center gap-3"><OutcomeSign row={row} /><Again row={row} /></div>}>
        <Facts row={row} />
      </Card>
      <Card title="Calls to providers">
        {row.attempt_rows?.length ? <Waterfall row={row} attempts={row.attempt_rows} /> : <Empty>No provider was called.</Empty>}
      </Card>
      <Route id={row.id} isKept={row.routed === true} />
      <div className="grid gap-x-5 xl:grid-cols-2">
        <Card title="Tokens and cost"><Tokens row={row} /></Card>
        <Card title="Sanitizer"><Findings findings={row.finding_rows ?? []} /></Card>
      </div>
      <Card title="Raw" aside={<Copy text={json} />}><Code label="The record as JSON" text={json} /></Card>
    </>
  )
}

function Facts({ row }: { row: Row }) {
  const facts: [string, ReactNode][] = [
    ['Started', <time key="t" dateTime={row.started_at}>{exactTime(row.started_at)}</time>],
    ['Project', <Word key="p" name="project" text={row.project} />],
    ['Requester', <Word key="s" name="source" text={row.source} />],
    ['Team', <Word key="m" name="team" text={row.team} />],
    ['Key', row.key_id == null ? <Value key="k" of={null} /> : <RecordsLink key="k" filters={{ key_id: row.key_id }}><bdi>{row.key_label ?? row.key_id}</bdi></RecordsLink>],
    ['Session', <Word key="e" name="session_id" text={row.session_id} />],
    ['Endpoint', <span key="n"><bdi>{row.endpoint}</bdi> <span className="text-muted">({row.client_api}{row.stream ? ', stream' : ''})</span></span>],
    ['Model asked for', <Word key="a" name="model_requested" text={row.model_requested} />],
    ['Answered by', <span key="b"><Foreign text={row.model} /> <span className="block text-xs text-muted"><Foreign text={row.provider} /></span></span>],
    ['Profile', <Foreign key="f" text={row.profile} />],
    ['Latency', <Value key="l" of={duration(row.latency_ms)} />],
    ['First token', <Value key="r" of={duration(row.ttft_ms)} />],
    ['Cost', <Value key="c" of={money(row.cost_microcents)} />],
    ['Cache', row.cache],
    ['Finish reason', <Foreign key="i" text={row.finish_reason} />],
    ['Provider’s id', <Foreign key="d" text={row.provider_request_id} />],
    ['Request, answer', `${bytes(row.request_bytes) ?? ''}, ${bytes(row.response_bytes) ?? ''}`],
    ['Tags', Object.keys(row.tags).length === 0 ? <Value key="g" of={null} /> : <bdi key="g">{Object.entries(row.tags).map(([key, value]) => `${key}=${value}`).join(', ')}</bdi>],
  ]
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

function Word({ name, text }: { name: AnyDimension; text: string | null | undefined }) {
  if (text == null) return <Value of={null} />
  return <RecordsLink filters={{ [name]: text }}><bdi>{text}</bdi></RecordsLink>
}

interface TokenRow {
  name: string
  tokens: number | null
}

function Tokens({ row }: { row: Row }) {
  const part = (whole: number | null, ...parts: (number | null)[]) =>
    whole === null ? null : whole - parts.reduce<number>((sum, tokens) => sum + (tokens ?? 0), 0)
  const rows: TokenRow[] = [
    { name: 'Input, not cached', tokens: part(row.input_tokens, row.cache_read_tokens, row.cache_write_tokens) },
    { name: 'Input from the provider’s cache', tokens: row.cache_read_tokens },
    { name: 'Input written to its cache', tokens: row.cache_write_tokens },
    { name: 'Output', tokens: part(row.output_tokens, row.reasoning_tokens) },
    { name: 'Output for reasoning', tokens: row.reasoning_tokens },
  ]
  const columns: Column<TokenRow>[] = [
    { title: 'Class', narrow: 'main', cell: ({ name }) => name },
    { title: 'Tokens', narrow: 'main', isNumber: true, width: 'w-28', cell: ({ tokens }) => <Value of={exactCount(tokens)} /> },
  ]
  return (
    <>
      <Table caption="Tokens by class" rows={rows} columns={columns} rowKey={({ name }) => name} />
      <dl className="mt-3 grid gap-1 text-sm">
        <Line name="Cost by our prices" value={money(row.cost_microcents)} note={row.cost_unknown_reason ?? row.price_version} />
        {row.provider_cost_microcents != null && <Line name="Cost by the provider’s word" value={money(row.provider_cost_microcents)} note={null} />}
        {row.saved_microcents != null && <Line name="Saved by the cache" value={money(row.saved_microcents)} note={null} />}
      </dl>
      {row.usage_estimated && <p className="mt-2 text-sm text-warn">Some of these tokens were counted by the gateway, because the call was cut before the provider told them.</p>}
    </>
  )
}

function Line({ name, value, note }: { name: string; value: string | null; note: string | null | undefined }) {
  return (
    <div className="flex flex-wrap justify-between gap-x-3">
      <dt>{name}</dt>
      <dd className="text-right"><strong><Value of={value} /></strong>{note != null && <span className="block text-xs text-muted"><bdi>{note}</bdi></span>}</dd>
    </div>
  )
}

function Findings({ findings }: { findings: readonly Schemas['FindingView'][] }) {
  if (findings.length === 0) return <Empty>Nothing was found.</Empty>
  const columns: Column<Schemas['FindingView']>[] = [
    { title: 'Kind', narrow: 'main', cell: (row) => <RecordsLink filters={{ finding_kind: row.kind }}>{row.kind}</RecordsLink> },
    { title: 'Place', narrow: 'main', cell: (row) => <Foreign text={row.place} /> },
    { title: 'Action', narrow: 'main', width: 'w-20', cell: (row) => row.action },
    { title: 'In', width: 'xl:w-24', cell: (row) => row.direction },
    { title: 'Times', isNumber: true, width: 'xl:w-16', cell: (row) => exactCount(row.count) },
  ]
  return <Table caption="What the sanitizer found" rows={findings} columns={columns} rowKey={(row) => `${row.direction} ${row.place} ${row.rule} ${row.action}`} />
}
