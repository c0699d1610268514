/** What wants looking at now: open incidents, and budgets that are nearly used up. Nothing is shown when there is neither. */

import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'

import { budgetsQuery, openIncidentsQuery } from '../../api/queries'
import { useFilters } from '../../app/FilterBar'
import { exactCount, money } from '../../format'
import { links } from '../../links'
import { Bar } from '../../ui/Bar'
import { Card } from '../../ui/Card'
import { linkLook } from '../../ui/FilterLink'
import { Value } from '../../ui/Value'
import { ImpactSign, incidentTitle } from '../incidents/ImpactSign'

const MOST = 5

export function Attention() {
  const filters = useFilters()
  const incidents = useQuery(openIncidentsQuery).data?.data ?? []
  const budgets = (useQuery(budgetsQuery).data?.data ?? []).filter((budget) => !budget.for_each && budget.spent_microcents !== null)
  budgets.sort((a, b) => shareOf(b) - shareOf(a))
  if (incidents.length + budgets.length === 0) return null
  return (
    <div className="grid gap-x-5 xl:grid-cols-2">
      {incidents.length > 0 && (
        <Card title="Open incidents" aside={<Link {...links.incidents(filters)} className={`text-sm ${linkLook}`}>All incidents</Link>}>
          <ul className="space-y-2 text-sm">
            {incidents.slice(0, MOST).map((incident) => (
              <li key={incident.id} className="flex flex-wrap justify-between gap-x-3">
                <Link {...links.incident(incident.id, filters)} className={`min-w-0 truncate ${linkLook}`}><bdi>{incidentTitle(incident)}</bdi></Link>
                <span><ImpactSign impact={incident.impact} /> <span className="text-xs text-muted">{exactCount(incident.requests)} requests</span></span>
              </li>
            ))}
          </ul>
        </Card>
      )}
      {budgets.length > 0 && (
        <Card title="Budgets" aside={<Link {...links.limits(filters)} className={`text-sm ${linkLook}`}>All budgets</Link>}>
          <ul className="space-y-2 text-sm">
            {budgets.slice(0, MOST).map((budget) => (
              <li key={`${budget.name} ${budget.subject ?? ''} ${budget.period}`}>
                <span className="flex justify-between gap-3">
                  <span className="min-w-0 truncate"><bdi>{budget.name}</bdi>{budget.subject !== null && budget.subject !== '' && <span className="text-muted"> <bdi>{budget.subject}</bdi></span>}</span>
                  <span className="whitespace-nowrap"><Value of={money(budget.spent_microcents)} /> of {money(budget.limit_microcents)} a {budget.period}</span>
                </span>
                <Bar share={shareOf(budget)} look={budget.used_up ? 'bg-bad' : budget.warning ? 'bg-cost' : 'bg-requests'} />
              </li>
            ))}
          </ul>
        </Card>
      )}
    </div>
  )
}

function shareOf({ spent_microcents, limit_microcents }: { spent_microcents: number | null; limit_microcents: number }): number {
  return (spent_microcents ?? 0) / Math.max(1, limit_microcents)
}
