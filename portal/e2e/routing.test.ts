/** Routing, profiles, limits and settings, as an operator who asks why. */

import { expect, test } from 'vitest'

import { chat, demoGateway, startGateway } from './gateway'
import { stage } from './stage'

const portal = stage(demoGateway)

test('a record says why it went where it went, and is decided again', async () => {
  await chat(portal.gateway, 'auto:economy', { 'x-project': 'why' })
  const page = await portal.page('/records?project=why', 'Records')
  await page.locator('[data-record]').first().click()
  await page.getByRole('heading', { name: 'Why it went there' }).waitFor()
  for (const layer of ['1. Policy', '2. Capability', '3. Availability', '4. Score', '5. Selection']) await page.getByRole('heading', { name: layer }).waitFor()
  await page.getByText('it answered').waitFor()
  await page.getByRole('link', { name: 'Decide it again' }).click()
  await page.getByRole('heading', { level: 1, name: 'Routing' }).waitFor()
  await page.getByRole('button', { name: 'Decide' }).click()
  await page.getByText('It would go to the same target.').waitFor()
})

test('models fall out at their layer with the reason', async () => {
  const page = await portal.page('/routing', 'Routing')
  await page.getByLabel('Prompt tokens').fill('900000')
  await page.getByRole('button', { name: 'Decide' }).click()
  const capability = page.getByRole('listitem').filter({ has: page.getByRole('heading', { name: '2. Capability' }) })
  await capability.getByText(/context/).first().waitFor()
})

test('a window is replayed by other rules', async () => {
  const page = await portal.page('/routing?t=1h', 'Routing')
  await page.getByLabel('Rules', { exact: true }).fill('{"routing": {"strategy": ')
  await page.getByRole('button', { name: 'Replay' }).click()
  await page.getByText('The rules are not JSON.').waitFor()
  await page.getByLabel('Rules', { exact: true }).fill('{"routing": {"strategy": "cost_optimized"}}')
  await page.getByRole('button', { name: 'Replay' }).click()
  await page.getByText('Would move', { exact: true }).waitFor()
})

test('a profile is made, picks, is edited and deleted', async () => {
  const page = await portal.page('/profiles', 'Profiles')
  const id = `e2e-${process.pid}`
  await page.getByRole('button', { name: 'New profile' }).click()
  await page.getByLabel('Name').fill(id)
  await page.getByLabel('quality').fill('0')
  await page.getByLabel('price').fill('9')
  await page.getByRole('button', { name: 'Save' }).click()
  const row = page.getByRole('row').filter({ hasText: id })
  await row.getByText(/demo-/).waitFor()
  expect(await chat(portal.gateway, `auto:${id}`)).toBe(200)
  await row.getByRole('button', { name: 'Delete' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click()
  await row.waitFor({ state: 'detached' })
})

test('the settings show what is in force, and a refused change', async () => {
  const page = await portal.page('/settings', 'Settings')
  const config = await page.getByRole('region', { name: 'The configuration in force' }).innerText()
  expect(config).toContain('[server]')
})

const limited = stage(() => startGateway([], '[limits]\nrequests_per_minute = 2\n\n[[budgets]]\nname = "all"\nlimit_usd = 5\nperiod = "day"\n'))

test('limits and budgets show what is used', async () => {
  await chat(limited.gateway, 'x')
  const page = await limited.page('/limits', 'Limits and budgets')
  await page.getByRole('table', { name: 'Budgets' }).getByText('$5.00').waitFor()
  await page.getByRole('table', { name: 'Limits' }).getByText(/2 requests a minute/).waitFor()
})
