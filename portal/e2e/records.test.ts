/** The explorer, as somebody uses it who looks for one request among many. */

import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'

import { chat, demoGateway } from './gateway'
import { stage } from './stage'

const portal = stage(demoGateway)

interface Row {
  id: string
  cost_microcents: number | null
}

test('the most expensive request of yesterday is found, and why it went where it went', async () => {
  const page = await portal.page('/', 'Overview')
  await page.getByRole('navigation', { name: 'Pages', exact: true }).getByRole('link', { name: 'Records' }).click()
  await page.getByRole('button', { name: 'Views' }).click()
  await page.getByRole('link', { name: 'Most expensive of yesterday' }).click()
  await page.getByRole('heading', { name: 'Highest cost first' }).waitFor()
  const first = page.locator('[data-record]').first()
  const id = await first.getAttribute('data-record')
  const exported = await page.evaluate((href) => fetch(href).then((answer) => answer.text()), await page.getByRole('link', { name: 'Export JSON lines' }).getAttribute('href') ?? '')
  const costs = exported.trim().split('\n').map((line) => JSON.parse(line) as Row)
  const most = Math.max(...costs.map((row) => row.cost_microcents ?? 0))
  expect(costs.find((row) => row.id === id)?.cost_microcents).toBe(most)
  await first.click()
  await page.getByRole('heading', { name: 'Why it went there' }).waitFor()
  await page.getByRole('heading', { name: 'Tokens and cost' }).waitFor()
  await page.getByText('asked first').waitFor()
  await page.getByRole('link', { name: 'Decide it again' }).waitFor()
})

test('a click on a value filters, with Alt it leaves it out; the address keeps it, and a cross takes it away', async () => {
  const page = await portal.page('/records?t=30d', 'Records')
  const table = page.getByRole('table')
  const bots = table.getByRole('link', { name: 'support-bot', exact: true })
  await bots.first().click()
  await page.waitForURL((url) => url.searchParams.get('project') === 'support-bot')
  await page.reload()
  await page.getByRole('list', { name: 'Filters' }).getByText('support-bot').waitFor()
  await bots.nth(5).waitFor()
  expect(await table.getByRole('link', { name: 'code-review' }).count()).toBe(0)
  await bots.first().click({ modifiers: ['Alt'] })
  await page.waitForURL((url) => url.searchParams.get('not') === 'project=support-bot' && !url.searchParams.has('project'))
  await table.getByRole('link', { name: 'code-review' }).first().waitFor()
  expect(await bots.count()).toBe(0)
  // The filters go along to the next page.
  await page.getByRole('navigation', { name: 'Pages', exact: true }).getByRole('link', { name: 'Projects' }).click()
  await page.getByRole('heading', { level: 1, name: 'Projects' }).waitFor()
  await page.getByRole('table').getByRole('link', { name: 'code-review' }).waitFor()
  await page.getByRole('table').getByRole('link', { name: 'support-bot' }).waitFor({ state: 'detached' })
  await page.getByRole('link', { name: 'Remove the filter Project is not' }).click()
  await page.waitForURL((url) => !url.searchParams.has('not'))
})

test('a filter is added by name, and by what must not be', async () => {
  const page = await portal.page('/records?t=30d', 'Records')
  await page.keyboard.press('f')
  await page.getByLabel('Field').selectOption('Outcome')
  await page.getByLabel('Condition').selectOption('is not')
  await page.getByLabel('Value').fill('ok')
  await page.getByRole('button', { name: 'Apply' }).click()
  await page.waitForURL((url) => url.searchParams.get('not') === 'outcome=ok')
  await page.locator('[data-record]').nth(3).waitFor()
  expect(await page.getByRole('table').getByText(/200 ok/).count()).toBe(0)
})

test('a view is kept under a name, opened again and forgotten', async () => {
  const page = await portal.page('/records?t=7d&outcome=error', 'Records')
  await page.getByRole('button', { name: 'Views' }).click()
  await page.getByLabel('Keep what is shown as').fill('My <b>failures</b>')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByRole('list', { name: 'Own views' }).getByRole('link', { name: 'My <b>failures</b>' }).waitFor()
  await page.goto(`${portal.gateway.url}/records`)
  await page.getByRole('button', { name: 'Views' }).click()
  await page.getByRole('link', { name: 'My <b>failures</b>' }).click()
  await page.waitForURL((url) => url.searchParams.get('t') === '7d' && url.searchParams.get('outcome') === 'error')
  await page.getByRole('button', { name: 'Views' }).click()
  await page.getByRole('button', { name: 'Forget My <b>failures</b>' }).click()
  await page.getByRole('link', { name: 'My <b>failures</b>' }).waitFor({ state: 'detached' })
})

test('the list goes on as far as one scrolls, only what is in sight is there, and the way back leads to the same place', async () => {
  const page = await portal.page('/records?t=30d', 'Records')
  const rows = page.locator('[data-record]')
  await rows.first().waitFor()
  const newest = await rows.first().getAttribute('data-record')
  const known = async () => Number((await page.getByRole('status').filter({ hasText: /records$/ }).innerText()).replace(/\D/g, ''))
  for (let pages = 100; pages <= 600; pages += 100) {
    await page.evaluate(() => { window.scrollTo(0, document.body.scrollHeight) })
    await expect.poll(known, { timeout: 15_000 }).toBeGreaterThan(pages)
  }
  await expect.poll(() => rows.count()).toBeGreaterThan(10)
  expect(await rows.count()).toBeLessThan(100)
  const here = rows.nth(15)
  const id = await here.getAttribute('data-record')
  const place = await page.evaluate(() => window.scrollY)
  await here.click()
  await page.getByRole('heading', { level: 1, name: 'Record', exact: true }).waitFor()
  await page.goBack()
  await page.locator(`[data-record="${id ?? ''}"]`).waitFor()
  await expect.poll(() => page.evaluate(() => window.scrollY)).toBeGreaterThan(place - 400)
  await page.evaluate(() => { window.scrollTo(0, 0) })
  await page.locator(`[data-record="${newest ?? ''}"]`).waitFor()
})

test('the live tail shows what arrives, and only what fits the filter', async () => {
  const project = `tail-${process.pid}`
  const page = await portal.page(`/records?project=${project}`, 'Records')
  await page.getByText('No record fits').waitFor()
  await page.getByRole('button', { name: 'Live tail' }).click()
  await page.getByRole('status').filter({ hasText: 'Live' }).waitFor()
  await chat(portal.gateway, 'default', { 'x-project': 'another' })
  await chat(portal.gateway, 'default', { 'x-project': project })
  await page.locator('[data-record]').first().waitFor()
  expect(await page.locator('[data-record]').count()).toBe(1)
})

test('j and k walk the rows, Enter opens one, [ and ] go on from there, Escape leads back', async () => {
  const page = await portal.page('/records?t=7d&outcome=ok', 'Records')
  const rows = page.locator('[data-record]')
  await rows.nth(2).waitFor()
  const ids = await Promise.all([0, 1].map((place) => rows.nth(place).getAttribute('data-record')))
  for (const key of ['j', 'j', 'k']) await page.keyboard.press(key)
  expect(await page.evaluate(() => (document.activeElement as HTMLElement).dataset['record'])).toBe(ids[0])
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Tokens and cost' }).waitFor()
  const shown = JSON.parse(await page.getByRole('region', { name: 'The record as JSON' }).innerText()) as { id: string; attempts: number }
  expect(shown.id).toBe(ids[0])
  expect(await page.getByRole('region', { name: 'Calls to providers' }).locator('ol > li').count()).toBe(shown.attempts)
  await page.keyboard.press(']')
  await page.waitForURL((url) => url.pathname === `/records/${ids[1] ?? ''}`)
  await page.keyboard.press('[')
  await page.waitForURL((url) => url.pathname === `/records/${ids[0] ?? ''}`)
  await page.keyboard.press('Escape')
  await page.waitForURL((url) => url.pathname === '/records' && url.searchParams.get('outcome') === 'ok')
})

test('what is shown is exported', async () => {
  const page = await portal.page('/records?t=30d&not=outcome%3Dok', 'Records')
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Export CSV' }).click()])
  const lines = (await readFile(await download.path(), 'utf8')).trim().split('\n')
  expect(lines[0]).toContain('cost_microcents')
  expect(lines.length).toBeGreaterThan(5)
  expect(lines.slice(1).some((line) => line.includes(',ok,'))).toBe(false)
})

test('keys lead everywhere, and not while something is typed', async () => {
  const page = await portal.page('/records', 'Records')
  await page.keyboard.press('g')
  await page.keyboard.press('c')
  await page.getByRole('heading', { level: 1, name: 'Catalog' }).waitFor()
  await page.keyboard.press('/')
  await page.keyboard.type('gk')
  expect(await page.getByLabel('Search').inputValue()).toBe('gk')
  await page.keyboard.press('Control+k')
  await page.getByRole('dialog', { name: 'Go to' }).waitFor()
  await page.keyboard.type('requesters')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { level: 1, name: 'Requesters' }).waitFor()
  await page.keyboard.press('?')
  await page.getByRole('dialog', { name: 'Keys' }).getByLabel('use these keys').uncheck()
  await page.keyboard.press('Escape')
  await page.keyboard.press('g')
  await page.keyboard.press('c')
  await page.getByRole('heading', { level: 1, name: 'Requesters' }).waitFor()
})
