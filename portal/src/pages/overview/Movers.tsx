/** Who spends most: by model, project and provider, as bars and figures, each a way to its records. */

import { Link } from '@tanstack/react-router'

import type { Schemas } from '../../api/client'
import { useFilters } from '../../app/FilterBar'
import { withFilter, type Dimension } from '../../filters'
import { count, money } from '../../format'
import { links } from '../../links'
import { Card } from '../../ui/Card'
import { RecordsLink } from '../../ui/FilterLink'
import { Empty } from '../../ui/Page'
import { Value } from '../../ui/Value'

const MOST = 6

interface Group {
  name?: string | null
  total_cost_microcents: number
  total_requests: number
}

export function Movers({ stats }: { stats: Schemas['Stats'] }) {
  const providers = Object.entries(stats.providers).map(([name, sums]) => ({ ...sums, name }))
  return (
    <div className="grid gap-x-5 xl:grid-cols-3">
      <Top title="Cost by model" name="model" groups={stats.by_model} />
      <Top title="Cost by project" name="project" groups={stats.by_project} />
      <Top title="Cost by provider" name="provider" groups={providers} />
    </div>
  )
}

function Top({ title, name, groups }: { title: string; name: Dimension; groups: readonly Group[] }) {
  const filters = useFilters()
  const top = [...groups].sort((a, b) => b.total_cost_microcents - a.total_cost_microcents || b.total_requests - a.total_requests).slice(0, MOST)
  const most = Math.max(1, ...top.map((group) => group.total_cost_microcents))
  return (
    <Card title={title}>
      {top.length === 0 && <Empty>Nothing in this stretch of time.</Empty>}
      <ul className="space-y-2">
        {top.map((group) => (
          <li key={group.name ?? ''} className="text-sm">
            <div className="flex justify-between gap-3">
              {group.name == null ? (
                <span className="text-muted">not set</span>
              ) : (
                <Link {...links.records(withFilter(filters, name, group.name))} className="min-w-0 truncate underline decoration-line underline-offset-2 hover:decoration-ink">
                  <bdi>{group.name}</bdi>
                </Link>
              )}
              <span className="whitespace-nowrap">
                <Value of={money(group.total_cost_microcents)} /> <span className="text-xs text-muted">{group.name == null ? count(group.total_requests) : <RecordsLink filters={{ [name]: group.name }}>{count(group.total_requests)}</RecordsLink>} requests</span>
              </span>
            </div>
            <div aria-hidden="true" className="mt-1 h-1.5 rounded bg-raised">
              <div className="h-full rounded bg-cost" style={{ width: `${(100 * group.total_cost_microcents) / most}%` }} />
            </div>
          </li>
        ))}
      </ul>
    </Card>
  )
}
