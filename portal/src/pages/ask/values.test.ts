import { expect, test } from 'vitest'

import { readAsk } from './address'
import { csvOf, shown } from './values'

test('values bear their unit, and unknown is not 0', () => {
  expect(shown(1204.1, 'usd')).toBe('$1,204.10')
  expect(shown(0.125, 'ratio')).toBe('12.5%')
  expect(shown(1240, 'ms')).toBe('1.24 s')
  expect(shown(12345, 'count')).toBe('12,345')
  expect(shown(null, 'usd')).toBe(null)
  expect(shown('gpt-5', null)).toBe('gpt-5')
})

test('a spreadsheet computes nothing out of a name', () => {
  expect(csvOf(['model', 'cost'], [['=1+1', 2], ['a,"b"', null], ['-x', -1]])).toBe("model,cost\r\n'=1+1,2\r\n\"a,\"\"b\"\"\",\r\n'-x,-1\r\n")
})

test('an address holds a question, a spec, or nothing', () => {
  expect(readAsk({ q: 'cost today', spec: '{"a":1}', after: 5 })).toEqual({ q: 'cost today', spec: '{"a":1}', after: undefined })
  expect(readAsk({ q: '  ', spec: { a: 1 } })).toEqual({ q: undefined, spec: '{"a":1}', after: undefined })
  expect(readAsk({ q: 2026, spec: 'x' })).toEqual({ q: '2026', spec: undefined, after: undefined })
})
