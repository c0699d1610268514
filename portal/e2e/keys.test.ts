/** A key's life: made, used, seen at work, rotated, revoked. */

import { expect, test } from 'vitest'

import { chat, startGateway } from './gateway'
import { stage } from './stage'

// The key is required, so that a revoked one is refused; a provider is not needed to see that.
const portal = stage(() => startGateway([], '[auth]\nrequire_key = true\n'))
const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` })

test('a key is made, its secret shown once, its calls are recorded, and after its revocation it is refused', async () => {
  const page = await portal.page('/keys', 'Keys')
  await page.getByText('There is no key yet').waitFor()
  await page.getByRole('button', { name: 'Create key' }).click()
  await page.getByLabel('Label').fill('Shop <b>front</b>')
  await page.getByLabel('Project').fill('shop')
  await page.getByRole('button', { name: 'Create', exact: true }).click()
  const secret = (await page.getByRole('region', { name: 'The key’s secret' }).innerText()).trim()
  // Escape does not lose it.
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'I have stored it' }).click()
  expect(await page.content()).not.toContain(secret)

  expect(await chat(portal.gateway, 'x', bearer(secret))).toBe(503)
  await page.goto(`${portal.gateway.url}/records?project=shop`)
  await page.locator('[data-record]').first().waitFor()

  await page.goto(`${portal.gateway.url}/keys`)
  const row = page.getByRole('row').filter({ hasText: 'Shop <b>front</b>' })
  await row.getByRole('button', { name: 'Rotate' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Rotate', exact: true }).click()
  const next = (await page.getByRole('region', { name: 'The key’s secret' }).innerText()).trim()
  await page.getByRole('button', { name: 'I have stored it' }).click()
  expect(next).not.toBe(secret)
  expect(await chat(portal.gateway, 'x', bearer(secret))).toBe(401)
  expect(await chat(portal.gateway, 'x', bearer(next))).toBe(503)

  await row.getByRole('button', { name: 'Revoke' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke', exact: true }).click()
  await row.getByText('revoked').waitFor()
  expect(await chat(portal.gateway, 'x', bearer(next))).toBe(401)

  // All of it is in the log, and the secret is not.
  await page.goto(`${portal.gateway.url}/audit`)
  await page.getByRole('table').getByRole('row').nth(3).waitFor()
  const log = await page.getByRole('table').innerText()
  expect(log).not.toContain(secret)
  expect(log).not.toContain(next)
})

test('what is wrong with a key is said where it is made', async () => {
  const page = await portal.page('/keys', 'Keys')
  await page.getByRole('button', { name: 'Create key' }).click()
  await page.getByLabel('Label').fill('Old')
  await page.getByLabel('Expires').fill('2020-01-01T00:00')
  portal.expectFault(/status of 400 .*\/v1\/keys/)
  const refused = page.waitForResponse((response) => response.url().endsWith('/v1/keys') && response.status() === 400)
  await page.getByRole('button', { name: 'Create', exact: true }).click()
  await refused
  await page.getByRole('alert').filter({ hasText: 'expires_at' }).waitFor()
})
