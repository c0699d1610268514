/** An answer as a picture, of the kind that the gateway chose. The table beside it has the same figures. */

import type { Schemas } from '../../api/client'
import { Value } from '../../ui/Value'
import { rowsOf, number, shown, type AskColumn, type Cell } from './values'
import type { Answer } from './address'

const HEIGHT = 200
const WIDTH = 1_000
/** Bars that are drawn. */
const MOST = 25
/** Told apart by colour and by the dashes of the line. */
const LOOKS = [
  ['text-requests', ''], ['text-cost', ''], ['text-good', ''], ['text-bad', ''], ['text-accent', '12 6'], ['text-warn', '12 6'],
  ['text-muted', '4 4'], ['text-requests', '4 4'], ['text-cost', '4 4'],
] as const

interface Drawn {
  rows: Cell[][]
  x: number
  series: number
  ys: number[]
  columns: readonly AskColumn[]
}

/** `onPick` is told the value of the first dimension of a bar. */
export function Picture({ answer, onPick }: { answer: Answer; onPick: (column: AskColumn, value: string) => void }) {
  const { chart } = answer
  if (chart == null) return null
  const place = (name: string | null | undefined) => answer.columns.findIndex((column) => column.name === name)
  const drawn: Drawn = { rows: rowsOf(answer), x: place(chart.x), series: place(chart.series), ys: chart.y.map(place).filter((at) => at >= 0), columns: answer.columns }
  if (drawn.ys.length === 0) return null
  switch (chart.kind) {
    case 'number': return <Figure drawn={drawn} />
    case 'line':
    case 'stacked': return <Lines drawn={drawn} />
    case 'heat': return <Heat drawn={drawn} />
    default: return <Bars drawn={drawn} kind={chart.kind} onPick={onPick} />
  }
}

function Figure({ drawn: { rows, ys, columns } }: { drawn: Drawn }) {
  return (
    <p className="text-3xl font-semibold">
      {ys.map((y) => <Value key={y} of={shown(rows[0]?.[y], columns[y]?.unit ?? null)} />)}
    </p>
  )
}

function Bars({ drawn: { rows, x, series, ys, columns }, kind, onPick }: { drawn: Drawn; kind: Schemas['AskChartKind']; onPick: (column: AskColumn, value: string) => void }) {
  const most = Math.max(1e-12, ...rows.flatMap((row) => ys.map((y) => Math.abs(number(row[y])))))
  const column = columns[x]
  return (
    <ul aria-label="Bars" className="space-y-2">
      {rows.filter((row) => row[x] != null).slice(0, MOST).map((row, at) => {
        const name = String(row[x])
        return (
          <li key={`${name} ${at}`} className="text-sm">
            <div className="flex justify-between gap-3">
              {column?.role === 'dimension' && kind !== 'share_bar' ? (
                <button type="button" className="min-w-0 truncate underline decoration-line underline-offset-2 hover:decoration-ink" onClick={() => { onPick(column, name) }}><bdi>{name}</bdi></button>
              ) : (
                <span className="min-w-0 truncate">{series >= 0 && <span className="text-muted">{String(row[series])}: </span>}<bdi>{name}</bdi></span>
              )}
              <span className="whitespace-nowrap">
                {ys.map((y, number) => (
                  <span key={y} className={number === 0 ? '' : 'ml-2 text-muted'}>{number > 0 && 'before '}<Value of={shown(row[y], columns[y]?.unit ?? null)} /></span>
                ))}
              </span>
            </div>
            {ys.map((y, order) => (
              <div key={y} aria-hidden="true" className="mt-1 h-1.5 rounded bg-raised">
                <div className={`h-full rounded ${order > 0 ? 'bg-muted' : number(row[y]) < 0 ? 'bg-good' : 'bg-cost'}`} style={{ width: `${(100 * Math.abs(number(row[y]))) / most}%` }} />
              </div>
            ))}
          </li>
        )
      })}
    </ul>
  )
}

function Lines({ drawn: { rows, x, series, ys, columns } }: { drawn: Drawn }) {
  const times = [...new Set(rows.map((row) => String(row[x])))]
  const places = new Map(times.map((time, at) => [time, at]))
  const lines = new Map<string, (number | null)[]>()
  for (const row of rows) {
    for (const [order, y] of ys.entries()) {
      const name = series >= 0 ? String(row[series]) : order === 0 ? (columns[y]?.label ?? '') : 'before'
      const points = lines.get(name) ?? times.map(() => null)
      const value = row[y]
      points[places.get(String(row[x])) ?? 0] = typeof value === 'number' ? value : null
      lines.set(name, points)
    }
  }
  const drawn = [...lines].slice(0, LOOKS.length)
  const most = Math.max(1e-12, ...drawn.flatMap(([, points]) => points.map((point) => point ?? 0)))
  const step = WIDTH / Math.max(1, times.length - 1)
  const unit = columns[ys[0] ?? 0]?.unit ?? null
  return (
    <figure>
      <figcaption className="mb-2 flex flex-wrap gap-x-4 text-sm">
        {drawn.map(([name], at) => (
          <span key={name}><span aria-hidden="true" className={LOOKS[at]?.[0]}>{LOOKS[at]?.[1] === '' ? '━' : '╍'}</span> <bdi>{name}</bdi></span>
        ))}
        <span className="text-muted">highest {shown(most, unit)}</span>
      </figcaption>
      <svg role="img" aria-label={`${drawn.length} lines from ${times[0] ?? ''} to ${times.at(-1) ?? ''}; the table has the figures`} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" className="h-52 w-full border-b border-l border-line">
        {drawn.map(([name, points], at) => (
          <path key={name} d={pathOf(points, step, most)} className={LOOKS[at]?.[0]} fill="none" stroke="currentColor" strokeWidth="2" strokeDasharray={LOOKS[at]?.[1]} vectorEffect="non-scaling-stroke" />
        ))}
      </svg>
      <p className="mt-1 flex justify-between text-xs text-muted"><span>{times[0]}</span><span>{times.at(-1)}</span></p>
    </figure>
  )
}

/** A line with gaps where nothing is known. */
function pathOf(points: readonly (number | null)[], step: number, most: number): string {
  let isOpen = false
  return points
    .map((point, at) => {
      if (point === null) {
        isOpen = false
        return ''
      }
      const word = isOpen ? 'L' : 'M'
      isOpen = true
      return `${word}${(at * step).toFixed(1)} ${(HEIGHT - (HEIGHT * point) / most).toFixed(1)}`
    })
    .join('')
}

function Heat({ drawn: { rows, x, series, ys, columns } }: { drawn: Drawn }) {
  const y = ys[0] ?? 0
  const names = (place: number) => [...new Set(rows.map((row) => String(row[place])))].slice(0, MOST)
  const [down, across] = [names(x), names(series)]
  const cells = new Map(rows.map((row) => [JSON.stringify([row[x], row[series]]), row[y]]))
  const most = Math.max(1e-12, ...rows.map((row) => number(row[y])))
  return (
    <div className="overflow-x-auto" role="region" aria-label="Two dimensions"
      // A region that scrolls must be reachable by keyboard.
      // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
      tabIndex={0}>
      <table className="text-sm">
        <thead><tr><th scope="col" className="px-2 py-1 text-left text-xs text-muted">{columns[x]?.label}</th>{across.map((name) => <th key={name} scope="col" className="px-2 py-1 text-right text-xs text-muted"><bdi>{name}</bdi></th>)}</tr></thead>
        <tbody>
          {down.map((name) => (
            <tr key={name}>
              <th scope="row" className="px-2 py-1 text-left font-normal"><bdi>{name}</bdi></th>
              {across.map((other) => {
                const value = cells.get(JSON.stringify([name, other]))
                return (
                  <td key={other} className="relative px-2 py-1 text-right">
                    <span aria-hidden="true" className="absolute inset-x-1 bottom-0 h-1 origin-left bg-cost" style={{ transform: `scaleX(${number(value) / most})` }} />
                    {value == null ? '–' : shown(value, columns[y]?.unit ?? null)}
                  </td>
                )
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
