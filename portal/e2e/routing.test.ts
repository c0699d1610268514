/** Routing, as an operator who asks why. */

import { expect, test } from 'vitest'

import { chat, demoGateway } from './gateway'
import { stage } from './stage'

const portal = stage(demoGateway)

const LAYERS = ['1. Policy', '2. Capability', '3. Availability', '4. Score', '5. Selection']

test('a record says why it went where it went, drawn and as a list, and is decided again', async () => {
  await chat(portal.gateway, 'auto:economy', { 'x-project': 'why' })
  const page = await portal.page('/records?project=why', 'Records')
  await page.locator('[data-record]').first().click()
  const why = page.getByRole('region', { name: 'Why it went there' })
  await why.getByRole('img', { name: /^Drawing of the five layers: 1\. Policy \d+ to \d+/ }).waitFor()
  await why.getByText('asked first').waitFor()
  await why.getByRole('button', { name: 'Show as list' }).click()
  for (const layer of LAYERS) await why.getByRole('heading', { name: layer }).waitFor()
  await why.getByText('it answered').waitFor()
  await why.getByRole('link', { name: 'Decide it again' }).click()
  await page.getByRole('heading', { level: 1, name: 'Routing' }).waitFor()
  await page.getByText('It would go to the same target.').waitFor()
  await page.getByRole('table', { name: 'Two decisions, target by target' }).waitFor()
})

test('models fall out at their layer with the reason', async () => {
  const page = await portal.page('/routing', 'Routing')
  await page.getByText('asked first').waitFor()
  await page.getByLabel('Prompt tokens').fill('900000')
  await page.getByRole('button', { name: 'Decide' }).click()
  await page.locator('.react-flow__node-fall').first().waitFor()
  await page.getByRole('button', { name: 'Show as list' }).click()
  const capability = page.getByRole('listitem').filter({ has: page.getByRole('heading', { name: '2. Capability' }) })
  await capability.getByText(/context/).first().waitFor()
})

test('two policies stand side by side: another profile, and other rules', async () => {
  const page = await portal.page('/routing', 'Routing')
  await page.getByLabel('Compare with').selectOption('other rules')
  await page.getByLabel('Draft').fill('{"routing": {"strategy": ')
  await page.getByRole('button', { name: 'Decide' }).click()
  await page.getByText('The rules are not JSON.').waitFor()
  await page.getByLabel('Draft').fill('{"routing": {"strategy": "cost_optimized"}}')
  await page.getByRole('button', { name: 'Decide' }).click()
  await page.getByRole('columnheader', { name: 'the draft', exact: true }).waitFor()
  await page.getByLabel('Compare with').selectOption('another profile')
  await page.getByLabel('Other profile').selectOption('economy')
  await page.getByRole('button', { name: 'Decide' }).click()
  await page.getByRole('columnheader', { name: 'economy', exact: true }).waitFor()
  expect(await page.getByRole('table', { name: 'Two decisions, target by target' }).getByRole('row').count()).toBeGreaterThan(3)
  expect(await page.getByRole('img', { name: /^Drawing of the five layers/ }).count()).toBe(2)
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
