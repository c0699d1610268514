/** Values of answers as a person reads them, by the unit of their column. */

import type { Schemas } from '../../api/client'
import { bytes, duration, exactCount, money, percent } from '../../format'
import type { Answer } from './address'

export type AskColumn = Schemas['AskColumn']
export type Cell = string | number | null

const MICROCENTS = 100_000_000
const plain = new Intl.NumberFormat('en-US', { maximumFractionDigits: 2 })

export function rowsOf(answer: Pick<Answer, 'rows'>): Cell[][] {
  return answer.rows as unknown as Cell[][]
}

/** `null` is unknown. */
export function shown(value: Cell | undefined, unit: AskColumn['unit']): string | null {
  if (value == null) return null
  if (typeof value === 'string') return value
  switch (unit) {
    case 'usd': return money(Math.round(value * MICROCENTS))
    case 'ms': return duration(value)
    case 'ratio': return percent(value)
    case 'bytes': return bytes(value)
    case 'tokens': return exactCount(value)
    case 'tokens_per_sec': return `${plain.format(value)} tokens/s`
    default: return plain.format(value)
  }
}

export function number(value: Cell | undefined): number {
  return typeof value === 'number' ? value : 0
}

/** A cell of a CSV file: one that a spreadsheet would compute is made a text. */
function csvCell(value: Cell): string {
  if (value === null) return ''
  if (typeof value === 'number') return String(value)
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

export function csvOf(columns: readonly string[], rows: readonly Cell[][]): string {
  return [columns.map(csvCell), ...rows.map((row) => row.map(csvCell))].map((line) => line.join(',')).join('\r\n') + '\r\n'
}
