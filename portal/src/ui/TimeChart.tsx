/**
 * Two measures over time: bars on the left scale, a line on the right one. Drawn by uPlot, which loads when first needed.
 *
 * uPlot reads the browser's locale while it loads and throws on an odd one; a chart that cannot be drawn says so and
 * leaves the rest of the page alone.
 */

import { useEffect, useRef, useState } from 'react'
import type uPlot from 'uplot'

import { axisTime, bucketTime } from '../format'
import { useTheme } from '../theme'
import { timeZone } from '../zone'

export interface TimeSeries {
  name: string
  kind: 'bars' | 'line'
  values: readonly number[]
  format: (value: number) => string
}

interface Props {
  /** What the picture says, in words. */
  label: string
  /** Beginnings of the stretches, RFC 3339, ascending. */
  times: readonly string[]
  left: TimeSeries
  right: TimeSeries
  /** What dragging over a stretch of time does; both ends RFC 3339. */
  onZoom?: (from: string, to: string) => void
}

const HEIGHT = 220
/** The narrowest stretch of time that the API tells apart. */
const QUARTER_S = 900

// uPlot's enum exists in its types only.
// eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment
const RIGHT = 1 as uPlot.Axis.Side

export function TimeChart({ label, times, left, right, onZoom }: Props) {
  const place = useRef<HTMLDivElement>(null)
  const chart = useRef<uPlot | null>(null)
  const data = useRef<uPlot.AlignedData>([[]])
  const formats = useRef({ left: left.format, right: right.format })
  const zoom = useRef(onZoom)
  const [pointed, setPointed] = useState<number | null>(null)
  const [isBroken, setBroken] = useState(false)
  const theme = useTheme()

  useEffect(() => {
    data.current = [middles(times), [...left.values], [...right.values]]
    formats.current = { left: left.format, right: right.format }
    zoom.current = onZoom
    chart.current?.setData(data.current)
  }, [times, left, right, onZoom])

  useEffect(() => {
    const element = place.current
    if (!element) return
    let isGone = false
    const resize = new ResizeObserver(() => chart.current?.setSize({ width: element.clientWidth, height: HEIGHT }))
    void import('uplot').then(
      ({ default: UPlot }) => {
        if (isGone) return
        chart.current = new UPlot(options(UPlot, element, formats, setPointed, (from, to) => zoom.current?.(from, to)), data.current, element)
        resize.observe(element)
      },
      () => { setBroken(true) },
    )
    return () => {
      isGone = true
      resize.disconnect()
      chart.current?.destroy()
      chart.current = null
    }
    // The colours are read when the chart is made: another theme makes another chart.
  }, [theme])

  if (isBroken) return <p className="text-sm text-muted">This browser cannot draw the chart; the table has the same figures.</p>
  return (
    <figure>
      <figcaption className="mb-2 flex min-h-5 flex-wrap gap-x-4 text-sm" aria-hidden="true">
        <Legend series={left} at={pointed} look="text-requests" sign="▮" />
        <Legend series={right} at={pointed} look="text-cost" sign="━" />
        <span className="text-muted">{pointed !== null && times[pointed] !== undefined ? bucketTime(times[pointed]) : onZoom && 'drag over a stretch of time to zoom in'}</span>
      </figcaption>
      <div ref={place} role="img" aria-label={label} />
    </figure>
  )
}

function Legend({ series, at, look, sign }: { series: TimeSeries; at: number | null; look: string; sign: string }) {
  const value = at === null ? undefined : series.values[at]
  return (
    <span>
      <span className={look}>{sign}</span> {series.name}
      {value !== undefined && <strong className="ml-1">{series.format(value)}</strong>}
    </span>
  )
}

interface Formats {
  current: { left: (value: number) => string; right: (value: number) => string }
}

function options(UPlot: typeof uPlot, element: HTMLElement, formats: Formats, onPoint: (index: number | null) => void, onZoom: (from: string, to: string) => void): uPlot.Options {
  const colour = (token: string) => resolve(element, token)
  const [ink, line, bars, curve] = [colour('--muted'), colour('--line'), colour('--requests'), colour('--cost')]
  const drawBars = UPlot.paths.bars?.({ size: [0.7, 40] })
  const axis: uPlot.Axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } }
  return {
    width: element.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { drag: { setScale: false, x: true, y: false, dist: 6 }, points: { show: false } },
    tzDate: (at) => UPlot.tzDate(new Date(at * 1000), timeZone() === 'UTC' ? 'Etc/UTC' : timeZone()),
    scales: { x: { time: true, range: wholeBars }, left: { range: fromZero }, right: { range: fromZero } },
    axes: [
      { ...axis, size: 30, values: (_, ticks) => ticks.map(axisTime) },
      { ...axis, scale: 'left', size: 56, values: (_, ticks) => ticks.map((tick) => formats.current.left(tick)) },
      { ...axis, scale: 'right', side: RIGHT, size: 72, grid: { show: false }, values: (_, ticks) => ticks.map((tick) => formats.current.right(tick)) },
    ],
    series: [
      {},
      { scale: 'left', fill: bars, stroke: bars, width: 0, points: { show: false }, ...(drawBars && { paths: drawBars }) },
      { scale: 'right', stroke: curve, width: 2, points: { show: false } },
    ],
    hooks: {
      setCursor: [(plot) => { onPoint(plot.cursor.idx ?? null) }],
      setSelect: [
        (plot) => {
          const { left, width } = plot.select
          if (width === 0) return
          const stretch = widthOf(plot.data[0])
          // Whole stretches, as the sums know no smaller ones.
          const whole = (pixel: number, round: (value: number) => number) => new Date(round(plot.posToVal(pixel, 'x') / stretch) * stretch * 1000).toISOString()
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
          onZoom(whole(left, Math.floor), whole(left + width, Math.ceil))
        },
      ],
    },
  }
}

/** Where each stretch has its middle, in Unix seconds: there its bar stands and its point lies. */
function middles(times: readonly string[]): number[] {
  const starts = times.map((time) => Date.parse(time) / 1000)
  return starts.map((start) => start + widthOf(starts) / 2)
}

/** The axis of time reaches from the beginning of the first stretch to the end of the last one. */
function wholeBars({ data: [times] }: uPlot, first: number, last: number): uPlot.Range.MinMax {
  const half = widthOf(times) / 2
  return [first - half, last + half]
}

function widthOf([first, second]: ArrayLike<number> & Iterable<number>): number {
  return first === undefined || second === undefined ? QUARTER_S : second - first
}

/** A scale that begins at 0 and has a height even when all is 0. */
function fromZero(_: uPlot, __: number | null, most: number | null): uPlot.Range.MinMax {
  return [0, most === null || most <= 0 ? 1 : most * 1.05]
}

/** A token's colour as it is in the current theme; the canvas cannot read `light-dark()`. */
function resolve(element: HTMLElement, token: string): string {
  const probe = document.createElement('span')
  probe.style.color = `var(${token})`
  element.append(probe)
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}
