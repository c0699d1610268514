import { expect, test, vi } from 'vitest'

import { MOST_PAGES, Pages, type Page } from './pages'

/** Rows 0 to before `length`, ten on a page; a cursor is the number of the first row. */
const list = (length: number) =>
  vi.fn((cursor: string | undefined): Promise<Page<number>> => {
    const first = Number(cursor ?? 0)
    const rows = Array.from({ length: Math.min(10, length - first) }, (_, place) => first + place)
    return Promise.resolve({ rows, next: first + 10 < length ? String(first + 10) : null })
  })

const settled = () => new Promise((done) => { setTimeout(done) })

test('rows come page by page, to the end', async () => {
  const load = list(25)
  const pages = new Pages(10, load)
  pages.want(0, 4)
  await settled()
  expect(pages.current()).toMatchObject({ count: 10, isEnd: false, isReady: true })
  expect(pages.current().row(9)).toBe(9)
  // Half a page before the end the next one is asked for, once.
  pages.want(2, 6)
  pages.want(2, 6)
  await settled()
  expect(load).toHaveBeenCalledTimes(2)
  pages.want(12, 19)
  await settled()
  expect(pages.current()).toMatchObject({ count: 25, isEnd: true })
  pages.want(20, 25)
  await settled()
  expect(load).toHaveBeenCalledTimes(3)
})

test('memory holds a number of pages, and who goes back is given the same rows', async () => {
  const load = list(10_000)
  const pages = new Pages(10, load)
  for (let page = 0; page < 2 * MOST_PAGES; page += 1) {
    pages.want(page * 10, page * 10 + 4)
    await settled()
  }
  expect(pages.current().row(0)).toBeUndefined()
  expect(pages.current().row(2 * MOST_PAGES * 10 - 1)).toBe(2 * MOST_PAGES * 10 - 1)
  pages.want(0, 4)
  await settled()
  expect(pages.current().row(0)).toBe(0)
  expect(pages.current().count).toBe(2 * MOST_PAGES * 10)
})

test('a failure is told, and asked again when somebody says so', async () => {
  const load = list(5).mockRejectedValueOnce(new Error('down'))
  const pages = new Pages(10, load)
  pages.want(0, 4)
  await settled()
  expect(pages.current().error?.message).toBe('down')
  pages.want(0, 4)
  await settled()
  expect(load).toHaveBeenCalledTimes(1)
  pages.retry(0, 4)
  await settled()
  expect(pages.current()).toMatchObject({ error: null, count: 5, isEnd: true })
})
