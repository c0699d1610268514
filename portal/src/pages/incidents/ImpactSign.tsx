/** What an incident did to clients, by sign, word and colour. */

const SIGNS: Record<string, { sign: string; words: string; look: string } | undefined> = {
  customer_impacting: { sign: '●', words: 'customer-impacting', look: 'text-bad' },
  mitigated: { sign: '◐', words: 'mitigated by failover', look: 'text-warn' },
  notice: { sign: '○', words: 'notice', look: 'text-muted' },
}

export function ImpactSign({ impact }: { impact: string }) {
  const { sign, words, look } = SIGNS[impact] ?? { sign: '?', words: impact, look: 'text-muted' }
  return (
    <span className={`whitespace-nowrap ${look}`}>
      <span aria-hidden="true">{sign}</span> {words}
    </span>
  )
}

const KINDS: Record<string, string | undefined> = {
  provider_down: 'Provider down',
  rate_limited: 'Rate limited',
  timeouts: 'Timeouts',
  bad_credentials: 'Bad credentials',
  provider_errors: 'Provider errors',
  budget_burn: 'Budget used up',
  unknown_price: 'Unknown price',
  secrets_found: 'Secrets found',
  plugin_failed: 'Plugin failed',
  gateway: 'Gateway error',
}

/** In words: what it is about, and whom. */
export function incidentTitle({ kind, provider, subject }: { kind: string; provider: string | null; subject: string | null }): string {
  return [KINDS[kind] ?? kind, provider, subject].filter((word) => word !== null).join(' · ')
}
