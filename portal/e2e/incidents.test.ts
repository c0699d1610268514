/** A provider goes down: the incident opens by itself, is told on every page, is looked at, noticed, and written to. */

import { test } from 'vitest'

import { chat, startGateway } from './gateway'
import { stage } from './stage'

// Nobody listens at this port.
const DOWN = '[[providers]]\nid = "down"\nprovider_type = "local"\nendpoint = "http://127.0.0.1:9"\ndefault_model = "m"\n\n[routing]\nretries = 0\n'

const portal = stage(() => startGateway([], DOWN))

test('an incident opens by itself, is acknowledged, and bears a note', async () => {
  const page = await portal.page('/incidents', 'Incidents')
  await page.getByText('There is none.').waitFor()
  await chat(portal.gateway, 'down/m', { 'x-project': 'shop <b>' })
  // On whatever page somebody is, he is told.
  const banner = page.getByRole('complementary', { name: 'Warning: incidents' })
  await banner.waitFor({ timeout: 40_000 })
  await page.getByRole('link', { name: /Provider down · down/ }).click()
  await page.getByText('customer-impacting').first().waitFor()
  await page.getByText('shop <b>').waitFor()
  await page.getByRole('button', { name: 'Acknowledge' }).click()
  await page.getByText('● Acknowledged').waitFor()
  await page.getByLabel('Note').fill('the cable <script>')
  await page.getByRole('button', { name: 'Save note' }).click()
  await page.getByRole('table', { name: 'Requests of the incident' }).getByRole('link').first().click()
  await page.getByRole('heading', { name: 'Why it went there' }).waitFor()
  await page.goBack()
  await page.getByText('● Acknowledged').waitFor()
  await page.reload()
  await page.getByText('the cable <script>').waitFor()
})
