/** Who changed what, when, and whether it was allowed. */

import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import type { Schemas } from '../api/client'
import { auditQuery } from '../api/queries'
import { exactTime, recordTime } from '../format'
import { Button } from '../ui/Button'
import { Card } from '../ui/Card'
import { Empty, PageHead } from '../ui/Page'
import { Failure, Loading } from '../ui/states'
import { Table, type Column } from '../ui/Table'
import { Foreign } from '../ui/Value'

type Entry = Schemas['AuditEntry']

export function AuditPage() {
  const [cursors, setCursors] = useState<readonly string[]>([])
  const audit = useQuery(auditQuery(cursors.at(-1)))
  const now = new Date()
  const columns: Column<Entry>[] = [
    { title: 'Time', narrow: 'main', width: 'w-20 xl:w-28', cell: (entry) => <time dateTime={entry.at} title={exactTime(entry.at)}>{recordTime(entry.at, now)}</time> },
    { title: 'What', narrow: 'main', width: 'xl:w-44', cell: (entry) => <Foreign text={entry.action} /> },
    { title: 'On', narrow: 'main', cell: (entry) => <Foreign text={entry.target} /> },
    { title: 'By', width: 'xl:w-44', cell: (entry) => <Foreign text={entry.actor_id ?? entry.actor} /> },
    { title: 'Outcome', width: 'xl:w-40', cell: (entry) => <span className={entry.outcome === 'ok' ? 'text-good' : 'text-bad'}>{entry.outcome}{entry.error_code != null && ` (${entry.error_code})`}</span> },
    { title: 'Changes', cell: (entry) => <code className="text-xs break-all"><bdi>{JSON.stringify(entry.changes)}</bdi></code> },
  ]
  const next = audit.data?.next_cursor
  return (
    <>
      <PageHead title="Audit log" />
      <Card title="Changes, newest first">
        {audit.isPending && <Loading what="audit log" />}
        {audit.isError && <Failure what="audit log" error={audit.error} onRetry={() => void audit.refetch()} />}
        {audit.data?.data.length === 0 && <Empty>Nobody has changed anything yet. Secrets never stand here, only their hashes.</Empty>}
        {audit.data && audit.data.data.length > 0 && <Table caption="Changes" rows={audit.data.data} columns={columns} rowKey={(entry) => String(entry.seq)} />}
        {(cursors.length > 0 || next != null) && (
          <nav aria-label="Pages of changes" className="mt-3 flex gap-2">
            <Button disabled={cursors.length === 0} onClick={() => { setCursors(cursors.slice(0, -1)) }}>Newer</Button>
            <Button disabled={next == null} onClick={() => { if (next != null) setCursors([...cursors, next]) }}>Older</Button>
          </nav>
        )}
      </Card>
    </>
  )
}
