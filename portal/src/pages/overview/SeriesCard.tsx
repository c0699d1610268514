/** Requests and cost over time, as a picture and as the table of the same figures. */

import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState, type ReactNode } from 'react'

import type { Schemas } from '../../api/client'
import { seriesQuery } from '../../api/queries'
import { windowLabel, type Filters } from '../../filters'
import { bucketTime, count, exactCount, money } from '../../format'
import { timeZone } from '../../zone'
import { Button } from '../../ui/Button'
import { Card } from '../../ui/Card'
import { RecordsLink } from '../../ui/FilterLink'
import { Failure, Loading } from '../../ui/states'
import { TimeChart, type TimeSeries } from '../../ui/TimeChart'
import { Value } from '../../ui/Value'

type Point = Schemas['SeriesPoint']

export function SeriesCard({ filters }: { filters: Filters }) {
  const series = useQuery(seriesQuery(filters))
  const label = windowLabel(filters)
  const [isTable, setTable] = useState(false)
  const navigate = useNavigate()
  const points = series.data?.groups[0]?.points ?? []
  const onZoom = (from: string, to: string) => void navigate({ to: '.', search: { ...filters, t: undefined, from, to } })
  return (
    <Card
      title="Requests and cost over time"
      aside={<Button aria-pressed={isTable} onClick={() => { setTable(!isTable) }}>Show as table</Button>}
    >
      {series.isPending && <Loading what="chart" />}
      {series.isError && <Failure what="chart" error={series.error} onRetry={() => void series.refetch()} />}
      {series.isSuccess &&
        (isTable ? <PointTable points={points} /> : <PointChart points={points} label={label} onZoom={onZoom} />)}
    </Card>
  )
}

function PointChart({ points, label, onZoom }: { points: readonly Point[]; label: string; onZoom: (from: string, to: string) => void }) {
  if (points.length === 0) return <p className="py-6 text-sm text-muted">No requests in the {label}.</p>
  const requests: TimeSeries = {
    name: 'Requests',
    kind: 'bars',
    values: points.map((point) => point.total_requests),
    format: (value) => count(value) ?? '',
  }
  const cost: TimeSeries = {
    name: 'Cost',
    kind: 'line',
    values: points.map((point) => point.total_cost_microcents),
    format: (value) => money(value) ?? '',
  }
  return <TimeChart label={summary(points, label)} times={points.map((point) => point.start)} left={requests} right={cost} onZoom={onZoom} />
}

/** A number, and the way to the records of its stretch of time. */
function Stretch({ point, next, children }: { point: Point; next: Point | undefined; children: ReactNode }) {
  if (point.total_requests === 0) return children
  return <RecordsLink filters={{ t: undefined, from: point.start, to: next?.start ?? new Date().toISOString() }}>{children}</RecordsLink>
}

/** What the picture says, for those who do not see it. */
function summary(points: readonly Point[], label: string): string {
  const sum = (read: (point: Point) => number) => points.reduce((total, point) => total + read(point), 0)
  const peak = points.reduce<Point | null>((best, point) => (best && best.total_requests >= point.total_requests ? best : point), null)
  const most = peak && peak.total_requests > 0 ? `, most of them (${exactCount(peak.total_requests) ?? ''}) at ${bucketTime(peak.start)}` : ''
  return `Chart of the ${label}: ${exactCount(sum((point) => point.total_requests)) ?? ''} requests${most}; cost ${money(sum((point) => point.total_cost_microcents)) ?? ''}.`
}

function PointTable({ points }: { points: readonly Point[] }) {
  return (
    <div
      role="region"
      aria-label="Requests and cost over time, as a table"
      // A region that scrolls must be reachable by keyboard.
      // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
      tabIndex={0}
      className="max-h-72 overflow-y-auto"
    >
      <table className="w-full text-sm">
        <caption className="sr-only">Requests and cost by time, in {timeZone()}</caption>
        <thead className="border-b border-line text-left text-xs text-muted">
          <tr>
            <th scope="col" className="px-2 py-1 font-medium">From</th>
            <th scope="col" className="px-2 py-1 text-right font-medium">Requests</th>
            <th scope="col" className="px-2 py-1 text-right font-medium">Cost</th>
          </tr>
        </thead>
        <tbody>
          {points.map((point, place) => (
            <tr key={point.start} className="border-b border-line last:border-0">
              <th scope="row" className="px-2 py-1 text-left font-normal">
                <time dateTime={point.start}>{bucketTime(point.start)}</time>
              </th>
              <td className="px-2 py-1 text-right"><Stretch point={point} next={points[place + 1]}>{exactCount(point.total_requests)}</Stretch></td>
              <td className="px-2 py-1 text-right"><Value of={money(point.total_cost_microcents)} /></td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
