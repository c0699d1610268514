import { afterEach, expect, test } from 'vitest'

import { chooseZone, isZone, midnight, momentOf, timeZone, wallTime } from './zone'

afterEach(() => { chooseZone(null) })

test('a moment and what the clocks show lead to each other, changes of the clocks included', () => {
  for (const [zone, wall, at] of [
    ['UTC', '2026-11-21T14:05', '2026-11-21T14:05:00.000Z'],
    ['Europe/Berlin', '2026-11-21T14:05', '2026-11-21T13:05:00.000Z'],
    ['Europe/Berlin', '2026-03-29T03:30', '2026-03-29T01:30:00.000Z'],
    ['America/New_York', '2026-11-01T23:59', '2026-11-02T04:59:00.000Z'],
    ['Asia/Kathmandu', '2026-01-01T00:00', '2025-12-31T18:15:00.000Z'],
  ] as const) {
    chooseZone(zone)
    expect(timeZone()).toBe(zone)
    expect(momentOf(wall)?.toISOString()).toBe(at)
    expect(wallTime(new Date(at))).toBe(wall)
  }
  expect(momentOf('soon')).toBeNull()
})

test('a day begins at its own midnight', () => {
  chooseZone('Europe/Berlin')
  const now = new Date('2026-03-29T20:00:00Z')
  expect(midnight(now, 0).toISOString()).toBe('2026-03-28T23:00:00.000Z')
  expect(midnight(now, -1).toISOString()).toBe('2026-03-29T22:00:00.000Z')
})

test('a zone is one that the browser knows', () => {
  expect(isZone('Europe/Berlin')).toBe(true)
  expect(isZone('<script>')).toBe(false)
})
