/** Two decisions about one request, target by target. */

import type { Schemas } from '../../api/client'
import { Card } from '../../ui/Card'
import { Table, type Column } from '../../ui/Table'
import { Foreign, Value } from '../../ui/Value'
import { nameOf, TITLES } from './facts'

type View = Schemas['DecisionView']
type Candidate = Schemas['RoutingCandidate']

interface Row {
  name: string
  first: Candidate | undefined
  second: Candidate | undefined
}

export function CompareTable({ first, second, titles }: { first: View; second: View; titles: readonly [string, string] }) {
  const by = (view: View) => new Map(view.candidates.map((candidate) => [nameOf(candidate), candidate]))
  const [one, other] = [by(first), by(second)]
  const rows: Row[] = [...new Set([...one.keys(), ...other.keys()])].map((name) => ({ name, first: one.get(name), second: other.get(name) }))
  rows.sort((a, b) => placeOf(a.first) - placeOf(b.first) || placeOf(a.second) - placeOf(b.second))
  const columns: Column<Row>[] = [
    { title: 'Target', narrow: 'main', cell: ({ name, first, second }) => <span className={placeOf(first) === placeOf(second) ? '' : 'font-semibold'}><Foreign text={name} /></span> },
    { title: titles[0], narrow: 'main', width: 'w-28 xl:w-60', cell: ({ first }) => <Fate candidate={first} /> },
    { title: `Score, ${titles[0]}`, isNumber: true, width: 'xl:w-32', cell: ({ first }) => <Value of={first?.score == null ? null : first.score.total.toFixed(2)} /> },
    { title: titles[1], narrow: 'main', width: 'w-28 xl:w-60', cell: ({ second }) => <Fate candidate={second} /> },
    { title: `Score, ${titles[1]}`, isNumber: true, width: 'xl:w-32', cell: ({ second }) => <Value of={second?.score == null ? null : second.score.total.toFixed(2)} /> },
  ]
  return (
    <Card title="Side by side">
      <Table caption="Two decisions, target by target" rows={rows} columns={columns} rowKey={({ name }) => name} />
    </Card>
  )
}

function placeOf(candidate: Candidate | undefined): number {
  return candidate?.place ?? Number.MAX_SAFE_INTEGER
}

function Fate({ candidate }: { candidate: Candidate | undefined }) {
  if (!candidate) return <span className="text-muted">no candidate</span>
  if (candidate.place != null) return <span className="text-good">● tried as number {candidate.place + 1}</span>
  return <span className="text-bad" title={candidate.reason?.text}>✕ {candidate.fell_at == null ? 'not tried' : `fell at ${TITLES[candidate.fell_at] ?? candidate.fell_at}`}</span>
}
