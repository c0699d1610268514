/** The overview on a gateway at work, as a person uses it. */

import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'

import { expectAccessible, launch, open, type Watched } from './browser'
import { chat, demoGateway, type Gateway } from './gateway'
import { expectAccessibleEverywhere } from './stage'

let gateway: Gateway
let browser: Browser
let opened: Watched | undefined

beforeAll(async () => {
  gateway = await demoGateway()
  browser = await launch()
})

afterEach(async () => {
  await opened?.page.context().close()
  expect(opened?.faults ?? []).toEqual([])
  opened = undefined
})

afterAll(async () => {
  await browser.close()
  await gateway.stop()
})

async function overview(path = '/', options: Parameters<typeof open>[2] = {}) {
  opened = await open(browser, gateway.url + path, options)
  const { page } = opened
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor()
  await page.getByRole('status').filter({ hasText: 'Live' }).waitFor()
  return page
}

let sent = 0
const newName = () => `e2e-${process.pid}-${++sent}`

test('the totals, the chart and the newest records are there', async () => {
  const page = await overview()
  expect(await page.title()).toBe('Overview · llm-gateway')
  const totals = page.getByLabel('Totals')
  for (const name of ['Requests', 'Cost', 'Error rate', 'p95 latency', 'Tokens']) await totals.getByText(name, { exact: true }).waitFor()
  expect(await totals.locator('dd').first().innerText()).toMatch(/^[1-9][\d,.]*[KM]?/)
  await page.getByRole('img', { name: /^Chart of the last 24 hours: .* requests/ }).waitFor()
  await page.getByRole('table').getByRole('row').nth(1).waitFor()
})

test('a request appears without a reload', async () => {
  const page = await overview()
  await page.evaluate(() => { document.body.dataset['loadedOnce'] = 'yes' })
  const project = newName()
  await chat(gateway, 'default', { 'x-project': project, 'x-source': 'e2e-source' })
  const row = page.getByRole('row').filter({ hasText: project })
  await row.waitFor()
  expect(await row.innerText()).toContain('e2e-source')
  expect(await page.evaluate(() => document.body.dataset['loadedOnce'])).toBe('yes')
})

test('the totals follow', async () => {
  const page = await overview()
  const requests = page.getByLabel('Totals').locator('dd').first()
  const before = await requests.innerText()
  const exact = () => page.evaluate(() => fetch('/v1/stats').then((answer) => answer.json() as Promise<{ total_requests: number }>))
  const { total_requests: counted } = await exact()
  await chat(gateway, 'default')
  await expect.poll(async () => (await exact()).total_requests, { timeout: 10_000 }).toBeGreaterThan(counted)
  // From ten thousand on a single request is not seen in the sum; then there is nothing to wait for.
  if (!/[KM]/.test(before)) await expect.poll(() => requests.innerText(), { timeout: 10_000 }).not.toBe(before)
})

test('the range is kept in the address', async () => {
  const page = await overview()
  await page.getByRole('link', { name: '7 days' }).click()
  await page.waitForURL((url) => url.searchParams.get('t') === '7d')
  await page.reload()
  await page.getByRole('img', { name: /^Chart of the last 7 days/ }).waitFor()
  await page.goto(`${gateway.url}/?t=%3Cscript%3E`)
  await page.getByRole('img', { name: /^Chart of the last 24 hours/ }).waitFor()
})

test('the chart has a table with the same figures', async () => {
  const page = await overview('/?t=30d')
  await page.getByRole('button', { name: 'Show as table' }).click()
  const region = page.getByRole('region', { name: 'Requests and cost over time, as a table' })
  await region.getByRole('columnheader', { name: 'Cost' }).waitFor()
  expect(await region.getByRole('row').count()).toBeGreaterThan(2)
})

test('all is reached by keyboard, the content first', async () => {
  const page = await overview()
  await page.keyboard.press('Tab')
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to content')
  await page.keyboard.press('Enter')
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('main')
})

test('a chosen theme stays', async () => {
  const page = await overview('/', { colorScheme: 'light' })
  await page.getByRole('button', { name: 'Dark theme' }).click()
  await page.reload()
  await page.getByRole('button', { name: 'Light theme' }).waitFor()
  expect(await page.evaluate(() => getComputedStyle(document.body).colorScheme)).toBe('dark')
})

test('nothing bars the way, the open menu and the table of the chart included', async () => {
  const page = await overview('/?t=7d')
  const ready = () => page.getByRole('table').getByRole('row').nth(1).waitFor()
  await expectAccessibleEverywhere(page, ready)
  await page.getByRole('button', { name: 'Menu' }).click()
  await expectAccessible(page)
  await page.getByRole('button', { name: 'Show as table' }).click()
  await expectAccessibleEverywhere(page, ready)
})

test('every number leads to its records', async () => {
  const page = await overview('/?t=7d')
  await page.getByLabel('Totals').getByRole('link').nth(1).click()
  await page.waitForURL((url) => url.pathname === '/records' && url.searchParams.get('sort') === 'cost_microcents' && url.searchParams.get('t') === '7d')
  await page.getByRole('heading', { name: 'Highest cost first' }).waitFor()
})

test('dragging over the chart zooms in, and its table leads to the records of a stretch', async () => {
  const page = await overview('/?t=7d')
  const chart = page.locator('canvas')
  await chart.waitFor()
  const box = await page.locator('.u-over').boundingBox()
  if (!box) throw new Error('the chart has no size')
  await page.mouse.move(box.x + box.width * 0.4, box.y + 40)
  await page.mouse.down()
  await page.mouse.move(box.x + box.width * 0.6, box.y + 40, { steps: 5 })
  await page.mouse.up()
  await page.waitForURL((url) => url.searchParams.has('from') && url.searchParams.has('to') && !url.searchParams.has('t'))
  await page.getByRole('img', { name: /^Chart of the chosen stretch of time/ }).waitFor()
  await page.getByRole('button', { name: 'Show as table' }).click()
  await page.getByRole('region', { name: 'Requests and cost over time, as a table' }).getByRole('link').first().click()
  await page.waitForURL((url) => url.pathname === '/records' && url.searchParams.has('from'))
  await page.locator('[data-record]').first().waitFor()
})

test('another time zone changes every time, and stays', async () => {
  const page = await overview('/', { timezoneId: 'UTC' })
  const time = page.getByRole('table').locator('time').first()
  const title = () => time.getAttribute('title')
  expect(await title()).toContain('UTC')
  await page.getByLabel('Times in').selectOption('Asia/Tokyo')
  await expect.poll(title).toContain('GMT+9')
  await page.reload()
  await expect.poll(title).toContain('GMT+9')
})

test('a browser with an odd locale still shows everything but the picture', async () => {
  const page = await overview()
  // What headless Chromium says under LANG=C, and what makes uPlot throw while it loads.
  await page.addInitScript(() => { Object.defineProperty(navigator, 'language', { get: () => 'en-US@posix' }) })
  await page.reload()
  await page.getByLabel('Totals').getByText('Requests').waitFor()
  await page.getByText('This browser cannot draw the chart').waitFor()
  await page.getByRole('button', { name: 'Show as table' }).click()
  await page.getByRole('region', { name: 'Requests and cost over time, as a table' }).waitFor()
})

test('an address without a page says so', async () => {
  opened = await open(browser, `${gateway.url}/nothing-here`)
  await opened.page.getByRole('heading', { name: 'There is no such page' }).waitFor()
  await expectAccessible(opened.page)
  await opened.page.getByRole('main').getByRole('link', { name: 'overview' }).click()
  await opened.page.getByRole('heading', { name: 'Overview' }).waitFor()
})
