/**
 * The one table. On a wide screen every column stands side by side; on a narrow one the first columns stay and the
 * rest becomes a second line of names and values.
 */

import type { ReactNode } from 'react'

export interface Column<Row> {
  title: string
  cell: (row: Row) => ReactNode
  /** Numbers stand at the right. */
  isNumber?: boolean
  /** `main` is always a column, `more` goes to the second line when it is narrow. */
  narrow?: 'main' | 'more'
  /** A Tailwind width for wide screens. */
  width?: string
}

interface Props<Row> {
  /** What the table holds, for those who do not see it. */
  caption: string
  rows: readonly Row[]
  columns: readonly Column<Row>[]
  rowKey: (row: Row) => string
  rowClass?: (row: Row) => string
}

const head = 'px-1 py-2 text-xs font-medium text-muted xl:px-2'
const cell = 'px-1 py-1.5 align-top xl:px-2'
const side = (column: { isNumber?: boolean }) => (column.isNumber ? 'text-right whitespace-nowrap' : 'text-left')
const wide = (column: { narrow?: 'main' | 'more' }) => (column.narrow === 'main' ? '' : 'hidden xl:table-cell')

export function Table<Row>({ caption, rows, columns, rowKey, rowClass }: Props<Row>) {
  const main = columns.filter((column) => column.narrow === 'main')
  const more = columns.filter((column) => column.narrow !== 'main')
  return (
    <table className="w-full table-fixed text-sm">
      <caption className="sr-only">{caption}</caption>
      <thead className="border-b border-line">
        <tr>
          {columns.map((column) => (
            <th key={column.title} scope="col" className={`${head} ${side(column)} ${wide(column)} ${column.width ?? ''}`}>{column.title}</th>
          ))}
        </tr>
      </thead>
      {rows.map((row) => (
        <tbody key={rowKey(row)} className={`border-b border-line last:border-0 hover:bg-raised ${rowClass?.(row) ?? ''}`}>
          <tr>
            {columns.map((column) => (
              <td key={column.title} className={`${cell} ${side(column)} ${wide(column)}`}>{column.cell(row)}</td>
            ))}
          </tr>
          {more.length > 0 && (
            <tr className="xl:hidden">
              <td colSpan={main.length} className="px-1 pb-1.5 text-xs">
                <dl className="flex flex-wrap gap-x-3">
                  {more.map((column) => (
                    <div key={column.title} className="flex max-w-full min-w-0 gap-1">
                      <dt className="text-muted">{column.title}</dt>
                      <dd className="min-w-0">{column.cell(row)}</dd>
                    </div>
                  ))}
                </dl>
              </td>
            </tr>
          )}
        </tbody>
      ))}
    </table>
  )
}
