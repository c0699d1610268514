/** The catalog: models as cards, as a table and side by side. */

import { expect, test } from 'vitest'

import { demoGateway } from './gateway'
import { stage } from './stage'

const portal = stage(demoGateway)

test('models are compared side by side', async () => {
  const page = await portal.page('/catalog', 'Catalog')
  await page.getByLabel('Search').fill('gpt-4o')
  await page.getByRole('checkbox', { name: 'Compare demo-openai/gpt-4o', exact: true }).check()
  await page.getByRole('checkbox', { name: 'Compare demo-openai/gpt-4o-mini', exact: true }).check()
  const table = page.getByRole('region', { name: 'Models side by side' })
  const input = table.getByRole('row').filter({ hasText: 'input, per 1M' }).first()
  expect(await input.innerText()).toMatch(/\$2\.5.*\$0\.15/s)
  await page.getByLabel('tools').check()
  await page.getByLabel('Input up to').fill('0.2')
  await expect.poll(() => page.getByRole('table', { name: 'Models', exact: true }).innerText()).not.toMatch(/gpt-4o\n(?!-mini)/)
})

test('a card leads to the model, and its numbers to their records', async () => {
  const page = await portal.page('/catalog', 'Catalog')
  await page.getByRole('button', { name: 'Show as cards' }).click()
  const card = page.getByRole('list', { name: 'Models' }).getByRole('listitem').filter({ has: page.getByText('demo-openai/gpt-4o-mini', { exact: true }) })
  await card.getByRole('link').nth(1).click()
  await page.waitForURL((url) => url.pathname === '/records' && url.searchParams.get('model') === 'gpt-4o-mini')
  await page.locator('[data-record]').first().waitFor()
  await page.goBack()
  await page.getByRole('link', { name: 'GPT-4o mini' }).first().click()
  await page.getByRole('heading', { name: 'Prices, US dollars for a million tokens' }).waitFor()
})
