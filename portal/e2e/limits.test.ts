/** Limits and budgets: what is used of each, and the way to what used it. */

import { test } from 'vitest'

import { chat, demoProvider, startGateway } from './gateway'
import { stage } from './stage'

const portal = stage(() => startGateway([], `${demoProvider()}\n[limits]\nrequests_per_minute = 200\n\n[[budgets]]\nname = "all"\nlimit_usd = 5\nperiod = "day"\n`))

test('limits and budgets show what is used, and lead to its records', async () => {
  await chat(portal.gateway, 'there/gpt-4o')
  const page = await portal.page('/limits', 'Limits and budgets')
  const budgets = page.getByRole('table', { name: 'Budgets' })
  await budgets.getByText('$5.00').waitFor()
  await page.getByRole('table', { name: 'Limits' }).getByText(/200 requests a minute/).waitFor()
  await budgets.getByRole('link').first().click()
  await page.locator('[data-record]').first().waitFor()
})
