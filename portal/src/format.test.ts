import { describe, expect, test } from 'vitest'

import { axisTime, bucketTime, change, count, duration, exactCount, money, percent, recordTime } from './format'

const table = <T,>(format: (value: T) => string | null, rows: readonly (readonly [T, string | null])[]) => {
  test.each(rows)('%s is written %s', (value, text) => {
    expect(format(value)).toBe(text)
  })
}

describe('money, from microcents', () => {
  table(money, [
    [null, null],
    [undefined, null],
    [0, '$0.00'],
    [1, '$0.00000001'],
    [123, '$0.00000123'],
    [12_345, '$0.000123'],
    [1_000_000, '$0.01'],
    [1_234_567, '$0.0123'],
    [99_999_999, '$1.00'],
    [100_000_000, '$1.00'],
    [123_456_789_012, '$1,234.57'],
    [-1_234_567, '-$0.0123'],
  ])
})

describe('counts', () => {
  table(count, [
    [null, null],
    [0, '0'],
    [9_999, '9,999'],
    [12_345, '12.3K'],
    [1_580_000, '1.58M'],
  ])
  table(exactCount, [
    [null, null],
    [1_234_567, '1,234,567'],
  ])
})

describe('durations, from milliseconds', () => {
  table(duration, [
    [null, null],
    [0, '0 ms'],
    [0.42, '0.4 ms'],
    [87.4, '87 ms'],
    [999.4, '999 ms'],
    [999.6, '1.00 s'],
    [2_345, '2.35 s'],
    [12_340, '12.3 s'],
    [125_000, '2 min 5 s'],
  ])
})

describe('shares', () => {
  table(percent, [
    [null, null],
    [Number.NaN, null],
    [0, '0%'],
    [0.0001, '<0.1%'],
    [0.0123, '1.2%'],
    [0.9999, '>99.9%'],
    [1, '100%'],
  ])
})

test('a change is told in words, and not where there was nothing', () => {
  expect(change(112, 100)).toBe('12% more than before')
  expect(change(97, 100)).toBe('3.0% less than before')
  expect(change(1200, 100)).toBe('12× more than before')
  expect(change(100, 100)).toBe('as before')
  expect(change(5, 0)).toBeNull()
  expect(change(null, 3)).toBeNull()
})

describe('times, in the zone of the reader', () => {
  const now = new Date('2026-11-21T10:00:00Z')

  test('a record of today bears the time, an older one the day as well', () => {
    expect(recordTime('2026-11-21T09:49:27.123Z', now)).toBe('09:49:27')
    expect(recordTime('2026-11-20T23:05:00Z', now)).toBe('20 Nov, 23:05')
  })

  test('a series is marked by the hour, and by the day where one begins', () => {
    expect(bucketTime('2026-11-21T14:15:00Z')).toBe('21 Nov, 14:15')
    expect(axisTime(Date.parse('2026-11-21T14:15:00Z') / 1000)).toBe('14:15')
    expect(axisTime(Date.parse('2026-11-21T00:00:00Z') / 1000)).toBe('21 Nov')
  })
})
