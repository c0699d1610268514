/** Providers, as an operator adds, tests, changes and removes one. */

import { expect, inject, test } from 'vitest'

import { demoGateway } from './gateway'
import { stage } from './stage'

const portal = stage(demoGateway)

test('a provider is added, changed, switched off and deleted; its key never comes back', async () => {
  const page = await portal.page('/providers', 'Providers')
  const id = `e2e-${process.pid}`
  await page.getByRole('button', { name: 'Add provider' }).click()
  await page.getByLabel('Id', { exact: true }).fill(id)
  await page.getByLabel('Type', { exact: true }).selectOption('Anthropic')
  await page.getByLabel('API key').fill('sk-e2e-not-a-secret')
  await page.getByRole('textbox', { name: 'Models' }).fill('claude-a, claude-b')
  await page.getByRole('button', { name: 'Add', exact: true }).click()
  const row = page.getByRole('row').filter({ hasText: id })
  await row.getByText('claude-a, claude-b').waitFor()
  expect(await page.content()).not.toContain('sk-e2e-not-a-secret')
  await row.getByRole('button', { name: 'Disable' }).click()
  await row.getByText('disabled').waitFor()
  await row.getByRole('button', { name: 'Edit' }).click()
  await page.getByRole('textbox', { name: 'Models' }).fill('claude-c')
  await page.getByRole('button', { name: 'Save' }).click()
  await row.getByText('claude-c').waitFor()
  await row.getByRole('button', { name: 'Delete' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click()
  await row.waitFor({ state: 'detached' })
})

test('a provider is added and tested', async () => {
  const page = await portal.page('/providers', 'Providers')
  const id = `e2e-probe-${process.pid}`
  await page.getByRole('button', { name: 'Add provider' }).click()
  await page.getByLabel('Id', { exact: true }).fill(id)
  await page.getByLabel('Type', { exact: true }).selectOption('Local server (vLLM, LM Studio, llama.cpp …)')
  await page.getByRole('textbox', { name: /address/i }).fill(inject('demo'))
  await page.getByRole('button', { name: 'Add', exact: true }).click()
  const row = page.getByRole('row').filter({ hasText: id })
  await row.getByRole('button', { name: 'Test' }).click()
  await page.getByRole('status').filter({ hasText: /it lists \d+ models/ }).waitFor()
  await row.getByRole('button', { name: 'Delete' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click()
  await row.waitFor({ state: 'detached' })
})
