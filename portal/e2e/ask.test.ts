/** Ask, as somebody who wants to know what it cost: in words, by chips and follow-ups, and in SQL. */

import { readFile } from 'node:fs/promises'

import { expect, test } from 'vitest'

import { demoGateway } from './gateway'
import { stage } from './stage'

const portal = stage(demoGateway)

test('a question is answered, refined by a chip and by a follow-up, and the records lie behind a bar', async () => {
  const page = await portal.page('/ask', 'Ask')
  await page.getByRole('list', { name: 'Questions to begin with' }).getByRole('link').first().waitFor()
  await page.getByLabel('What do you want to know?').fill('cost by model for demo-openai last 7 days')
  await page.getByRole('button', { name: 'Ask', exact: true }).click()
  await page.getByRole('status').filter({ hasText: '$' }).waitFor()
  const bars = page.getByRole('list', { name: 'Bars' })
  const before = await bars.getByRole('listitem').count()
  expect(before).toBeGreaterThan(1)
  const rows = page.getByRole('region', { name: "The answer's rows" }).getByRole('row')
  expect(await rows.count()).toBe(before + 1)

  // A chip that is removed asks the question without it.
  const chips = page.getByRole('list', { name: 'How it was read' })
  const provider = chips.getByRole('listitem').filter({ hasText: 'demo-openai' })
  await provider.getByRole('link', { name: /^remove/ }).click()
  await provider.waitFor({ state: 'detached' })
  await page.getByRole('status').filter({ hasText: '$' }).waitFor()
  expect(await bars.getByRole('listitem').count()).toBeGreaterThan(before)

  // A fragment changes the question before; back leads to it again.
  await page.getByLabel('Ask something else, or more of the same').fill('and by project?')
  await page.getByRole('button', { name: 'Ask', exact: true }).click()
  await chips.getByText('by project').first().waitFor()
  await page.goBack()
  await bars.getByRole('listitem').first().waitFor()

  await bars.getByRole('button').first().click()
  await page.getByRole('heading', { level: 1, name: 'Records' }).waitFor()
  expect(page.url()).toContain('model=')
})

test('a follow-up is one click, a series is drawn, and the table is a file', async () => {
  const page = await portal.page('/ask?q=daily%20cost%20last%2014%20days', 'Ask')
  await page.getByRole('img', { name: /lines? from/ }).waitFor()
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'CSV' }).click()])
  const text = await readFile(await download.path(), 'utf8')
  expect(text.split('\r\n')[0]).toContain('day,cost')
  await page.getByRole('list', { name: 'What to ask next' }).getByRole('link').first().click()
  await page.getByRole('status').filter({ hasText: /./ }).waitFor()
  expect(page.url()).toContain('spec=')
})

test('the SQL behind an answer can be changed, under the same guard', async () => {
  portal.expectFault(/400/)
  const page = await portal.page('/ask?q=requests%20by%20provider%20last%207%20days', 'Ask')
  const sql = page.getByRole('textbox', { name: 'SQL' })
  await sql.waitFor()
  expect(await sql.inputValue()).toContain('SELECT')
  await page.getByRole('button', { name: 'Run' }).click()
  await page.getByRole('region', { name: 'What the SQL found' }).getByRole('row').nth(1).waitFor()
  await sql.fill("select model, count(*) as n from requests group by model order by n desc limit 3")
  await page.getByRole('button', { name: 'Run' }).click()
  await page.getByText(/^3 rows in/).waitFor()
  await sql.fill('select * from provider_keys')
  await page.getByRole('button', { name: 'Run' }).click()
  await page.getByText(/there is no view `provider_keys`/).waitFor()
})

test('what cannot be answered says why and offers what can', async () => {
  const page = await portal.page('/ask?q=what%20will%20we%20spend%20next%20year%3F', 'Ask')
  await page.getByRole('heading', { name: 'No answer' }).waitFor()
  await page.getByText('What can be answered:').waitFor()
  await page.getByRole('main').getByRole('listitem').getByRole('link').last().click()
  await page.getByRole('heading', { name: 'Answer', exact: true }).waitFor()
})
