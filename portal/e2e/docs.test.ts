/** The API document, as somebody reads, tries and imports it. */

import { readFile } from 'node:fs/promises'
import openapiTS from 'openapi-typescript'
import { expect, test } from 'vitest'

import { demoGateway } from './gateway'
import { stage } from './stage'

const portal = stage(demoGateway)

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

test('the document is downloaded, and a client of it is generated', async () => {
  const page = await portal.page('/docs', 'API docs')
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Download OpenAPI 3.1' }).click()])
  const text = await readFile(await download.path(), 'utf8')
  const document = JSON.parse(text) as { openapi: string; paths: Record<string, unknown> }
  expect(document.openapi).toMatch(/^3\.1/)
  expect(Object.keys(document.paths)).toContain('/v1/chat/completions')
  expect((await openapiTS(text)).length).toBeGreaterThan(0)
  // Tools that import by address are given the same.
  const address = await page.getByText(/^http:.*openapi\.json$/).innerText()
  expect(await (await fetch(address)).text()).toBe(text)
})
