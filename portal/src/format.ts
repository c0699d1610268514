/**
 * Every number and time of the portal is written here, one way everywhere.
 *
 * `null` is unknown and is never written as 0: each function answers `null` for it, and `ui/Value` shows that.
 * The locale is fixed: a page that a browser's odd locale can break is no use during an incident.
 */

import { timeZone } from './zone'

type Maybe<T> = T | null | undefined

const LOCALE = 'en-US'
const MICROCENTS_PER_USD = 100_000_000

const grouped = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 0 })
const compact = new Intl.NumberFormat(LOCALE, { notation: 'compact', maximumSignificantDigits: 3 })

function usd(least: number, most: number): Intl.NumberFormat {
  return new Intl.NumberFormat(LOCALE, {
    style: 'currency',
    currency: 'USD',
    minimumFractionDigits: least,
    maximumFractionDigits: most,
  })
}
const usdWhole = usd(2, 2)
const usdSmall = usd(2, 4)
const usdTiny = new Intl.NumberFormat(LOCALE, {
  style: 'currency',
  currency: 'USD',
  minimumSignificantDigits: 1,
  maximumSignificantDigits: 3,
})

/** Microcents (10⁻⁸ USD) as dollars; small amounts keep three significant digits. */
export function money(microcents: Maybe<number>): string | null {
  if (microcents == null) return null
  const dollars = microcents / MICROCENTS_PER_USD
  const size = Math.abs(dollars)
  if (size === 0 || size >= 1) return usdWhole.format(dollars)
  return (size >= 0.01 ? usdSmall : usdTiny).format(dollars)
}

/** A count, shortened from ten thousand on: 9,999 then 10K, 1.25M. */
export function count(value: Maybe<number>): string | null {
  if (value == null) return null
  return (Math.abs(value) < 10_000 ? grouped : compact).format(value)
}

/** A count with every digit, for tables and tooltips. */
export function exactCount(value: Maybe<number>): string | null {
  return value == null ? null : grouped.format(value)
}

/** Bytes as a person reads them: 87 B, 1.4 KiB, 3.0 MiB. */
export function bytes(value: Maybe<number>): string | null {
  if (value == null) return null
  const steps = ['B', 'KiB', 'MiB', 'GiB'] as const
  const step = value < 1 ? 0 : Math.min(steps.length - 1, Math.floor(Math.log2(value) / 10))
  return `${(value / 1024 ** step).toFixed(step === 0 ? 0 : 1)} ${steps[step] ?? 'B'}`
}

/** Milliseconds as a person reads them: 0.4 ms, 87 ms, 1.24 s, 2 min 5 s. */
export function duration(ms: Maybe<number>): string | null {
  if (ms == null) return null
  if (ms > 0 && ms < 1) return `${ms.toFixed(1)} ms`
  if (ms < 999.5) return `${Math.round(ms)} ms`
  if (ms < 59_950) return `${(ms / 1000).toFixed(ms < 9_995 ? 2 : 1)} s`
  const seconds = Math.round(ms / 1000)
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}

/** A share of 0 to 1 as per cent; what is neither none nor all is never rounded to it. */
export function percent(share: Maybe<number>): string | null {
  if (share == null || Number.isNaN(share)) return null
  const value = share * 100
  if (value > 0 && value < 0.1) return '<0.1%'
  if (value < 100 && value > 99.9) return '>99.9%'
  return `${value.toFixed(value === 0 || value === 100 ? 0 : 1)}%`
}

/** How much more or less than before, in words: 12% more than before, as before; `null` where either is unknown or nothing was before. */
export function change(now: Maybe<number>, before: Maybe<number>): string | null {
  if (now == null || before == null || before === 0) return null
  const share = (now - before) / before
  const size = Math.abs(share)
  if (size < 0.005) return 'as before'
  const text = size >= 10 ? `${(size + 1).toFixed(0)}×` : `${(size * 100).toFixed(size < 0.1 ? 1 : 0)}%`
  return `${text} ${share > 0 ? 'more' : 'less'} than before`
}

interface Clocks {
  second: Intl.DateTimeFormat
  minute: Intl.DateTimeFormat
  day: Intl.DateTimeFormat
  whole: Intl.DateTimeFormat
  date: Intl.DateTimeFormat
}

let clocks: { zone: string; formats: Clocks } | null = null

/** Made once for a zone: to make one takes longer than to use it a thousand times. */
function inZone(): Clocks {
  const zone = timeZone()
  if (clocks?.zone !== zone) {
    const clock = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat('en-GB', { ...options, timeZone: zone })
    clocks = {
      zone,
      formats: {
        second: clock({ hour: '2-digit', minute: '2-digit', second: '2-digit' }),
        minute: clock({ hour: '2-digit', minute: '2-digit' }),
        day: clock({ day: 'numeric', month: 'short' }),
        whole: clock({ dateStyle: 'medium', timeStyle: 'long' }),
        date: clock({ dateStyle: 'short' }),
      },
    }
  }
  return clocks.formats
}

/** The time of a record in a list of new ones: 14:03:59, with the day when that is not today's. */
export function recordTime(at: string, now: Date): string {
  const { second, minute, day, date } = inZone()
  const time = new Date(at)
  return date.format(time) === date.format(now) ? second.format(time) : `${day.format(time)}, ${minute.format(time)}`
}

/** The beginning of a stretch of time in a series: 21 Nov, 14:15. */
export function bucketTime(at: string): string {
  const { minute, day } = inZone()
  const time = new Date(at)
  return `${day.format(time)}, ${minute.format(time)}`
}

/** A mark on the axis of time, from Unix seconds: 14:15, and the day where one begins. */
export function axisTime(at: number): string {
  const { minute, day } = inZone()
  const time = new Date(at * 1000)
  const text = minute.format(time)
  return text === '00:00' ? day.format(time) : text
}

/** A time with all it has, zone included. */
export function exactTime(at: string): string {
  return inZone().whole.format(new Date(at))
}
