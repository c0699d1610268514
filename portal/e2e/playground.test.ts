/** The playground: a prompt to one model or two, by the way that applications go. */

import { expect, test } from 'vitest'

import { demoGateway } from './gateway'
import { stage } from './stage'

const portal = stage(demoGateway)

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
    await answer.getByText(/^Route: .* first/).waitFor({ timeout: 30_000 })
    await answer.getByText('The same with curl').click()
    expect(await answer.getByRole('region', { name: /^curl for/ }).innerText()).toContain(`"model":"${name}"`)
  }
})

test('a model says which tool it wants called', async () => {
  const page = await portal.page('/playground?ask=demo-openai%2Fgpt-4o', 'Playground')
  await page.getByText('Tools', { exact: true }).click()
  await page.getByLabel('Tools as JSON').fill('{')
  await page.getByRole('button', { name: 'Send' }).click()
  await page.getByText('The tools are not a list in JSON.').waitFor()
  await page.getByRole('button', { name: 'Put an example in' }).click()
  await page.getByRole('button', { name: 'Send' }).click()
  await page.getByText(/get_weather\(\{"city":/).waitFor({ timeout: 30_000 })
})
