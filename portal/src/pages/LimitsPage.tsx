/** Limits and budgets: what is used of each, and when it frees. */

import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'

import type { Schemas } from '../api/client'
import { budgetsQuery, limitsQuery } from '../api/queries'
import type { Dimension } from '../filters'
import { count, exactCount, exactTime, money } from '../format'
import { Bar } from '../ui/Bar'
import { Card } from '../ui/Card'
import { RecordsLink } from '../ui/FilterLink'
import { Empty, PageHead } from '../ui/Page'
import { Failure, Loading } from '../ui/states'
import { Table, type Column } from '../ui/Table'
import { Foreign, Value } from '../ui/Value'

export function LimitsPage() {
  const limits = useQuery(limitsQuery)
  const budgets = useQuery(budgetsQuery)
  return (
    <>
      <PageHead title="Limits and budgets" />
      <Card title="Budgets">
        {budgets.isPending && <Loading what="budgets" />}
        {budgets.isError && <Failure what="budgets" error={budgets.error} onRetry={() => void budgets.refetch()} />}
        {budgets.data?.data.length === 0 && <Empty>There is none. A <code>[[budgets]]</code> block in the config file, or a key’s own budgets, stop spending at a sum.</Empty>}
        {budgets.data && budgets.data.data.length > 0 && <Table caption="Budgets" rows={budgets.data.data} columns={budgetColumns} rowKey={(budget) => `${budget.name} ${budget.subject ?? ''} ${budget.period}`} />}
      </Card>
      <Card title="Limits">
        {limits.isPending && <Loading what="limits" />}
        {limits.isError && <Failure what="limits" error={limits.error} onRetry={() => void limits.refetch()} />}
        {limits.data?.data.length === 0 && <Empty>There is none. <code>[limits]</code> in the config file, a provider or a key can state requests and tokens for a minute, an hour or a day.</Empty>}
        {limits.data && limits.data.data.length > 0 && <Table caption="Limits" rows={limits.data.data} columns={limitColumns} rowKey={(limit) => `${limit.scope} ${limit.subject ?? ''} ${limit.unit} ${limit.period} ${String(limit.for_each)}`} />}
      </Card>
    </>
  )
}

const who = (row: { scope: string; subject: string | null; for_each: boolean }) => (
  <>
    {row.scope}
    <span className="block text-xs text-muted">{row.subject === null ? (row.for_each ? 'each of them' : 'all together') : <Foreign text={row.subject} />}</span>
  </>
)

const SCOPES: Record<string, Dimension | undefined> = { key: 'key_id', project: 'project', source: 'source', team: 'team', provider: 'provider', model: 'model' }

/** Leads to what was spent in the period, where records can be told by it. */
function Spent({ budget, children }: { budget: Schemas['Budget']; children: ReactNode }) {
  const name = SCOPES[budget.scope]
  if (budget.window_start === null || (name === undefined && budget.scope !== 'global')) return children
  const who = name === undefined || budget.subject === null || budget.subject === '' ? {} : { [name]: budget.subject }
  return <RecordsLink filters={{ ...who, t: undefined, from: budget.window_start, to: budget.window_end ?? new Date().toISOString()}}>{children}</RecordsLink>
}

const budgetColumns: Column<Schemas['Budget']>[] = [
  {
    title: 'Budget',
    narrow: 'main',
    cell: (budget) => (
      <>
        <strong className="font-medium"><bdi>{budget.name}</bdi></strong>
        <span className="block text-xs text-muted">{budget.scope}{budget.subject === null ? '' : ' '}<bdi>{budget.subject}</bdi></span>
      </>
    ),
  },
  {
    title: 'Used',
    narrow: 'main',
    width: 'w-36 xl:w-64',
    cell: (budget) => {
      const used = budget.spent_microcents === null ? null : budget.spent_microcents + (budget.reserved_microcents ?? 0)
      return (
        <>
          <Spent budget={budget}><Value of={money(used)} /></Spent> of {money(budget.limit_microcents)}
          {used !== null && <Bar share={used / Math.max(1, budget.limit_microcents)} look={budget.used_up ? 'bg-bad' : budget.warning ? 'bg-cost' : 'bg-requests'} />}
        </>
      )
    },
  },
  {
    title: 'State',
    narrow: 'main',
    width: 'w-20 xl:w-28',
    cell: (budget) =>
      budget.used_up ? <span className="text-bad">■ used up</span> : budget.warning ? <span className="text-warn">▲ warning</span> : <span className="text-good">● fine</span>,
  },
  { title: 'For', width: 'xl:w-28', cell: (budget) => `${budget.period}, ${budget.action === 'stop' ? 'stops' : 'warns'}` },
  { title: 'Until', width: 'xl:w-44', cell: (budget) => <Value of={budget.window_end === null ? null : exactTime(budget.window_end)} /> },
  { title: 'Unknown price', isNumber: true, width: 'xl:w-28', cell: (budget) => <Value of={count(budget.unknown_calls)} /> },
]

const limitColumns: Column<Schemas['Limit']>[] = [
  { title: 'For', narrow: 'main', cell: who },
  { title: 'Limit', narrow: 'main', width: 'w-32 xl:w-48', cell: (limit) => `${exactCount(limit.limit) ?? ''} ${limit.unit} a ${limit.period}` },
  {
    title: 'Used',
    narrow: 'main',
    width: 'w-24 xl:w-48',
    cell: (limit) => (
      <>
        <Value of={exactCount(limit.used)} />
        {limit.used !== null && <Bar share={limit.used / Math.max(1, limit.limit)} look={limit.remaining === 0 ? 'bg-bad' : 'bg-requests'} />}
      </>
    ),
  },
  { title: 'Left', isNumber: true, width: 'xl:w-24', cell: (limit) => <Value of={exactCount(limit.remaining)} /> },
  { title: 'Counted by', width: 'xl:w-36', cell: (limit) => limit.algorithm.replace('_', ' ') },
  { title: 'Whole again', width: 'xl:w-44', cell: (limit) => <Value of={limit.reset_at === null ? null : exactTime(limit.reset_at)} /> },
]
