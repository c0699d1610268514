/** A provider goes down: the incident opens by itself, is looked at, noticed, and written to. */

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

test('a word about a model counts', async () => {
  const page = await portal.page('/quality', 'Quality')
  await page.getByLabel('Score, 0 to 1').fill('0.25')
  await page.getByRole('textbox', { name: 'Task' }).fill('coding')
  await page.getByLabel('Comment').fill('<img src=x onerror=owned()>')
  await page.getByRole('button', { name: 'Say it' }).click()
  await page.getByRole('table', { name: 'Signals' }).getByText('<img src=x onerror=owned()>').first().waitFor()
  await page.getByRole('table', { name: 'Quality by model and task' }).getByText('coding').first().waitFor()
})
