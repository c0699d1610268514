/** The filters that pages keep in the URL, and what they mean. Whatever a URL says, only valid filters come out. */

import { midnight } from './zone'

export const RANGES = ['1h', '24h', 'yesterday', '7d', '30d'] as const
export type Range = (typeof RANGES)[number]

export const DEFAULT_RANGE: Range = '24h'

export const RANGE_LABELS: Record<Range, string> = { '1h': '1 hour', '24h': '24 hours', yesterday: 'Yesterday', '7d': '7 days', '30d': '30 days' }

const HOURS: Record<Exclude<Range, 'yesterday'>, number> = { '1h': 1, '24h': 24, '7d': 7 * 24, '30d': 30 * 24 }

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
  stream: 'Stream',
  outcome: 'Outcome',
  error_kind: 'Error',
  cache: 'Cache',
} as const
export type Dimension = keyof typeof DIMENSIONS

/** What only lists of records can be filtered by. */
export const RECORD_DIMENSIONS = {
  session_id: 'Session',
  model_requested: 'Model asked for',
  provider_api: 'Provider’s API',
  status: 'Status',
  tags: 'Tags',
  findings: 'Has findings',
  finding_kind: 'Finding',
} as const
export type RecordDimension = keyof typeof RECORD_DIMENSIONS

export const ALL_DIMENSIONS = { ...DIMENSIONS, ...RECORD_DIMENSIONS }
export type AnyDimension = Dimension | RecordDimension

const dimensionNames = Object.keys(DIMENSIONS) as Dimension[]
const recordDimensionNames = Object.keys(RECORD_DIMENSIONS) as RecordDimension[]
export const allDimensionNames: readonly AnyDimension[] = [...dimensionNames, ...recordDimensionNames]

export const SORTS = { cost_microcents: 'cost', latency_ms: 'latency' } as const
export type Sort = keyof typeof SORTS

/** Most values that the API leaves out at once. */
const MAX_EXCLUDED = 50

/** What the API takes in no other form. */
const FORMS: Partial<Record<AnyDimension, RegExp>> = { stream: /^(true|false)$/, findings: /^(true|false)$/, status: /^[1-5]\d\d$/, tags: /^[^=,]+=/ }

/** Longer words are no value of any dimension. */
const MAX_VALUE_CHARS = 400

/** The filters as the URL bears them; what is absent is at its default. */
export type Filters = {
  t?: Range | undefined
  /** A window of its own, in the place of a range: both ends or none, RFC 3339. */
  from?: string | undefined
  to?: string | undefined
  /** What must not be, as a query string: `project=test&model=x`. */
  not?: string | undefined
  /** What lists of records are sorted by; by time when it is left out. */
  sort?: Sort | undefined
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
    not: writeExcluded(readExcluded(search['not'])),
    sort: (Object.keys(SORTS) as Sort[]).find((known) => known === search['sort']),
  }
  for (const name of allDimensionNames) {
    const text = word(search[name])
    filters[name] = text === undefined || (FORMS[name]?.test(text) ?? true) ? text : undefined
  }
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

/** A value that must not be; an empty one is "not set". */
export type Excluded = readonly [name: Dimension, value: string]

export function excludedOf(filters: Filters): readonly Excluded[] {
  return readExcluded(filters.not)
}

/** The filters with one more value that must not be; a filter by the same dimension falls. */
export function withExcluded(filters: Filters, name: Dimension, value: string): Filters {
  const others = excludedOf(filters).filter(([known, other]) => known !== name || other !== value)
  return { ...filters, [name]: undefined, not: writeExcluded([...others, [name, value]]) }
}

export function withoutExcluded(filters: Filters, name: Dimension, value: string): Filters {
  return { ...filters, not: writeExcluded(excludedOf(filters).filter(([known, other]) => known !== name || other !== value)) }
}

export function isDimension(name: string): name is Dimension {
  return name in DIMENSIONS
}

function readExcluded(text: unknown): Excluded[] {
  if (typeof text !== 'string') return []
  return [...new URLSearchParams(text)].flatMap(([name, value]): Excluded[] => (isDimension(name) && value.length <= MAX_VALUE_CHARS ? [[name, value]] : [])).slice(0, MAX_EXCLUDED)
}

function writeExcluded(excluded: readonly Excluded[]): string | undefined {
  return excluded.length === 0 ? undefined : new URLSearchParams(excluded.map(([name, value]) => [name, value])).toString()
}

/** The window of time that is meant now, as the API wants it: RFC 3339, UTC. */
export function windowOf(filters: Filters, now: Date): { from: string; to: string } {
  if (filters.from !== undefined && filters.to !== undefined) return { from: filters.from, to: filters.to }
  const range = filters.t ?? DEFAULT_RANGE
  if (range === 'yesterday') return { from: midnight(now, 1).toISOString(), to: midnight(now, 0).toISOString() }
  const from = new Date(now.getTime() - HOURS[range] * 3_600_000)
  return { from: from.toISOString(), to: now.toISOString() }
}

/** The window of the same length that ends where the other begins. */
export function windowBefore({ from, to }: { from: string; to: string }): { from: string; to: string } {
  const [begin, end] = [Date.parse(from), Date.parse(to)]
  return { from: new Date(2 * begin - end).toISOString(), to: from }
}

/** The dimensions that sums know, out of the filters. */
export function sumsOf(filters: Filters): SumsQuery {
  return typed({ ...pick(filters, dimensionNames), ...excluding(filters) })
}

/** All that lists of records know. */
export function listOf(filters: Filters): ListQuery {
  return typed({ ...pick(filters, allDimensionNames), ...excluding(filters) })
}

/** The same as text, for addresses. */
export function listText(filters: Filters): Record<string, string> {
  return { ...pick(filters, allDimensionNames), ...excluding(filters) }
}

type Flags = 'stream' | 'findings'
type SumsQuery = Partial<Record<Exclude<Dimension, Flags>, string>> & { stream?: boolean; exclude?: string }
type ListQuery = SumsQuery & Partial<Record<Exclude<RecordDimension, Flags | 'status'>, string>> & { findings?: boolean; status?: number }

/** What is no text for the API is made what it is. */
function typed<Texts extends Record<string, string | undefined>>({ stream, findings, status, ...texts }: Texts & { stream?: string; findings?: string; status?: string }) {
  return {
    ...texts,
    ...(stream !== undefined && { stream: stream === 'true' }),
    ...(findings !== undefined && { findings: findings === 'true' }),
    ...(status !== undefined && { status: Number(status) }),
  }
}

function excluding({ not }: Filters): { exclude?: string } {
  return not === undefined ? {} : { exclude: not }
}

function pick<Name extends AnyDimension>(filters: Filters, names: readonly Name[]): Partial<Record<Name, string>> {
  const picked: Partial<Record<Name, string>> = {}
  for (const name of names) {
    const value = filters[name]
    if (value !== undefined) picked[name] = value
  }
  return picked
}

/** In words: `last 7 days`. */
export function windowLabel(filters: Filters): string {
  if (filters.from !== undefined) return 'chosen stretch of time'
  return filters.t === 'yesterday' ? 'day before this one' : `last ${RANGE_LABELS[filters.t ?? DEFAULT_RANGE]}`
}
