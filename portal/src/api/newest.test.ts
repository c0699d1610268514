import { expect, test } from 'vitest'

import { record } from '../record.fixture'
import { mergeNewest } from './newest'

const at = (id: string, second: number) => record({ id, started_at: `2026-11-21T10:00:0${second}Z` })
const ids = (rows: readonly { id: string }[]) => rows.map((row) => row.id).join(' ')

test('each record stands once, newest first', () => {
  expect(ids(mergeNewest([at('c', 3), at('b', 2)], [at('b', 2), at('a', 1)], 10))).toBe('c b a')
})

test('a long answer that began earlier takes its place by its beginning', () => {
  expect(ids(mergeNewest([at('b', 2)], [at('c', 3), at('a', 1)], 10))).toBe('c b a')
})

test('what is too many falls off at the old end', () => {
  expect(ids(mergeNewest([at('c', 3)], [at('b', 2), at('a', 1)], 2))).toBe('c b')
})

test('records of one instant keep one order', () => {
  expect(ids(mergeNewest([at('a', 1)], [at('b', 1)], 10))).toBe(ids(mergeNewest([at('b', 1)], [at('a', 1)], 10)))
})
