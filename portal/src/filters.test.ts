import { expect, test } from 'vitest'

import { readFilters, windowOf } from './filters'

test.each([
  [{ t: '7d' }, { t: '7d' }],
  [{ t: '24h' }, { t: undefined }],
  [{}, { t: undefined }],
  [{ t: '7 years' }, { t: undefined }],
  [{ t: 7 }, { t: undefined }],
  [{ t: ['7d'] }, { t: undefined }],
  [{ t: '__proto__', x: '<script>' }, { t: undefined }],
])('of %j only what is valid and not the default is kept', (search, filters) => {
  expect(readFilters(search)).toStrictEqual(filters)
})

test('a range is a window that ends now', () => {
  expect(windowOf('7d', new Date('2026-11-21T10:00:00Z'))).toEqual({
    from: '2026-11-14T10:00:00.000Z',
    to: '2026-11-21T10:00:00.000Z',
  })
})
