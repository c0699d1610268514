/** Every page, in both themes and both widths: nothing bars the way, and nothing is wider than the window. */

import { expect, test } from 'vitest'

import { demoGateway } from './gateway'
import { expectAccessibleEverywhere, stage } from './stage'

const portal = stage(demoGateway)

const PAGES: readonly [path: string, heading: string, sign: string][] = [
  ['/records?t=7d', 'Records', '[data-record]'],
  ['/records?t=7d&not=outcome%3Dok&sort=latency_ms', 'Records', '[data-record]'],
  ['/ask', 'Ask', 'form'],
  ['/ask?q=cost%20by%20model%20last%207%20days', 'Ask', 'table'],
  ['/projects?t=7d', 'Projects', 'table'],
  ['/requesters?t=7d', 'Requesters', 'table'],
  ['/catalog', 'Catalog', 'table'],
  ['/models/demo-openai/gpt-4o', 'GPT-4o', 'table'],
  ['/keys', 'Keys', 'table'],
  ['/providers', 'Providers', 'table'],
  ['/incidents', 'Incidents', '#main section'],
  ['/quality', 'Quality', 'form'],
  ['/limits', 'Limits and budgets', '#main section'],
  ['/routing?one=quality&against=economy', 'Routing', 'text=Side by side'],
  ['/profiles', 'Profiles', 'table'],
  ['/settings', 'Settings', 'pre'],
  ['/sanitizer', 'Sanitizer', 'table'],
  ['/playground', 'Playground', 'form'],
  ['/audit', 'Audit log', '#main section'],
  ['/start', 'Getting started', 'pre'],
  ['/docs', 'API docs', 'details'],
]

for (const [path, heading, sign] of PAGES) {
  test(`nothing bars the way: ${path}`, async () => {
    const page = await portal.page(path, heading)
    await expectAccessibleEverywhere(page, async () => {
      await page.locator(sign).first().waitFor()
      await expect.poll(() => page.getByText(/^Loading the/).count(), { timeout: 15_000 }).toBe(0)
    })
  })
}

test('nothing bars the way: one record', async () => {
  const page = await portal.page('/records?t=7d', 'Records')
  await page.locator('[data-record]').first().click()
  await page.getByRole('heading', { level: 1, name: 'Record', exact: true }).waitFor()
  await expectAccessibleEverywhere(page, async () => {
    await page.getByRole('heading', { name: 'Calls to providers' }).waitFor()
    await expect.poll(() => page.getByText(/^Loading the/).count(), { timeout: 15_000 }).toBe(0)
  })
})

test('nothing bars the way: the windows that open over a page', async () => {
  const page = await portal.page('/records', 'Records')
  for (const [open, title] of [['Views', 'Views of the records'], ['Add filter', 'Add filter'], ['Other…', 'From when to when']] as const) {
    await page.getByRole('button', { name: open }).click()
    const dialog = page.getByRole('dialog', { name: title })
    await expectAccessibleEverywhere(page, () => dialog.waitFor())
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
  }
})
