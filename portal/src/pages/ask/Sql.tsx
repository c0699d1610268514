/** SQL over the views: what answered a question, to be read and changed, or one's own; under the same guard. */

import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'

import { api, read } from '../../api/client'
import { Button } from '../../ui/Button'
import { Area, FormError } from '../../ui/Field'
import { Rows } from './Rows'
import { rowsOf } from './values'

/** `given` is the statement to begin with, its bound values written into it. */
export function Sql({ given }: { given: string }) {
  const [sql, setSql] = useState(given)
  const run = useMutation({ mutationFn: () => read(api.POST('/v1/sql', { body: { sql } })) })
  const columns = run.data?.columns.map(({ name }) => ({ name, label: name, role: 'value', unit: null })) ?? []
  return (
    <form className="grid gap-3" onSubmit={(event) => { event.preventDefault(); run.mutate() }}>
      <Area label="SQL" rows={6} value={sql} spellCheck={false} onChange={(event) => { setSql(event.target.value) }}
        onKeyDown={(event) => { if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) { event.preventDefault(); run.mutate() } }}
        hint="One query over the views requests, usage, attempts, incidents, route_steps, findings, signals and budgets. Ctrl-Enter runs it." />
      <div className="flex items-center gap-3">
        <Button type="submit" disabled={run.isPending}>Run</Button>
        {run.data && <span className="text-sm text-muted">{run.data.rows.length} rows in {run.data.took_ms} ms</span>}
      </div>
      <FormError error={run.error} />
      {run.data && <Rows caption="What the SQL found" columns={columns} rows={rowsOf(run.data)} isTruncated={run.data.truncated} />}
    </form>
  )
}

/** A statement with its values in the place of `?1`, `?2`, … */
export function withValues(sql: string, values: readonly unknown[]): string {
  return sql.replace(/\?(\d+)/g, (whole, digits: string) => {
    const value = values[Number(digits) - 1]
    if (typeof value === 'number') return String(value)
    if (typeof value === 'string') return `'${value.replaceAll("'", "''")}'`
    return value === null ? 'NULL' : whole
  })
}
