/** The explorer, as somebody uses it who looks for one request among many. */

import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'

import { chat, demoGateway } from './gateway'
import { stage } from './stage'

const portal = stage(demoGateway)

test('a click on a value filters, the address keeps it, and a cross takes it away', async () => {
  const page = await portal.page('/records?t=30d', 'Records')
  await page.getByRole('table').getByRole('link', { name: 'support-bot' }).first().click()
  await page.waitForURL((url) => url.searchParams.get('project') === 'support-bot')
  await page.reload()
  await page.getByRole('list', { name: 'Filters' }).getByText('support-bot').waitFor()
  await page.getByRole('table').getByRole('link', { name: 'support-bot' }).nth(5).waitFor()
  expect(await page.getByRole('table').getByRole('link', { name: 'code-review' }).count()).toBe(0)
  // The filters go along to the next page.
  await page.getByRole('navigation', { name: 'Pages', exact: true }).getByRole('link', { name: 'Requesters' }).click()
  await page.getByRole('heading', { level: 1, name: 'Requesters' }).waitFor()
  await page.getByRole('link', { name: 'Remove the filter Project' }).click()
  await page.waitForURL((url) => !url.searchParams.has('project'))
})

test('a filter is added by name', async () => {
  const page = await portal.page('/records?t=30d', 'Records')
  await page.getByRole('button', { name: 'Add filter' }).click()
  await page.getByLabel('Field').selectOption('Outcome')
  await page.getByLabel('Value').fill('error')
  await page.getByRole('button', { name: 'Apply' }).click()
  await page.waitForURL((url) => url.searchParams.get('outcome') === 'error')
  await page.getByRole('table').getByText('error').first().waitFor()
  expect(await page.getByRole('table').getByText(/200 ok/).count()).toBe(0)
})

test('older and newer pages follow each other', async () => {
  const page = await portal.page('/records?t=30d', 'Records')
  const first = () => page.locator('[data-record]').first().getAttribute('data-record')
  await page.locator('[data-record]').first().waitFor()
  const newest = await first()
  await page.getByRole('button', { name: 'Older' }).click()
  await page.getByText('Page 2').waitFor()
  await expect.poll(first).not.toBe(newest)
  const second = await first()
  await page.getByRole('button', { name: 'Older' }).click()
  await page.getByText('Page 3').waitFor()
  await expect.poll(first).not.toBe(second)
  await page.getByRole('button', { name: 'Newer' }).click()
  await expect.poll(first).toBe(second)
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

test('j and k walk the rows, Enter opens one, and it tells what it cost', async () => {
  const page = await portal.page('/records?t=7d&outcome=ok', 'Records')
  await page.locator('[data-record]').nth(2).waitFor()
  for (const key of ['j', 'j', 'k']) await page.keyboard.press(key)
  const id = await page.evaluate(() => (document.activeElement as HTMLElement).dataset['record'])
  expect(id).toBe(await page.locator('[data-record]').first().getAttribute('data-record'))
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Tokens and cost' }).waitFor()
  const shown = JSON.parse(await page.getByRole('region', { name: 'The record as JSON' }).innerText()) as { id: string; attempts: number }
  expect(shown.id).toBe(id)
  expect(await page.getByRole('region', { name: 'Calls to providers' }).locator('ol > li').count()).toBe(shown.attempts)
})

test('what is shown is exported', async () => {
  const page = await portal.page('/records?t=30d&outcome=error', 'Records')
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Export CSV' }).click()])
  const lines = (await readFile(await download.path(), 'utf8')).trim().split('\n')
  expect(lines[0]).toContain('cost_microcents')
  expect(lines.length).toBeGreaterThan(5)
  expect(lines.slice(1).every((line) => line.includes('error'))).toBe(true)
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
