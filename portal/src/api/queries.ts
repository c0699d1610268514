/** What the pages ask the API, one noun a query. Nothing is computed here that the API could answer. */

import { keepPreviousData, queryOptions, type QueryClient } from '@tanstack/react-query'

import { listOf, sumsOf, windowBefore, windowOf, type Dimension, type Filters } from '../filters'
import { apiLinks } from '../links'
import { parseSpec, type AskSearch } from '../pages/ask/address'
import { timeZone } from '../zone'
import { api, read, type Schemas } from './client'
import { readOperations } from './openapi'
import { Pages } from './pages'

/** As many of the newest records as the overview shows. */
export const NEWEST = 50

/** Records on one page of the explorer. */
export const PAGE = 100

const HOUR_MS = 3_600_000

/** About as many points as a chart has room for. */
function grainOf({ from, to }: { from: string; to: string }): 'quarter' | 'hour' | 'day' {
  const hours = (Date.parse(to) - Date.parse(from)) / HOUR_MS
  return hours <= 36 ? 'quarter' : hours <= 10 * 24 ? 'hour' : 'day'
}

export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: ({ signal }) => read(api.GET('/v1/session', { signal })),
  staleTime: 60_000,
})

/** Everything that a new record changes. */
export const statsKey = ['stats'] as const

export const statsQuery = (filters: Filters) =>
  queryOptions({
    queryKey: [...statsKey, 'totals', filters],
    queryFn: ({ signal }) =>
      read(api.GET('/v1/stats', { signal, params: { query: { ...sumsOf(filters), ...windowOf(filters, new Date()) } } })),
    refetchInterval: 60_000,
    placeholderData: keepPreviousData,
  })

/** The same for the stretch of time before. */
export const statsBeforeQuery = (filters: Filters) =>
  queryOptions({
    queryKey: [...statsKey, 'before', filters],
    queryFn: ({ signal }) =>
      read(api.GET('/v1/stats', { signal, params: { query: { ...sumsOf(filters), ...windowBefore(windowOf(filters, new Date())) } } })),
    refetchInterval: 60_000,
    placeholderData: keepPreviousData,
  })

export const seriesQuery = (filters: Filters, groupBy?: Dimension) =>
  queryOptions({
    queryKey: [...statsKey, 'series', filters, groupBy, timeZone()],
    queryFn: ({ signal }) => {
      const window = windowOf(filters, new Date())
      const group = groupBy === undefined ? {} : { group_by: groupBy }
      return read(api.GET('/v1/stats/series', { signal, params: { query: { ...sumsOf(filters), ...window, ...group, grain: grainOf(window), tz: timeZone() } } }))
    },
    refetchInterval: 60_000,
    placeholderData: keepPreviousData,
  })

export const newestRecordsQuery = queryOptions({
  queryKey: ['records', 'newest'],
  queryFn: ({ signal }) => read(api.GET('/v1/records', { signal, params: { query: { limit: NEWEST } } })),
})

/** What the live tail of a list begins with. */
export const newestFittingQuery = (filters: Filters) =>
  queryOptions({
    queryKey: ['records', 'newest fitting', filters],
    queryFn: ({ signal }) => read(api.GET('/v1/records', { signal, params: { query: { ...listOf(filters), ...windowOf(filters, new Date()), limit: PAGE } } })),
    gcTime: 0,
    staleTime: 0,
  })

/** Another value asks the explorer to begin its list anew. */
export const listEpochQuery = queryOptions({ queryKey: ['records', 'epoch'], queryFn: () => Date.now(), initialData: 0, staleTime: Infinity })

/** The explorer's list, which ends at the moment it is made. Its pages are not kept by the client: they would grow without end. */
export function recordPages(client: QueryClient, filters: Filters): Pages<Schemas['RecordView']> {
  const window = windowOf(filters, new Date())
  const sort = filters.sort === undefined ? {} : { sort: filters.sort }
  return new Pages(PAGE, async (cursor) => {
    const after = cursor === undefined ? {} : { cursor }
    const { data, next_cursor } = await client.query({
      queryKey: ['records', 'page', filters, window, cursor],
      queryFn: ({ signal }) => read(api.GET('/v1/records', { signal, params: { query: { ...listOf(filters), ...window, ...sort, ...after, limit: PAGE } } })),
      gcTime: 0,
      staleTime: 0,
    })
    return { rows: data, next: next_cursor ?? null }
  })
}

export const recordQuery = (id: string) =>
  queryOptions({
    queryKey: ['records', 'one', id],
    queryFn: ({ signal }) => read(api.GET('/v1/records/{id}', { signal, params: { path: { id } } })),
    staleTime: Infinity,
  })

/** Why a record's request went where it went. */
export const routeQuery = (id: string) =>
  queryOptions({
    queryKey: ['records', 'route', id],
    queryFn: ({ signal }) => read(api.GET('/v1/records/{id}/route', { signal, params: { path: { id } } })),
    staleTime: Infinity,
  })

export const profilesQuery = queryOptions({
  queryKey: ['profiles'],
  queryFn: ({ signal }) => read(api.GET('/v1/profiles', { signal })),
})

/** What a profile would choose for a small chat now. */
export const wouldPickQuery = (profile: string) =>
  queryOptions({
    queryKey: ['profiles', 'pick', profile],
    queryFn: ({ signal }) => read(api.POST('/v1/route', { signal, body: { endpoint: 'chat_completions', model: `auto:${profile}`, input_tokens: 1_000 } })),
    staleTime: 30_000,
  })

/** Everything about incidents. */
export const incidentsKey = ['incidents'] as const

export const incidentsQuery = ({ state, impact }: { state: string; impact: string }, cursor: string | undefined) =>
  queryOptions({
    queryKey: [...incidentsKey, 'list', state, impact, cursor],
    queryFn: ({ signal }) => {
      const query = { ...(state !== '' && { state }), ...(impact !== '' && { impact }), ...(cursor !== undefined && { cursor }), limit: 50 }
      return read(api.GET('/v1/incidents', { signal, params: { query } }))
    },
    placeholderData: keepPreviousData,
  })

/** What goes on right now. */
export const openIncidentsQuery = queryOptions({
  queryKey: [...incidentsKey, 'open'],
  queryFn: ({ signal }) => read(api.GET('/v1/incidents', { signal, params: { query: { state: 'open', limit: 100 } } })),
})

export const incidentQuery = (id: string) =>
  queryOptions({
    queryKey: [...incidentsKey, 'one', id],
    queryFn: ({ signal }) => read(api.GET('/v1/incidents/{id}', { signal, params: { path: { id } } })),
    refetchInterval: 5_000,
  })

export const signalsQuery = queryOptions({
  queryKey: ['signals'],
  queryFn: ({ signal }) => read(api.GET('/v1/signals', { signal, params: { query: { limit: 100 } } })),
})

export const limitsQuery = queryOptions({
  queryKey: ['limits'],
  queryFn: ({ signal }) => read(api.GET('/v1/limits', { signal, params: { query: { limit: 500 } } })),
  refetchInterval: 5_000,
})

export const budgetsQuery = queryOptions({
  queryKey: ['budgets'],
  queryFn: ({ signal }) => read(api.GET('/v1/budgets', { signal, params: { query: { limit: 500 } } })),
  refetchInterval: 5_000,
})

export const settingsQuery = queryOptions({
  queryKey: ['settings'],
  queryFn: ({ signal }) => read(api.GET('/v1/settings', { signal })),
  refetchInterval: 10_000,
})

/** What the playground sent last; a record is there some moments after its answer. */
export const playgroundQuery = queryOptions({
  queryKey: ['records', 'playground'],
  queryFn: ({ signal }) => read(api.GET('/v1/records', { signal, params: { query: { source: 'playground', limit: 20 } } })),
})

/** Whoever was seen in the last so many minutes; `null` is anybody in the window. */
const activity = (filters: Filters, minutes: number | null) =>
  minutes === null ? windowOf(filters, new Date()) : { active_since_mins: minutes }

export const projectsQuery = (filters: Filters, minutes: number | null) =>
  queryOptions({
    queryKey: [...statsKey, 'projects', filters, minutes],
    queryFn: ({ signal }) =>
      read(api.GET('/v1/projects', { signal, params: { query: { ...sumsOf(filters), ...activity(filters, minutes), limit: 500 } } })),
    refetchInterval: 15_000,
    placeholderData: keepPreviousData,
  })

export const requestersQuery = (filters: Filters, minutes: number | null) =>
  queryOptions({
    queryKey: [...statsKey, 'requesters', filters, minutes],
    queryFn: ({ signal }) =>
      read(api.GET('/v1/requesters', { signal, params: { query: { ...sumsOf(filters), ...activity(filters, minutes), limit: 500 } } })),
    refetchInterval: 15_000,
    placeholderData: keepPreviousData,
  })

export interface CatalogQuestion {
  q?: string | undefined
  capabilities?: string | undefined
  configured?: boolean | undefined
  min_context_window?: number | undefined
  max_input_price?: string | undefined
}

export const catalogQuery = (question: CatalogQuestion, cursor: string | undefined) =>
  queryOptions({
    queryKey: ['catalog', question, cursor],
    queryFn: ({ signal }) => {
      const query = Object.fromEntries(Object.entries({ ...question, cursor }).filter(([, value]) => value !== undefined && value !== ''))
      return read(api.GET('/v1/catalog', { signal, params: { query: { ...query, limit: 100 } } }))
    },
    placeholderData: keepPreviousData,
  })

export const modelQuery = (id: string) =>
  queryOptions({
    queryKey: ['catalog', 'one', id],
    queryFn: ({ signal }) => read(api.GET('/v1/catalog/{id}', { signal, params: { path: { id } } })),
  })

export const keysQuery = queryOptions({
  queryKey: ['keys'],
  queryFn: ({ signal }) => read(api.GET('/v1/keys', { signal, params: { query: { limit: 500 } } })),
})

export const providersQuery = queryOptions({
  queryKey: ['providers'],
  queryFn: ({ signal }) => read(api.GET('/v1/providers', { signal })),
})

export const healthQuery = queryOptions({
  queryKey: ['health'],
  queryFn: ({ signal }) => read(api.GET('/health', { signal })),
})

export const sanitizeRulesQuery = queryOptions({
  queryKey: ['sanitize', 'rules'],
  queryFn: ({ signal }) => read(api.GET('/v1/sanitize/rules', { signal })),
})

export const auditQuery = (cursor: string | undefined) =>
  queryOptions({
    queryKey: ['audit', cursor],
    queryFn: ({ signal }) => read(api.GET('/v1/audit', { signal, params: { query: { limit: 100, ...(cursor === undefined ? {} : { cursor }) } } })),
    placeholderData: keepPreviousData,
  })

export const openapiQuery = queryOptions({
  queryKey: ['openapi'],
  queryFn: async ({ signal }) => readOperations((await (await fetch(apiLinks.openapi, { signal })).json()) as unknown),
  staleTime: Infinity,
})

/** What a client may write as the model: every model of every enabled provider, by both names. */
export const modelNamesQuery = queryOptions({
  ...providersQuery,
  select: ({ data }) =>
    data
      .filter((provider) => provider.enabled)
      .flatMap((provider) => {
        const models = provider.models.length > 0 ? provider.models : provider.default_model === null ? [] : [provider.default_model]
        return models.map((model) => `${provider.id}/${model}`)
      }),
})

/** The answer to a question: in words, or as a spec. The same question is asked once. */
export const askQuery = ({ q, spec, after }: AskSearch) =>
  queryOptions({
    queryKey: ['ask', q, spec, after],
    queryFn: ({ signal }) => {
      const [given, before] = [parseSpec(spec), parseSpec(after)]
      const body = given !== undefined && q === undefined ? { spec: given } : { question: q ?? '', ...(before !== undefined && { conversation: [{ spec: before }] }) }
      return read(api.POST('/v1/ask', { signal, body }))
    },
    staleTime: 60_000,
    retry: false,
  })

export const suggestionsQuery = queryOptions({
  queryKey: ['ask', 'suggestions'],
  queryFn: ({ signal }) => read(api.GET('/v1/ask/suggestions', { signal })),
  staleTime: 60_000,
})
