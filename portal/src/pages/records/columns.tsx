/** The columns of every list of records. */

import { Link } from '@tanstack/react-router'

import type { Schemas } from '../../api/client'
import type { Filters } from '../../filters'
import { duration, exactTime, money, recordTime } from '../../format'
import { links } from '../../links'
import { FilterLink } from '../../ui/FilterLink'
import type { Column } from '../../ui/Table'
import { Foreign, Value } from '../../ui/Value'
import { OutcomeSign } from './OutcomeSign'
import { Tokens } from './Tokens'

type Row = Schemas['RecordView']

/** `canFilter` makes values filter the page; on a page without filters they are plain. */
export function recordColumns(now: Date, filters: Filters, canFilter: boolean): Column<Row>[] {
  const value = (name: 'project' | 'source', row: Row) => (canFilter ? <FilterLink name={name} value={row[name]} /> : <Foreign text={row[name]} />)
  return [
    { title: 'Time', narrow: 'main', width: 'w-[4.5rem] xl:w-24', cell: (row) => <Time row={row} now={now} filters={filters} /> },
    {
      title: 'Model',
      narrow: 'main',
      width: 'xl:w-[18%]',
      cell: (row) => (
        <>
          {canFilter && row.model != null ? <FilterLink name="model" value={row.model} /> : <Foreign text={row.model ?? row.model_requested} />}
          <span className="block text-xs text-muted"><Foreign text={row.provider} /></span>
        </>
      ),
    },
    { title: 'Project', cell: (row) => value('project', row) },
    { title: 'Requester', cell: (row) => value('source', row) },
    { title: 'Status', width: 'xl:w-28', cell: (row) => <OutcomeSign row={row} /> },
    { title: 'Tokens', isNumber: true, width: 'xl:w-24', cell: (row) => <Tokens row={row} /> },
    { title: 'Cost', narrow: 'main', isNumber: true, width: 'w-24', cell: (row) => <Value of={money(row.cost_microcents)} /> },
    { title: 'Latency', narrow: 'main', isNumber: true, width: 'w-16 xl:w-20', cell: (row) => <Value of={duration(row.latency_ms)} /> },
    { title: 'First token', isNumber: true, width: 'xl:w-20', cell: (row) => <Value of={duration(row.ttft_ms)} /> },
  ]
}

function Time({ row, now, filters }: { row: Row; now: Date; filters: Filters }) {
  return (
    <Link {...links.record(row.id, filters)} data-record={row.id} className="underline decoration-line underline-offset-2 hover:decoration-ink">
      <time dateTime={row.started_at} title={exactTime(row.started_at)}>{recordTime(row.started_at, now)}</time>
    </Link>
  )
}
