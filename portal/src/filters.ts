/** The filters that pages keep in the URL, and what they mean. Whatever a URL says, only valid filters come out. */

export const RANGES = ['24h', '7d', '30d'] as const
export type Range = (typeof RANGES)[number]

export const DEFAULT_RANGE: Range = '24h'

export const RANGE_LABELS: Record<Range, string> = { '24h': '24 hours', '7d': '7 days', '30d': '30 days' }

const HOURS: Record<Range, number> = { '24h': 24, '7d': 7 * 24, '30d': 30 * 24 }

/** The filters as the URL bears them; what is absent is at its default. */
export interface Filters {
  t?: Range | undefined
}

export function readFilters(search: Record<string, unknown>): Filters {
  const range = RANGES.find((known) => known === search['t'])
  // Said even when there is none: the router would else let the raw word of the URL through.
  return { t: range === DEFAULT_RANGE ? undefined : range }
}

/** The window of time that a range means now, as the API wants it: RFC 3339, UTC. */
export function windowOf(range: Range, now: Date): { from: string; to: string } {
  const from = new Date(now.getTime() - HOURS[range] * 3_600_000)
  return { from: from.toISOString(), to: now.toISOString() }
}
