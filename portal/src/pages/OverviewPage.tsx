/** The first page: what the gateway did in a stretch of time, and what it does right now. */

import { useQuery } from '@tanstack/react-query'

import { useNewestRecords } from '../api/newest'
import { statsBeforeQuery, statsQuery } from '../api/queries'
import { FilterBar, useFilters } from '../app/FilterBar'
import { PageHead } from '../ui/Page'
import { Failure, Loading } from '../ui/states'
import { Attention } from './overview/Attention'
import { FirstRequest } from './overview/FirstRequest'
import { Movers } from './overview/Movers'
import { NewestRecords } from './overview/NewestRecords'
import { SeriesCard } from './overview/SeriesCard'
import { Totals } from './overview/Totals'

export function OverviewPage() {
  const filters = useFilters()
  const stats = useQuery(statsQuery(filters))
  const before = useQuery(statsBeforeQuery(filters))
  const newest = useNewestRecords()
  const hasNoRecord = newest.listed.isSuccess && newest.rows.length === 0

  return (
    <>
      <PageHead title="Overview" />
      {hasNoRecord ? (
        <FirstRequest state={newest.state} />
      ) : (
        <>
          <FilterBar />
          {stats.isPending && <Loading what="totals" />}
          {stats.isError && <Failure what="totals" error={stats.error} onRetry={() => void stats.refetch()} />}
          {stats.isSuccess && <Totals stats={stats.data} before={before.data} />}
          <Attention />
          <SeriesCard filters={filters} />
          {stats.isSuccess && <Movers stats={stats.data} />}
          <NewestRecords newest={newest} />
        </>
      )}
    </>
  )
}
