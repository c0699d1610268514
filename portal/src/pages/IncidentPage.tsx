/** One incident: its course, who was hit, what mitigated it, its requests, and what somebody wrote to it. */

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useState } from 'react'

import { api, read, type Schemas } from '../api/client'
import { incidentQuery, incidentsKey } from '../api/queries'
import { useFilters } from '../app/FilterBar'
import { bucketTime, exactCount, exactTime, recordTime } from '../format'
import type { AnyDimension } from '../filters'
import { links } from '../links'
import { Button } from '../ui/Button'
import { Card } from '../ui/Card'
import { Area, FormError } from '../ui/Field'
import { RecordsLink } from '../ui/FilterLink'
import { Empty, PageHead } from '../ui/Page'
import { Failure, Loading } from '../ui/states'
import { Table, type Column } from '../ui/Table'
import { Foreign, Value } from '../ui/Value'
import { ImpactSign, incidentTitle } from './incidents/ImpactSign'

type Detail = Schemas['IncidentDetail']

const route = getRouteApi('/incidents/$id')

export function IncidentPage() {
  const { id } = route.useParams()
  const incident = useQuery(incidentQuery(id))
  return (
    <>
      <PageHead title={incident.data ? incidentTitle(incident.data) : 'Incident'}>{incident.data && <ImpactSign impact={incident.data.impact} />}</PageHead>
      {incident.isPending && <Loading what="incident" />}
      {incident.isError && <Failure what="incident" error={incident.error} onRetry={() => void incident.refetch()} />}
      {incident.isSuccess && <Whole incident={incident.data} />}
    </>
  )
}

function Whole({ incident }: { incident: Detail }) {
  const facts: [string, string | null][] = [
    ['State', incident.state],
    ['Since', exactTime(incident.opened_at)],
    ['Last seen', exactTime(incident.last_seen_at)],
    ['Closed', incident.closed_at === null ? null : exactTime(incident.closed_at)],
    ['Requests', exactCount(incident.requests)],
    ['Felt by clients', exactCount(incident.impacting_requests)],
    ['Mitigated', exactCount(incident.mitigated_requests)],
    ['Came back', exactCount(incident.reopened)],
  ]
  return (
    <>
      <Card title="In short">
        <dl className="grid grid-cols-2 gap-3 text-sm md:grid-cols-4">
          {facts.map(([name, value]) => (
            <div key={name}>
              <dt className="text-xs text-muted">{name}</dt>
              <dd><Value of={value} /></dd>
            </div>
          ))}
        </dl>
      </Card>
      <Card title="Course"><Timeline minutes={incident.timeline} /></Card>
      <div className="grid gap-x-5 md:grid-cols-2 xl:grid-cols-4">
        <Counts title="Projects hit" name="project" rows={incident.projects} incident={incident} />
        <Counts title="Requesters hit" name="source" rows={incident.sources} incident={incident} />
        <Counts title="Models asked" name="model_requested" rows={incident.models} incident={incident} />
        <Counts title="What went wrong" name={null} rows={incident.errors} incident={incident} />
      </div>
      <Card title="Who answered instead">
        {incident.mitigated_by.length === 0 ? (
          <Empty>Nobody: there was no other target, or none was needed.</Empty>
        ) : (
          <ul className="text-sm">
            {incident.mitigated_by.map((row) => (
              <li key={`${row.by} ${row.provider ?? ''} ${row.model ?? ''}`}><bdi>{row.provider ?? row.by}{row.model === null ? '' : `/${row.model}`}</bdi>: {exactCount(row.requests)} requests</li>
            ))}
          </ul>
        )}
      </Card>
      <Notice incident={incident} />
      <Card title="Requests"><Requests records={incident.records} /></Card>
    </>
  )
}

function Timeline({ minutes }: { minutes: readonly Schemas['IncidentMinute'][] }) {
  const most = Math.max(1, ...minutes.map((minute) => minute.impacting + minute.mitigated + minute.notices))
  if (minutes.length === 0) return <Empty>Nothing is kept of it any more.</Empty>
  const share = (count: number) => `${(100 * count) / most}%`
  return (
    <ol className="max-h-72 space-y-1 overflow-y-auto text-sm">
      {minutes.map((minute) => (
        <li key={minute.at} className="grid grid-cols-[7rem_1fr_11rem] items-center gap-2">
          <time dateTime={minute.at}>{bucketTime(minute.at)}</time>
          <span aria-hidden="true" className="flex h-2 overflow-hidden rounded bg-raised">
            <span className="bg-bad" style={{ width: share(minute.impacting) }} />
            <span className="bg-cost" style={{ width: share(minute.mitigated) }} />
            <span className="bg-requests" style={{ width: share(minute.notices) }} />
          </span>
          <span className="text-xs text-muted">{minute.impacting} felt, {minute.mitigated} mitigated</span>
        </li>
      ))}
    </ol>
  )
}

interface CountsProps {
  title: string
  /** What its records can be filtered by. */
  name: AnyDimension | null
  rows: readonly Schemas['IncidentAffected'][]
  incident: Detail
}

function Counts({ title, name, rows, incident }: CountsProps) {
  // From the first failure to a moment after the last one.
  const window = { t: undefined, from: incident.opened_at, to: new Date(Date.parse(incident.last_seen_at) + 1_000).toISOString() }
  return (
    <Card title={title}>
      {rows.length === 0 ? (
        <Empty>None.</Empty>
      ) : (
        <ul className="text-sm">
          {rows.map((row) => (
            <li key={`${String(row.is_rest)} ${row.name ?? ''}`} className="flex justify-between gap-2">
              <span className="min-w-0">{row.is_rest ? 'all others' : <Foreign text={row.name} />}</span>
              <span>{name === null || row.is_rest || row.name === null ? exactCount(row.requests) : <RecordsLink filters={{ ...window, [name]: row.name }}>{exactCount(row.requests)}</RecordsLink>}</span>
            </li>
          ))}
        </ul>
      )}
    </Card>
  )
}

function Notice({ incident }: { incident: Detail }) {
  const client = useQueryClient()
  const [note, setNote] = useState(incident.note ?? '')
  const change = useMutation({
    mutationFn: (body: Schemas['IncidentChange']) => read(api.PATCH('/v1/incidents/{id}', { params: { path: { id: incident.id } }, body })),
    onSuccess: () => client.invalidateQueries({ queryKey: incidentsKey }),
  })
  const isNoticed = incident.acknowledged_at !== null
  return (
    <Card title="Notice" aside={<Button onClick={() => { change.mutate({ acknowledged: !isNoticed }) }}>{isNoticed ? 'Take the acknowledgement back' : 'Acknowledge'}</Button>}>
      {incident.acknowledged_at !== null && <p className="mb-2 text-sm text-good">● Acknowledged {exactTime(incident.acknowledged_at)}.</p>}
      <form className="grid gap-2" onSubmit={(event) => { event.preventDefault(); change.mutate({ note: note.trim() === '' ? null : note }) }}>
        <Area label="Note" rows={3} maxLength={2000} value={note} onChange={(event) => { setNote(event.target.value) }} />
        <Button type="submit" className="justify-self-start" disabled={change.isPending}>Save note</Button>
        <FormError error={change.error} />
      </form>
    </Card>
  )
}

function Requests({ records }: { records: Detail['records'] }) {
  const filters = useFilters()
  const now = new Date()
  const columns: Column<Detail['records'][number]>[] = [
    { title: 'Time', narrow: 'main', width: 'w-20 xl:w-32', cell: (row) => <time dateTime={row.at}>{recordTime(row.at, now)}</time> },
    { title: 'Record', narrow: 'main', cell: (row) => <Link {...links.record(row.record_id, filters)} className="block truncate underline underline-offset-2">{row.record_id}</Link> },
    { title: 'Error', cell: (row) => <Foreign text={row.error} /> },
    { title: 'Impact', narrow: 'main', width: 'w-40 xl:w-52', cell: (row) => <ImpactSign impact={row.impact} /> },
  ]
  if (records.length === 0) return <Empty>None is kept any more.</Empty>
  return <Table caption="Requests of the incident" rows={records} columns={columns} rowKey={(row) => row.record_id} />
}
