/** The filters that pages keep in the URL, and what they mean. Whatever a URL says, only valid filters come out. */

export const RANGES = ['1h', '24h', '7d', '30d'] as const
export type Range = (typeof RANGES)[number]

export const DEFAULT_RANGE: Range = '24h'

export const RANGE_LABELS: Record<Range, string> = { '1h': '1 hour', '24h': '24 hours', '7d': '7 days', '30d': '30 days' }

const HOURS: Record<Range, number> = { '1h': 1, '24h': 24, '7d': 7 * 24, '30d': 30 * 24 }

/** What sums and lists can be filtered by, and how a person calls it. */
export const DIMENSIONS = {
  project: 'Project',
  source: 'Requester',
  team: 'Team',
  key_id: 'Key',
  provider: 'Provider',
  model: 'Model',
  profile: 'Profile',
  client_api: 'API',
  endpoint: 'Endpoint',
  outcome: 'Outcome',
  error_kind: 'Error',
  cache: 'Cache',
} as const
export type Dimension = keyof typeof DIMENSIONS

/** What only lists of records can be filtered by. */
export const RECORD_DIMENSIONS = { session_id: 'Session', model_requested: 'Model asked for', finding_kind: 'Finding' } as const
export type RecordDimension = keyof typeof RECORD_DIMENSIONS

export const ALL_DIMENSIONS = { ...DIMENSIONS, ...RECORD_DIMENSIONS }
export type AnyDimension = Dimension | RecordDimension

const dimensionNames = Object.keys(DIMENSIONS) as Dimension[]
const recordDimensionNames = Object.keys(RECORD_DIMENSIONS) as RecordDimension[]
export const allDimensionNames: readonly AnyDimension[] = [...dimensionNames, ...recordDimensionNames]

/** Longer words are no value of any dimension. */
const MAX_VALUE_CHARS = 400

/** The filters as the URL bears them; what is absent is at its default. */
export type Filters = {
  t?: Range | undefined
  /** A window of its own, in the place of a range: both ends or none, RFC 3339. */
  from?: string | undefined
  to?: string | undefined
} & Partial<Record<AnyDimension, string | undefined>>

export function readFilters(search: Record<string, unknown>): Filters {
  const range = RANGES.find((known) => known === search['t'])
  const [from, to] = [instant(search['from']), instant(search['to'])]
  const isWindow = from !== undefined && to !== undefined && from < to
  // Said even when there is none: the router would else let the raw word of the URL through.
  const filters: Filters = {
    t: range === DEFAULT_RANGE || isWindow ? undefined : range,
    from: isWindow ? from : undefined,
    to: isWindow ? to : undefined,
  }
  for (const name of allDimensionNames) filters[name] = word(search[name])
  return filters
}

function word(value: unknown): string | undefined {
  // The router reads numbers and the like out of the URL; a project may well be called 2026.
  const text = typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' ? String(value) : ''
  return text !== '' && text.length <= MAX_VALUE_CHARS ? text : undefined
}

function instant(value: unknown): string | undefined {
  const at = typeof value === 'string' ? Date.parse(value) : NaN
  return Number.isNaN(at) ? undefined : new Date(at).toISOString()
}

/** The filters with one of them set, or taken away; another value of the same dimension replaces the first. */
export function withFilter(filters: Filters, name: AnyDimension, value: string | undefined): Filters {
  return { ...filters, [name]: value }
}

/** The window of time that is meant now, as the API wants it: RFC 3339, UTC. */
export function windowOf(filters: Filters, now: Date): { from: string; to: string } {
  if (filters.from !== undefined && filters.to !== undefined) return { from: filters.from, to: filters.to }
  const from = new Date(now.getTime() - HOURS[filters.t ?? DEFAULT_RANGE] * 3_600_000)
  return { from: from.toISOString(), to: now.toISOString() }
}

/** The window of the same length that ends where the other begins. */
export function windowBefore({ from, to }: { from: string; to: string }): { from: string; to: string } {
  const [begin, end] = [Date.parse(from), Date.parse(to)]
  return { from: new Date(2 * begin - end).toISOString(), to: from }
}

/** The dimensions that sums know, out of the filters. */
export function sumsOf(filters: Filters): Partial<Record<Dimension, string>> {
  return pick(filters, dimensionNames)
}

/** All that lists of records know. */
export function listOf(filters: Filters): Partial<Record<AnyDimension, string>> {
  return pick(filters, allDimensionNames)
}

function pick<Name extends AnyDimension>(filters: Filters, names: readonly Name[]): Partial<Record<Name, string>> {
  const picked: Partial<Record<Name, string>> = {}
  for (const name of names) {
    const value = filters[name]
    if (value !== undefined) picked[name] = value
  }
  return picked
}

/** In words: `7 days`, or from when to when. */
export function windowLabel(filters: Filters): string {
  return filters.from === undefined ? `last ${RANGE_LABELS[filters.t ?? DEFAULT_RANGE]}` : 'chosen stretch of time'
}
