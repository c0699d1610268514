/** Signals: how good answers were, as somebody says it. */

import { test } from 'vitest'

import { demoGateway } from './gateway'
import { stage } from './stage'

const portal = stage(demoGateway)

test('a word about a model counts', async () => {
  const page = await portal.page('/quality', 'Quality')
  await page.getByLabel('Score, 0 to 1').fill('0.25')
  await page.getByRole('textbox', { name: 'Task' }).fill('coding')
  await page.getByLabel('Comment').fill('<img src=x onerror=owned()>')
  await page.getByRole('button', { name: 'Say it' }).click()
  await page.getByRole('table', { name: 'Signals' }).getByText('<img src=x onerror=owned()>').first().waitFor()
  await page.getByRole('table', { name: 'Quality by model and task' }).getByText('coding').first().waitFor()
})
