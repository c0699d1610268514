/**
 * Records as a table of which only the rows in sight exist, so that it scrolls as smoothly over a million of them as over
 * ten. Every row is equally high; what does not fit is cut and stands whole on the record's own page.
 */

import { Link } from '@tanstack/react-router'
import { memo, useRef, useState, type ReactNode } from 'react'

import type { Schemas } from '../../api/client'
import type { AnyDimension, Filters, Sort } from '../../filters'
import { duration, exactTime, money, recordTime } from '../../format'
import { filterTitle, linkLook } from '../../ui/FilterLink'
import { Value } from '../../ui/Value'
import { useIsWide, useVisibleRows } from '../../ui/visibleRows'
import { useFollow, useHrefs, type Hrefs } from './hrefs'
import { OutcomeSign } from './OutcomeSign'
import { useRowKeys } from './rowKeys'
import { Tokens } from './Tokens'

type Row = Schemas['RecordView']

/** Browsers draw no element higher than about 16 million pixels (Firefox; Chromium twice that). */
const MOST_PIXELS = 16_000_000

const HEIGHT = { wide: 46, compact: 30, narrow: 72 } as const
const COLUMNS = 'xl:grid xl:grid-cols-[6.25rem_minmax(0,1.8fr)_minmax(0,1.2fr)_minmax(0,1.1fr)_7.5rem_6rem_5.5rem_4rem_4.25rem] xl:gap-x-3'

/** Each cell's place on a wide screen, where the order of reading is the order of the columns. */
const AT = [
  'xl:col-start-1 xl:row-start-1', 'xl:col-start-2 xl:row-start-1', 'xl:col-start-3 xl:row-start-1', 'xl:col-start-4 xl:row-start-1', 'xl:col-start-5 xl:row-start-1',
  'xl:col-start-6 xl:row-start-1', 'xl:col-start-7 xl:row-start-1', 'xl:col-start-8 xl:row-start-1', 'xl:col-start-9 xl:row-start-1',
] as const

const TITLES: readonly { title: string; isNumber?: true; sort?: Sort }[] = [
  { title: 'Time' },
  { title: 'Model' },
  { title: 'Project' },
  { title: 'Requester' },
  { title: 'Status' },
  { title: 'Tokens', isNumber: true },
  { title: 'Cost', isNumber: true, sort: 'cost_microcents' },
  { title: 'Latency', isNumber: true, sort: 'latency_ms' },
  { title: 'First token', isNumber: true },
]

interface Props {
  caption: string
  count: number
  /** Whether `count` is all there are. */
  isWhole: boolean
  row: (index: number) => Row | undefined
  filters: Filters
  isCompact: boolean
  isNew?: ((row: Row) => boolean) | undefined
  /** Told which rows are in sight. */
  onSight: (first: number, last: number) => void
}

/** The most rows that one list can show. */
export function mostRows(isWide: boolean): number {
  return Math.floor(MOST_PIXELS / (isWide ? HEIGHT.wide : HEIGHT.narrow))
}

export function RecordGrid({ caption, count, isWhole, row, filters, isCompact, isNew, onSight }: Props) {
  const body = useRef<HTMLDivElement>(null)
  const list = useRowKeys()
  const isWide = useIsWide()
  const height = isWide ? (isCompact ? HEIGHT.compact : HEIGHT.wide) : HEIGHT.narrow
  const shown = Math.min(count, mostRows(isWide))
  const { first, last } = useVisibleRows(body, shown, height, onSight)
  const hrefs = useHrefs(filters)
  useFollow(list, filters)
  const [now] = useState(() => new Date())
  const rows: ReactNode[] = []
  for (let index = first; index < Math.min(last, shown); index += 1) {
    const record = row(index)
    rows.push(
      record ? (
        <GridRow key={record.id} row={record} index={index} height={height} isCompact={isCompact && isWide} isNew={isNew?.(record) ?? false} hrefs={hrefs} now={now} />
      ) : (
        <div key={index} role="row" aria-rowindex={index + 2} style={{ height }} className="border-b border-line"><span role="cell" className="text-sm text-muted">…</span></div>
      ),
    )
  }
  return (
    <div ref={list} role="table" aria-label={caption} aria-rowcount={isWhole ? shown + 1 : -1}>
      <div role="rowgroup" className="sticky top-0 z-1 hidden bg-surface xl:block">
        <div role="row" aria-rowindex={1} className={`border-b border-line text-xs font-medium text-muted ${COLUMNS}`}>
          {TITLES.map(({ title, isNumber, sort }) => (
            <span key={title} role="columnheader" aria-sort={sort !== undefined && filters.sort === sort ? 'descending' : undefined} className={`py-2 ${isNumber ? 'text-right' : ''}`}>
              {sort === undefined ? title : <SortLink title={title} sort={sort} filters={filters} />}
            </span>
          ))}
        </div>
      </div>
      <div ref={body} role="rowgroup" className="relative" style={{ height: shown * height }}>
        <div role="presentation" className="absolute inset-x-0" style={{ top: first * height }}>{rows}</div>
      </div>
    </div>
  )
}

function SortLink({ title, sort, filters }: { title: string; sort: Sort; filters: Filters }) {
  const isOn = filters.sort === sort
  return (
    <Link to="." search={{ ...filters, sort: isOn ? undefined : sort }} className={linkLook} title={isOn ? 'Newest first' : 'Largest first'}>
      {title}{isOn && <span aria-hidden="true"> ↓</span>}
    </Link>
  )
}

interface RowProps {
  row: Row
  index: number
  height: number
  isCompact: boolean
  isNew: boolean
  hrefs: Hrefs
  now: Date
}

const GridRow = memo(function GridRow({ row, index, height, isCompact, isNew, hrefs, now }: RowProps) {
  const value = (name: AnyDimension, text: string | null | undefined) => (text == null ? <Value of={null} /> : <Filter name={name} value={text} hrefs={hrefs} />)
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      style={{ height }}
      className={`grid grid-cols-[6.25rem_minmax(0,1fr)_auto] content-center gap-x-3 overflow-hidden border-b border-line text-sm hover:bg-raised ${COLUMNS} ${isNew ? 'arrive' : ''}`}
    >
      <span role="cell" className={`col-start-1 row-start-1 truncate ${AT[0]}`}>
        <a data-follow="" data-record={row.id} href={hrefs.record(row.id)} className={linkLook}>
          <time dateTime={row.started_at} title={exactTime(row.started_at)}>{recordTime(row.started_at, now)}</time>
        </a>
      </span>
      <span role="cell" className={`col-start-2 row-start-1 min-w-0 ${AT[1]}`}>
        {row.model == null ? <bdi title={row.model_requested ?? undefined} className="block truncate">{row.model_requested ?? <Value of={null} />}</bdi> : value('model', row.model)}
        {!isCompact && row.provider != null && <bdi className="hidden truncate text-xs text-muted xl:block">{row.provider}</bdi>}
      </span>
      <span role="cell" className={`hidden min-w-0 xl:block ${AT[2]}`}>{value('project', row.project)}</span>
      <span role="cell" className={`hidden min-w-0 xl:block ${AT[3]}`}>{value('source', row.source)}</span>
      <span role="cell" className={`col-span-2 col-start-1 row-start-2 min-w-0 truncate xl:col-span-1 ${AT[4]}`}><OutcomeSign row={row} isCompact={isCompact} /></span>
      <span role="cell" className={`col-start-3 row-start-2 truncate text-right text-xs xl:text-sm ${AT[5]}`}><Tokens row={row} /></span>
      <span role="cell" className={`col-start-3 row-start-1 truncate text-right ${AT[6]}`}><Value of={money(row.cost_microcents)} /></span>
      <span role="cell" className={`col-start-1 row-start-3 truncate text-xs xl:text-right xl:text-sm ${AT[7]}`}><Value of={duration(row.latency_ms)} /></span>
      <span role="cell" className={`hidden truncate text-right xl:block ${AT[8]}`}><Value of={duration(row.ttft_ms)} /></span>
      {/* What has a column of its own on a wide screen. */}
      <span role="cell" className="col-span-2 col-start-2 row-start-3 min-w-0 truncate text-right text-xs text-muted xl:hidden">
        <bdi>{row.project ?? ''}</bdi>{row.project != null && row.source != null && ' · '}<bdi>{row.source ?? ''}</bdi>
      </span>
    </div>
  )
})

function Filter({ name, value, hrefs }: { name: AnyDimension; value: string; hrefs: Hrefs }) {
  return (
    <a data-follow="" data-name={name} data-value={value} href={hrefs.filter(name, value)} title={filterTitle(name, value)} className={`block truncate ${linkLook}`}>
      <bdi>{value}</bdi>
    </a>
  )
}
