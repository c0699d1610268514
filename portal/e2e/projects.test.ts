/** Projects and requesters: who was seen, and who is at work right now. */

import { expect, test } from 'vitest'

import { chat, demoGateway } from './gateway'
import { stage } from './stage'

const portal = stage(demoGateway)

for (const [title, header, filter] of [['Projects', 'x-project', 'project'], ['Requesters', 'x-source', 'source']] as const) {
  test(`${title} that are at work now are told apart, and each number leads to its records`, async () => {
    const name = `e2e ${title} ${process.pid}`
    await chat(portal.gateway, 'default', { [header]: name })
    const page = await portal.page(`/${title.toLowerCase()}`, title)
    await page.getByLabel('Active').selectOption('in the last 5 minutes')
    const row = page.getByRole('row').filter({ hasText: name })
    await row.waitFor()
    await row.getByRole('link', { name: '1', exact: true }).click()
    await page.waitForURL((url) => url.pathname === '/records' && url.searchParams.get(filter) === name)
    await page.locator('[data-record]').first().waitFor()
    expect(await page.locator('[data-record]').count()).toBe(1)
  })
}
