/** The first page: what the gateway did in a stretch of time, and what it does right now. */

import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'

import { useNewestRecords } from '../api/newest'
import { statsQuery } from '../api/queries'
import { RangePicker } from '../app/RangePicker'
import { DEFAULT_RANGE } from '../filters'
import { Failure, Loading } from '../ui/states'
import { FirstRequest } from './overview/FirstRequest'
import { NewestRecords } from './overview/NewestRecords'
import { SeriesCard } from './overview/SeriesCard'
import { Totals } from './overview/Totals'

const route = getRouteApi('/')

export function OverviewPage() {
  const { t: range = DEFAULT_RANGE } = route.useSearch()
  const stats = useQuery(statsQuery(range))
  const newest = useNewestRecords()
  const hasNoRecord = newest.listed.isSuccess && newest.rows.length === 0

  return (
    <>
      <div className="flex flex-wrap items-center justify-between gap-3">
        <h1 className="text-xl font-semibold">Overview</h1>
        {!hasNoRecord && <RangePicker selected={range} />}
      </div>
      {hasNoRecord ? (
        <FirstRequest state={newest.state} />
      ) : (
        <>
          {stats.isPending && <Loading what="totals" />}
          {stats.isError && <Failure what="totals" error={stats.error} onRetry={() => void stats.refetch()} />}
          {stats.isSuccess && <Totals stats={stats.data} />}
          <SeriesCard range={range} />
          <NewestRecords newest={newest} />
        </>
      )}
    </>
  )
}
