/** A gateway with an admin password: the portal is closed until it is typed. */

import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { expectAccessible, launch, open } from './browser'
import { startGateway, type Gateway } from './gateway'

const PASSWORD = 'e2e-not-a-secret'

let gateway: Gateway
let browser: Browser

beforeAll(async () => {
  gateway = await startGateway([], `[auth]\nadmin_password = "${PASSWORD}"\n`)
  browser = await launch()
})

afterAll(async () => {
  await browser.close()
  await gateway.stop()
})

test('nobody sees anything before signing in, nor after signing out', async () => {
  const { page, faults } = await open(browser, gateway.url)
  const field = page.getByLabel('Admin password or token')
  await field.waitFor()
  expect(await page.getByText('The admin side is open').count()).toBe(0)
  await expectAccessible(page)

  await field.fill('wrong')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('alert').filter({ hasText: 'Not signed in' }).waitFor()

  await field.fill(PASSWORD)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { name: 'Waiting for your first request' }).waitFor()
  await page.reload()
  await page.getByRole('heading', { name: 'Waiting for your first request' }).waitFor()

  await page.getByRole('button', { name: 'Sign out' }).click()
  await field.waitFor()
  await page.reload()
  await field.waitFor()
  // The browser itself reports the refused password; nothing else may be there.
  expect(faults.filter((fault) => !fault.includes('401'))).toEqual([])
})
