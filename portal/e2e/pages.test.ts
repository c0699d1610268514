/** Every page, in both themes and both widths: nothing bars the way, and words from outside stay words. */

import { expect, test } from 'vitest'

import { expectAccessible } from './browser'
import { chat, demoGateway } from './gateway'
import { HOSTILE } from './hostile'
import { LOOKS, stage } from './stage'

const portal = stage(demoGateway)

const PAGES: readonly [path: string, heading: string, sign: string][] = [
  ['/records?t=7d', 'Records', 'table'],
  ['/ask', 'Ask', 'form'],
  ['/ask?q=cost%20by%20model%20last%207%20days', 'Ask', 'table'],
  ['/projects?t=7d', 'Projects', 'table'],
  ['/requesters?t=7d', 'Requesters', 'table'],
  ['/catalog', 'Catalog', 'table'],
  ['/keys', 'Keys', 'table'],
  ['/providers', 'Providers', 'table'],
  ['/incidents', 'Incidents', '#main section'],
  ['/quality', 'Quality', 'form'],
  ['/limits', 'Limits and budgets', '#main section'],
  ['/routing', 'Routing', 'form'],
  ['/profiles', 'Profiles', 'table'],
  ['/settings', 'Settings', 'pre'],
  ['/sanitizer', 'Sanitizer', 'table'],
  ['/playground', 'Playground', 'form'],
  ['/audit', 'Audit log', '#main section'],
  ['/start', 'Getting started', 'pre'],
  ['/docs', 'API docs', 'details'],
]

for (const [path, heading, sign] of PAGES) {
  for (const { name, ...look } of LOOKS) {
    test(`nothing bars the way: ${heading}, ${name}`, async () => {
      const page = await portal.page(path, heading, look)
      await page.locator(sign).first().waitFor()
      await expectAccessible(page)
    })
  }
}

for (const { name, ...look } of LOOKS) {
  test(`nothing bars the way: one record and one model, ${name}`, async () => {
    const page = await portal.page('/records?t=7d', 'Records', look)
    await page.getByRole('table').getByRole('link').first().click()
    await page.getByRole('heading', { level: 1, name: 'Record', exact: true }).waitFor()
    await page.getByRole('heading', { name: 'Calls to providers' }).waitFor()
    await expectAccessible(page)
    await page.goto(`${portal.gateway.url}/models/demo-openai/gpt-4o`)
    await page.getByRole('heading', { name: 'Prices, US dollars for a million tokens' }).waitFor()
    await expectAccessible(page)
  })
}

test('hostile words stay words on every page that shows them', async () => {
  for (const model of HOSTILE) {
    const label = model.replace(/[^\x20-\x7e]/g, '')
    await chat(portal.gateway, model, { 'x-project': label, 'x-source': label, 'x-session-id': label })
  }
  for (const [path, heading] of [['/records', 'Records'], ['/projects', 'Projects'], ['/requesters', 'Requesters']] as const) {
    const page = await portal.page(path, heading)
    await page.getByText('<img src=x onerror=owned()>').first().waitFor()
    expect(await page.locator('main :is(script, img, iframe, object, embed, svg, style, base, meta, b)').count()).toBe(0)
  }
  const page = await portal.page(`/records?project=${encodeURIComponent('<img src=x onerror=owned()>')}`, 'Records')
  await page.getByRole('table').getByRole('link').first().click()
  await page.getByRole('heading', { name: 'Calls to providers' }).waitFor()
  expect(await page.locator('main :is(script, img, iframe, object, embed, svg, style, form, base, meta, b)').count()).toBe(0)
})
