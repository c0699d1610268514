/** Projects and requesters: who was seen, what they used, and who is at work right now. */

import { useQuery, type UseQueryResult } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'

import type { Schemas } from '../api/client'
import { projectsQuery, requestersQuery } from '../api/queries'
import { FilterBar, useFilters } from '../app/FilterBar'
import { withFilter } from '../filters'
import { count, duration, exactCount, money, percent, recordTime } from '../format'
import { links } from '../links'
import { Card } from '../ui/Card'
import { Select } from '../ui/Field'
import { RecordsLink } from '../ui/FilterLink'
import { Empty, PageHead } from '../ui/Page'
import { Failure, Loading } from '../ui/states'
import { Table, type Column } from '../ui/Table'
import { Value } from '../ui/Value'

type Row = Schemas['ProjectView'] | Schemas['RequesterView']

const ACTIVITY = [
  ['', 'in the whole stretch of time'],
  ['5', 'in the last 5 minutes'],
  ['15', 'in the last 15 minutes'],
  ['60', 'in the last hour'],
] as const

export function ProjectsPage() {
  const filters = useFilters()
  const [minutes, setMinutes] = useState<number | null>(null)
  const projects = useQuery(projectsQuery(filters, minutes))
  return <Seen title="Projects" noun="project" name="project" list={projects} minutes={minutes} onMinutes={setMinutes} />
}

export function RequestersPage() {
  const filters = useFilters()
  const [minutes, setMinutes] = useState<number | null>(null)
  const requesters = useQuery(requestersQuery(filters, minutes))
  return <Seen title="Requesters" noun="requester" name="source" list={requesters} minutes={minutes} onMinutes={setMinutes} />
}

interface Props {
  title: string
  noun: string
  name: 'project' | 'source'
  list: UseQueryResult<{ data: readonly Row[]; next_cursor?: string | null }>
  minutes: number | null
  onMinutes: (minutes: number | null) => void
}

function Seen({ title, noun, name, list, minutes, onMinutes }: Props) {
  const filters = useFilters()
  // Everybody who was ever seen is listed; here only those count that did something the filters let pass.
  const rows = (list.data?.data ?? []).filter((row) => row.total_requests > 0)
  const now = new Date()
  const columns: Column<Row>[] = [
    {
      title: noun.replace(/^./, (letter) => letter.toUpperCase()),
      narrow: 'main',
      cell: (row) => <Link {...links.records(withFilter(filters, name, row.id))} className="block truncate underline decoration-line underline-offset-2 hover:decoration-ink"><bdi>{row.id}</bdi></Link>,
    },
    { title: 'Requests', narrow: 'main', isNumber: true, width: 'w-20 xl:w-24', cell: (row) => <span title={exactCount(row.total_requests) ?? undefined}><RecordsLink filters={{ [name]: row.id }}>{count(row.total_requests)}</RecordsLink></span> },
    { title: 'Cost', narrow: 'main', isNumber: true, width: 'w-24 xl:w-28', cell: (row) => <RecordsLink filters={{ [name]: row.id, sort: 'cost_microcents' }}><Value of={money(row.total_cost_microcents)} /></RecordsLink> },
    { title: 'Tokens', isNumber: true, cell: (row) => `${count(row.input_tokens) ?? ''} → ${count(row.output_tokens) ?? ''}` },
    { title: 'Success', isNumber: true, width: 'xl:w-24', cell: (row) => <RecordsLink filters={{ [name]: row.id, not: 'outcome=ok' }}><Value of={percent(row.success_rate)} /></RecordsLink> },
    { title: 'p50 latency', isNumber: true, width: 'xl:w-28', cell: (row) => <Value of={duration(row.p50_latency_ms)} /> },
    { title: 'p95 latency', isNumber: true, width: 'xl:w-28', cell: (row) => <RecordsLink filters={{ [name]: row.id, sort: 'latency_ms' }}><Value of={duration(row.p95_latency_ms)} /></RecordsLink> },
    { title: 'Findings', isNumber: true, width: 'xl:w-24', cell: (row) => (row.findings === 0 ? '0' : <RecordsLink filters={{ [name]: row.id, findings: 'true' }}>{count(row.findings)}</RecordsLink>) },
    { title: 'Last seen', isNumber: true, width: 'xl:w-32', cell: (row) => (row.last_seen_at == null ? 'never' : <time dateTime={row.last_seen_at}>{recordTime(row.last_seen_at, now)}</time>) },
  ]
  return (
    <>
      <PageHead title={title} />
      <FilterBar />
      <Card
        title={list.data ? `${rows.length}${list.data.next_cursor == null ? '' : '+'} ${noun}${rows.length === 1 ? '' : 's'}` : title}
        aside={
          <Select
            label="Active"
            className="flex items-baseline gap-2"
            value={minutes === null ? '' : String(minutes)}
            onChange={(event) => { onMinutes(event.target.value === '' ? null : Number(event.target.value)) }}
          >
            {ACTIVITY.map(([value, words]) => <option key={value} value={value}>{words}</option>)}
          </Select>
        }
      >
        {list.isPending && <Loading what={`${noun}s`} />}
        {list.isError && <Failure what={`list of ${noun}s`} error={list.error} onRetry={() => void list.refetch()} />}
        {list.data && rows.length === 0 && (
          <Empty>None was active. A {noun} appears here by its first request: clients name it in the header <code>{name === 'project' ? 'x-project' : 'x-source'}</code>, or a key fixes it.</Empty>
        )}
        {rows.length > 0 && <Table caption={title} rows={rows} columns={columns} rowKey={(row) => row.id} />}
      </Card>
    </>
  )
}
