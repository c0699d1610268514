/** The rows of an answer as a table, and as a file. */

import { Link } from '@tanstack/react-router'

import { useFilters } from '../../app/FilterBar'
import { links } from '../../links'
import { Button } from '../../ui/Button'
import { Empty } from '../../ui/Page'
import { Value } from '../../ui/Value'
import { csvOf, shown, type AskColumn, type Cell } from './values'

/** Rows that are drawn; the file has all. */
const MOST = 200
const RECORD_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/

interface Props {
  caption: string
  columns: readonly AskColumn[]
  rows: Cell[][]
  isTruncated: boolean
}

export function Rows({ caption, columns, rows, isTruncated }: Props) {
  const filters = useFilters()
  if (rows.length === 0) return <Empty>No rows.</Empty>
  const save = () => {
    const url = URL.createObjectURL(new Blob([csvOf(columns.map(({ name }) => name), rows)], { type: 'text/csv' }))
    const link = document.createElement('a')
    link.href = url
    link.download = 'answer.csv'
    link.click()
    URL.revokeObjectURL(url)
  }
  return (
    <div>
      <div className="max-h-[32rem] overflow-auto" role="region" aria-label={caption}
        // A region that scrolls must be reachable by keyboard.
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        tabIndex={0}>
        <table className="w-full text-sm">
          <caption className="sr-only">{caption}</caption>
          <thead className="border-b border-line">
            <tr>{columns.map(({ name, label }) => <th key={name} scope="col" className="px-2 py-2 text-left text-xs font-medium text-muted">{label}</th>)}</tr>
          </thead>
          <tbody>
            {rows.slice(0, MOST).map((row, at) => (
              <tr key={at} className="border-b border-line last:border-0 hover:bg-raised">
                {columns.map(({ name, unit }, place) => {
                  const value = row[place]
                  return (
                    <td key={name} className={`px-2 py-1.5 align-top ${typeof value === 'number' ? 'text-right whitespace-nowrap' : ''}`}>
                      {typeof value === 'string' && RECORD_ID.test(value)
                        ? <Link {...links.record(value, filters)} className="underline underline-offset-2">{value.slice(0, 8)}…</Link>
                        : <bdi><Value of={shown(value, unit)} /></bdi>}
                    </td>
                  )
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <div className="mt-2 flex flex-wrap items-center gap-3 text-sm text-muted">
        <Button onClick={save}>CSV</Button>
        {rows.length > MOST && <span>The first {MOST} of {rows.length} rows are drawn.</span>}
        {isTruncated && <span>There are more rows than the gateway sends.</span>}
      </div>
    </div>
  )
}
