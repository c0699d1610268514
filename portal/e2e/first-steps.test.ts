/** A gateway that has seen nothing yet: the page says what to do, and doing it is enough. */

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

import { expectAccessible, launch, open } from './browser'
import { startGateway } from './gateway'

test('the command that the page shows makes the first record appear', async () => {
  const gateway = await startGateway([], '')
  const browser = await launch()
  try {
    const { page, faults } = await open(browser, gateway.url)
    await page.getByRole('heading', { name: 'Waiting for your first request' }).waitFor()
    await page.getByRole('complementary', { name: 'Warning' }).getByText('The admin side is open').waitFor()
    await expectAccessible(page)
    const command = await page.locator('pre').innerText()
    expect(command).toContain(`curl ${gateway.url}/v1/chat/completions`)
    await promisify(execFile)('bash', ['-c', command])
    await page.getByRole('row').filter({ hasText: 'first-steps' }).waitFor()
    expect(faults).toEqual([])
  } finally {
    await browser.close()
    await gateway.stop()
  }
})
