/** Incidents: what went wrong, whether clients felt it, and whether it is over. They open, grow and close by themselves. */

import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useEffect, useState } from 'react'

import type { Schemas } from '../api/client'
import { incidentsKey, incidentsQuery } from '../api/queries'
import { useFilters } from '../app/FilterBar'
import { exactCount, exactTime, recordTime } from '../format'
import { apiLinks, links } from '../links'
import { Button } from '../ui/Button'
import { Card } from '../ui/Card'
import { Select } from '../ui/Field'
import { Empty, PageHead } from '../ui/Page'
import { Failure, Loading } from '../ui/states'
import { Table, type Column } from '../ui/Table'
import { Value } from '../ui/Value'
import { ImpactSign, incidentTitle } from './incidents/ImpactSign'

type Incident = Schemas['Incident']

const STATES = [['', 'open and closed'], ['open', 'open'], ['closed', 'closed']] as const
const IMPACTS = [['', 'any'], ['customer_impacting', 'customer-impacting'], ['mitigated', 'mitigated by failover'], ['notice', 'notice']] as const

export function IncidentsPage() {
  const filters = useFilters()
  const [state, setState] = useState('')
  const [impact, setImpact] = useState('')
  const [cursors, setCursors] = useState<readonly string[]>([])
  const incidents = useQuery(incidentsQuery({ state, impact }, cursors.at(-1)))
  useLiveIncidents()
  const now = new Date()
  const columns: Column<Incident>[] = [
    {
      title: 'Incident',
      narrow: 'main',
      cell: (incident) => (
        <>
          <Link {...links.incident(incident.id, filters)} className="block truncate underline decoration-line underline-offset-2 hover:decoration-ink"><bdi>{incidentTitle(incident)}</bdi></Link>
          <span className="text-xs"><ImpactSign impact={incident.impact} /></span>
        </>
      ),
    },
    { title: 'State', narrow: 'main', width: 'w-20 xl:w-28', cell: (incident) => (incident.state === 'open' ? <strong className="text-bad">■ open</strong> : <span className="text-muted">closed</span>) },
    { title: 'Requests', narrow: 'main', isNumber: true, width: 'w-20', cell: (incident) => exactCount(incident.requests) },
    { title: 'Felt by clients', isNumber: true, width: 'xl:w-28', cell: (incident) => exactCount(incident.impacting_requests) },
    { title: 'Mitigated', isNumber: true, width: 'xl:w-24', cell: (incident) => exactCount(incident.mitigated_requests) },
    { title: 'Since', width: 'xl:w-28', cell: (incident) => <time dateTime={incident.opened_at} title={exactTime(incident.opened_at)}>{recordTime(incident.opened_at, now)}</time> },
    { title: 'Last seen', width: 'xl:w-28', cell: (incident) => <time dateTime={incident.last_seen_at} title={exactTime(incident.last_seen_at)}>{recordTime(incident.last_seen_at, now)}</time> },
    { title: 'Noticed', width: 'xl:w-28', cell: (incident) => <Value of={incident.acknowledged_at === null ? null : recordTime(incident.acknowledged_at, now)} /> },
  ]
  const next = incidents.data?.next_cursor
  return (
    <>
      <PageHead title="Incidents">
        <Select label="State" className="flex items-baseline gap-2" value={state} onChange={(event) => { setCursors([]); setState(event.target.value) }}>
          {STATES.map(([value, words]) => <option key={value} value={value}>{words}</option>)}
        </Select>
        <Select label="Impact" className="flex items-baseline gap-2" value={impact} onChange={(event) => { setCursors([]); setImpact(event.target.value) }}>
          {IMPACTS.map(([value, words]) => <option key={value} value={value}>{words}</option>)}
        </Select>
      </PageHead>
      <Card title="Newest first">
        {incidents.isPending && <Loading what="incidents" />}
        {incidents.isError && <Failure what="list of incidents" error={incidents.error} onRetry={() => void incidents.refetch()} />}
        {incidents.data?.data.length === 0 && <Empty>There is none. Failures of providers, used-up budgets, unknown prices and found secrets appear here by themselves.</Empty>}
        {incidents.data && incidents.data.data.length > 0 && <Table caption="Incidents" rows={incidents.data.data} columns={columns} rowKey={(incident) => incident.id} />}
        {(cursors.length > 0 || next != null) && (
          <nav aria-label="Pages of incidents" className="mt-3 flex gap-2">
            <Button disabled={cursors.length === 0} onClick={() => { setCursors(cursors.slice(0, -1)) }}>Newer</Button>
            <Button disabled={next == null} onClick={() => { if (next != null) setCursors([...cursors, next]) }}>Older</Button>
          </nav>
        )}
      </Card>
    </>
  )
}

/** Asks for the lists again whenever an incident opens, grows or closes. */
function useLiveIncidents() {
  const client = useQueryClient()
  useEffect(() => {
    const source = new EventSource(apiLinks.liveIncidents)
    const again = () => void client.invalidateQueries({ queryKey: incidentsKey })
    for (const event of ['open', 'update', 'close', 'dropped']) source.addEventListener(event, again)
    return () => { source.close() }
  }, [client])
}
