/** The explorer: how many when, and page by page which. Its filters, its page and the live tail are in the address. */

import { useQuery } from '@tanstack/react-query'
import { useEffect, useMemo, useState } from 'react'

import { recordsQuery } from '../api/queries'
import { useTail } from '../api/tail'
import { FilterBar, useFilters } from '../app/FilterBar'
import { ALL_DIMENSIONS, listOf, windowOf, type Filters } from '../filters'
import { timeZone } from '../format'
import { apiLinks } from '../links'
import { Button } from '../ui/Button'
import { Card } from '../ui/Card'
import { Empty, PageHead } from '../ui/Page'
import { Failure, Loading } from '../ui/states'
import { Table } from '../ui/Table'
import { SeriesCard } from './overview/SeriesCard'
import { recordColumns } from './records/columns'
import { LiveSign } from './records/LiveSign'
import { useRowKeys } from './records/rowKeys'

export function RecordsPage() {
  const filters = useFilters()
  return (
    <>
      <PageHead title="Records">
        <Export filters={filters} format="csv" />
        <Export filters={filters} format="jsonl" />
      </PageHead>
      <FilterBar known={ALL_DIMENSIONS} />
      <SeriesCard filters={filters} />
      {/* Another question is another list, which begins at its first page. */}
      <RecordList key={JSON.stringify(filters)} filters={filters} />
    </>
  )
}

function RecordList({ filters }: { filters: Filters }) {
  // Where each page that was left for an older one began.
  const [cursors, setCursors] = useState<readonly string[]>([])
  const [isLive, setLive] = useState(false)
  const cursor = cursors.at(-1)
  const page = useQuery(recordsQuery(filters, cursor))
  const tail = useTail(filters, isLive && cursor === undefined, page.data?.data)
  const columns = useMemo(() => recordColumns(new Date(), filters, true), [filters])
  const list = useRowKeys()
  const next = page.data?.next_cursor
  const rows = tail.rows

  useEffect(() => {
    if (cursors.length > 0) list.current?.scrollIntoView({ block: 'start' })
  }, [cursors, list])

  return (
    <Card
      title="Records"
      aside={
        <div className="flex flex-wrap items-center gap-2">
          {isLive && cursor === undefined && <LiveSign state={tail.state} />}
          <Button data-shortcut="l" aria-pressed={isLive} disabled={cursor !== undefined} onClick={() => { setLive(!isLive) }}>Live tail</Button>
        </div>
      }
    >
      <div ref={list}>
        {page.isPending && <Loading what="records" />}
        {page.isError && <Failure what="records" error={page.error} onRetry={() => void page.refetch()} />}
        {tail.waiting > 0 && (
          <p className="mb-2 text-center">
            <Button onClick={tail.show}>{tail.waiting === 1 ? '1 new record' : `${tail.waiting} new records`}</Button>
          </p>
        )}
        {tail.dropped > 0 && <p role="status" className="mb-2 text-sm text-warn">{tail.dropped} records came too fast to be shown; they are in the list when it is asked again.</p>}
        {page.isSuccess && rows.length === 0 && <Empty>No record fits these filters in this stretch of time.</Empty>}
        {rows.length > 0 && (
          <Table
            caption={`Records, newest first; times in ${timeZone()}`}
            rows={rows}
            columns={columns}
            rowKey={(row) => row.id}
            rowClass={(row) => (tail.arrivedIds.has(row.id) ? 'arrive' : '')}
          />
        )}
      </div>
      {(cursors.length > 0 || next != null) && (
        <nav aria-label="Pages of records" className="mt-3 flex gap-2">
          <Button disabled={cursors.length === 0} onClick={() => { setCursors(cursors.slice(0, -1)) }}>Newer</Button>
          <Button disabled={next == null || page.isPlaceholderData} onClick={() => { if (next != null) setCursors([...cursors, next]) }}>Older</Button>
          <span role="status" className="self-center text-sm text-muted">Page {cursors.length + 1}</span>
        </nav>
      )}
    </Card>
  )
}

/** The server streams the whole list; the browser saves it. */
function Export({ filters, format }: { filters: Filters; format: 'csv' | 'jsonl' }) {
  const query = new URLSearchParams({ ...listOf(filters), ...windowOf(filters, new Date()), format })
  return (
    <a href={`${apiLinks.records}?${query.toString()}`} download={`records.${format}`} className="min-h-8 rounded border border-line bg-raised px-3 py-1 text-sm hover:border-muted">
      Export {format === 'csv' ? 'CSV' : 'JSON lines'}
    </a>
  )
}
