/** The newest records, as they come in. */

import { Link } from '@tanstack/react-router'
import { useMemo } from 'react'

import type { useNewestRecords } from '../../api/newest'
import { useFilters } from '../../app/FilterBar'
import { timeZone } from '../../zone'
import { links } from '../../links'
import { Card } from '../../ui/Card'
import { Failure, Loading } from '../../ui/states'
import { Table } from '../../ui/Table'
import { recordColumns } from '../records/columns'
import { LiveSign } from '../records/LiveSign'

export function NewestRecords({ newest }: { newest: ReturnType<typeof useNewestRecords> }) {
  const { listed, rows, arrivedIds, state } = newest
  const filters = useFilters()
  const columns = useMemo(() => recordColumns(new Date(), filters, false), [filters])
  return (
    <Card title="Newest records" aside={<LiveSign state={state} />}>
      {listed.isPending && <Loading what="newest records" />}
      {listed.isError && <Failure what="list of records" error={listed.error} onRetry={() => void listed.refetch()} />}
      {rows.length > 0 && (
        <Table
          caption={`The newest records, newest first; times in ${timeZone()}`}
          rows={rows}
          columns={columns}
          rowKey={(row) => row.id}
          rowClass={(row) => (arrivedIds.has(row.id) ? 'arrive' : '')}
        />
      )}
      <p className="mt-3 text-sm"><Link {...links.records(filters)} className="underline underline-offset-2">All records</Link></p>
    </Card>
  )
}
