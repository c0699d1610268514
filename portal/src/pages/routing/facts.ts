/** What every view of a decision calls things. */

export const FACTORS = ['quality', 'price', 'latency', 'reliability', 'affinity'] as const

export const TITLES: Record<string, string | undefined> = {
  policy: '1. Policy',
  capability: '2. Capability',
  availability: '3. Availability',
  score: '4. Score',
  selection: '5. Selection',
}

export function nameOf(candidate: { provider: string; model?: string | null } | null | undefined): string {
  if (!candidate) return 'nobody'
  return candidate.model == null ? candidate.provider : `${candidate.provider}/${candidate.model}`
}
