/** Providers, the playground, the try-out of the sanitizer and the API document, as an operator uses them. */

import { expect, test } from 'vitest'

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

test('the playground streams two models side by side and tells what they cost', async () => {
  const page = await portal.page('/playground', 'Playground')
  await page.getByLabel('two models side by side').check()
  await page.getByLabel('Model on the left').selectOption('demo-openai/gpt-4o-mini')
  await page.getByLabel('Model on the right').selectOption('demo-local/llama3.2:3b')
  await page.getByRole('button', { name: 'Send' }).click()
  for (const name of ['demo-openai/gpt-4o-mini', 'demo-local/llama3.2:3b']) {
    const answer = page.getByRole('region', { name })
    await answer.getByRole('link', { name: 'Record' }).waitFor({ timeout: 30_000 })
    expect((await answer.locator('bdi').first().innerText()).length).toBeGreaterThan(10)
  }
})

test('the sanitizer says what it finds and what would be sent', async () => {
  const page = await portal.page('/sanitizer', 'Sanitizer')
  await page.getByLabel('Text', { exact: true }).fill('mail me: jane.doe@example.com')
  await page.getByLabel('Rules', { exact: true }).selectOption('redact everything')
  await page.getByRole('button', { name: 'Try' }).click()
  const sent = page.getByRole('region', { name: 'The text as it would be sent' })
  expect(await sent.innerText()).toBe('mail me: [REDACTED|EMAIL]')
  await page.getByLabel('Rules', { exact: true }).selectOption('block everything')
  await page.getByRole('button', { name: 'Try' }).click()
  await page.getByText('is refused with 403').waitFor()
})

test('a call of the API is found, tried, and answers', async () => {
  const page = await portal.page('/docs', 'API docs')
  await page.getByLabel('Search').fill('/v1/stats')
  await page.getByText('/v1/stats', { exact: true }).click()
  await page.getByText('Try it').click()
  await page.getByLabel('project (query)').fill('nobody')
  await page.getByRole('button', { name: 'Send' }).click()
  const answer = JSON.parse(await page.getByRole('region', { name: 'The answer' }).innerText()) as { total_requests: number }
  expect(answer.total_requests).toBe(0)
})

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
