/** The explorer: how many when, and which, as far down as one likes to scroll. Filters and order are in the address. */

import { useQuery, useQueryClient, type QueryClient } from '@tanstack/react-query'
import { Link, useNavigate, useRouter } from '@tanstack/react-router'
import { useCallback, useEffect, useState, useSyncExternalStore } from 'react'

import type { Schemas } from '../api/client'
import type { Pages } from '../api/pages'
import { listEpochQuery, recordPages } from '../api/queries'
import { MOST_LIVE, useTail } from '../api/tail'
import { FilterBar, useFilters } from '../app/FilterBar'
import { ALL_DIMENSIONS, listText, SORTS, windowOf, type Filters, type Sort } from '../filters'
import { exactCount } from '../format'
import { apiLinks, links } from '../links'
import { Button } from '../ui/Button'
import { Card } from '../ui/Card'
import { Select } from '../ui/Field'
import { Empty, PageHead } from '../ui/Page'
import { Failure, Loading } from '../ui/states'
import { useIsWide } from '../ui/visibleRows'
import { timeZone } from '../zone'
import { SeriesCard } from './overview/SeriesCard'
import { mostRows, RecordGrid } from './records/Grid'
import { LiveSign } from './records/LiveSign'
import { rememberShown } from './records/neighbours'
import { Views } from './records/Views'

type Row = Schemas['RecordView']

export function RecordsPage() {
  const filters = useFilters()
  const epoch = useQuery(listEpochQuery).data
  return (
    <>
      <PageHead title="Records">
        <Views />
        <Export filters={filters} format="csv" />
        <Export filters={filters} format="jsonl" />
      </PageHead>
      <FilterBar known={ALL_DIMENSIONS} />
      <SeriesCard filters={filters} />
      {/* Another question is another list. */}
      <RecordList key={`${epoch} ${JSON.stringify(filters)}`} name={`${epoch} ${JSON.stringify(filters)}`} filters={filters} />
    </>
  )
}

/** The list that was shown last: who comes back from one of its records finds it as it was. */
let last: { name: string; pages: Pages<Row> } | null = null

function pagesFor(client: QueryClient, filters: Filters, name: string, isBack: boolean): Pages<Row> {
  if (!isBack || last?.name !== name) last = { name, pages: recordPages(client, filters) }
  return last.pages
}

const COMPACT_KEY = 'compact-records'

function RecordList({ filters, name }: { filters: Filters; name: string }) {
  const client = useQueryClient()
  const router = useRouter()
  const [pages] = useState(() => pagesFor(client, filters, name, router.state.resolvedLocation?.pathname.startsWith('/records/') ?? false))
  const list = useSyncExternalStore(pages.subscribe, pages.current)
  const [isLive, setLive] = useState(false)
  const [isCompact, setCompact] = useState(() => localStorage.getItem(COMPACT_KEY) === 'yes')
  const [sight, setSight] = useState({ first: 0, last: 0 })
  const isWide = useIsWide()
  const tail = useTail(filters, isLive)
  const canFollow = filters.sort === undefined && filters.to === undefined && filters.t !== 'yesterday'
  const count = isLive ? tail.rows.length : list.count
  const row = isLive ? (index: number) => tail.rows[index] : list.row
  const isFull = !isLive && list.count > mostRows(isWide)

  useEffect(() => { pages.want(0, 1) }, [pages])
  const onSight = useCallback((first: number, last: number) => {
    setSight({ first, last })
    pages.want(first, last)
  }, [pages])
  useEffect(() => { rememberShown(sight.first, sight.last, row) })

  return (
    <Card
      title={isLive ? `The newest ${MOST_LIVE} as they come` : filters.sort === undefined ? 'Newest first' : `Highest ${SORTS[filters.sort]} first`}
      aside={
        <div className="flex flex-wrap items-center gap-2">
          {isLive && <LiveSign state={tail.state} />}
          {!isLive && list.isReady && <span role="status" className="text-sm text-muted">{exactCount(list.count)}{list.isEnd ? '' : '+'} records</span>}
          <Order filters={filters} />
          <Button
            className="hidden xl:block"
            aria-pressed={isCompact}
            onClick={() => {
              localStorage.setItem(COMPACT_KEY, isCompact ? 'no' : 'yes')
              setCompact(!isCompact)
            }}
          >
            Compact
          </Button>
          <Button data-shortcut="l" aria-pressed={isLive} disabled={!canFollow} onClick={() => { if (isLive) void client.invalidateQueries(listEpochQuery); setLive(!isLive) }}>Live tail</Button>
        </div>
      }
    >
      {!list.isReady && list.error === null && <Loading what="records" />}
      {isLive && tail.waiting > 0 && (
        <p className="sticky top-10 z-2 text-center">
          <Button onClick={tail.show}>{tail.waiting === 1 ? '1 new record' : `${tail.waiting} new records`}</Button>
        </p>
      )}
      {isLive && tail.dropped > 0 && <p role="status" className="mb-2 text-sm text-warn">{tail.dropped} records came too fast to be shown; they are in the list when the tail is switched off.</p>}
      {list.isReady && count === 0 && <Empty>No record fits these filters in this stretch of time. A longer one or fewer filters may find some.</Empty>}
      {count > 0 && (
        <RecordGrid
          caption={`Records; times in ${timeZone()}`}
          count={count}
          isWhole={isLive || list.isEnd}
          row={row}
          filters={filters}
          isCompact={isCompact}
          isNew={isLive ? (row) => tail.arrivedIds.has(row.id) : undefined}
          onSight={onSight}
        />
      )}
      {list.error !== null && <Failure what="records" error={list.error} onRetry={() => { pages.retry(sight.first, sight.last) }} />}
      {isFull && <Continue last={list.row(mostRows(isWide) - 1)} filters={filters} />}
    </Card>
  )
}

function Order({ filters }: { filters: Filters }) {
  const navigate = useNavigate()
  return (
    <Select
      label="Order"
      className="flex items-baseline gap-2"
      value={filters.sort ?? ''}
      onChange={(event) => {
        const sort = (Object.keys(SORTS) as Sort[]).find((known) => known === event.target.value)
        void navigate({ to: '.', search: { ...filters, sort } })
      }}
    >
      <option value="">newest</option>
      <option value="cost_microcents">most expensive</option>
      <option value="latency_ms">slowest</option>
    </Select>
  )
}

/** No page can be higher than browsers draw: the list goes on from here on a page of its own. */
function Continue({ last, filters }: { last: Row | undefined; filters: Filters }) {
  if (!last) return null
  const { from } = windowOf(filters, new Date())
  return (
    <p className="mt-3 text-center text-sm">
      <Link {...links.records({ ...filters, t: undefined, from, to: last.started_at })} className="underline underline-offset-2">Go on with what is older</Link>
    </p>
  )
}

/** The server streams the whole list; the browser saves it and shows how far it is. */
function Export({ filters, format }: { filters: Filters; format: 'csv' | 'jsonl' }) {
  const query = new URLSearchParams({ ...listText(filters), ...windowOf(filters, new Date()), format })
  return (
    <a href={`${apiLinks.records}?${query.toString()}`} download={`records.${format}`} className="min-h-8 rounded border border-line bg-raised px-3 py-1 text-sm hover:border-muted">
      Export {format === 'csv' ? 'CSV' : 'JSON lines'}
    </a>
  )
}
