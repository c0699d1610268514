import { expect, test } from 'vitest'

import { excludedOf, listOf, readFilters, sumsOf, windowBefore, windowOf, withExcluded, withFilter, withoutExcluded } from './filters'
import { chooseZone } from './zone'

const said = (search: Record<string, unknown>) => Object.fromEntries(Object.entries(readFilters(search)).filter(([, value]) => value !== undefined))

test('what is valid stays, what is not falls', () => {
  expect(said({ t: '7d', project: 'web', session_id: 's1' })).toEqual({ t: '7d', project: 'web', session_id: 's1' })
  expect(said({ t: '24h' })).toEqual({})
  expect(said({ t: '<script>', nonsense: 'x', project: '', model: 'x'.repeat(401), source: { a: 1 } })).toEqual({})
})

test('a name that looks like a number is a name', () => {
  expect(said({ project: 2026, key_id: true })).toEqual({ project: '2026', key_id: 'true' })
})

test('a window has two ends and stands in the place of a range', () => {
  const [from, to] = ['2026-11-20T00:00:00.000Z', '2026-11-21T00:00:00.000Z']
  expect(said({ t: '7d', from, to })).toEqual({ from, to })
  expect(said({ from })).toEqual({})
  expect(said({ from: to, to: from })).toEqual({})
  expect(said({ from: 'yesterday', to })).toEqual({})
})

test('the window reaches back from now', () => {
  const now = new Date('2026-11-21T12:00:00Z')
  expect(windowOf({}, now)).toEqual({ from: '2026-11-20T12:00:00.000Z', to: '2026-11-21T12:00:00.000Z' })
  expect(windowOf({ t: '1h' }, now).from).toBe('2026-11-21T11:00:00.000Z')
  expect(windowBefore(windowOf({}, now))).toEqual({ from: '2026-11-19T12:00:00.000Z', to: '2026-11-20T12:00:00.000Z' })
})

test('sums know fewer dimensions than lists', () => {
  const filters = withFilter({ project: 'web', session_id: 's' }, 'model', 'm')
  expect(sumsOf(filters)).toEqual({ project: 'web', model: 'm' })
  expect(listOf(filters)).toEqual({ project: 'web', session_id: 's', model: 'm' })
  expect(listOf(withFilter(filters, 'project', undefined))).toEqual({ session_id: 's', model: 'm' })
})

test('what must not be is read, added and taken away, whatever signs it holds', () => {
  const odd = 'a&b=c,d !%'
  const some = withExcluded(withExcluded({ project: 'web' }, 'project', odd), 'outcome', 'ok')
  expect(some.project).toBeUndefined()
  expect(excludedOf(readFilters({ not: some.not }))).toEqual([['project', odd], ['outcome', 'ok']])
  expect(listOf(some)).toEqual({ exclude: some.not })
  expect(sumsOf(withoutExcluded(withoutExcluded(some, 'outcome', 'ok'), 'project', odd))).toEqual({})
  expect(said({ not: 'session_id=x&nonsense=y', sort: 'nonsense' })).toEqual({})
  expect(said({ sort: 'latency_ms' })).toEqual({ sort: 'latency_ms' })
})

test('yesterday is the day before this one where the reader is', () => {
  chooseZone('America/New_York')
  expect(windowOf({ t: 'yesterday' }, new Date('2026-11-21T03:00:00Z'))).toEqual({ from: '2026-11-19T05:00:00.000Z', to: '2026-11-20T05:00:00.000Z' })
  chooseZone(null)
})
