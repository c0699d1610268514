/** What the pages ask the API, one noun a query. Nothing is computed here that the API could answer. */

import { queryOptions } from '@tanstack/react-query'

import { windowOf, type Range } from '../filters'
import { timeZone } from '../format'
import { api, read } from './client'

/** As many of the newest records as the overview shows. */
export const NEWEST = 50

/** About as many points as a chart has room for. */
const GRAINS = { '24h': 'quarter', '7d': 'hour', '30d': 'day' } as const satisfies Record<Range, string>

const STATS = 'stats'

export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: ({ signal }) => read(api.GET('/v1/session', { signal })),
  staleTime: 60_000,
})

/** Everything that a new record changes. */
export const statsKey = [STATS] as const

export const statsQuery = (range: Range) =>
  queryOptions({
    queryKey: [STATS, 'totals', range],
    queryFn: ({ signal }) => read(api.GET('/v1/stats', { signal, params: { query: windowOf(range, new Date()) } })),
    refetchInterval: 60_000,
  })

export const seriesQuery = (range: Range) =>
  queryOptions({
    queryKey: [STATS, 'series', range],
    queryFn: ({ signal }) =>
      read(api.GET('/v1/stats/series', { signal, params: { query: { ...windowOf(range, new Date()), grain: GRAINS[range], tz: timeZone() } } })),
    refetchInterval: 60_000,
  })

export const newestRecordsQuery = queryOptions({
  queryKey: ['records', 'newest'],
  queryFn: ({ signal }) => read(api.GET('/v1/records', { signal, params: { query: { limit: NEWEST } } })),
})
