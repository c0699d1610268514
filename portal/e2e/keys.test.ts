/** A key's life: made, used, seen at work, rotated, revoked. */

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

import { chat, demoProvider, startGateway } from './gateway'
import { stage } from './stage'

const portal = stage(() => startGateway([], `[auth]\nrequire_key = true\n\n${demoProvider()}`))
const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` })

test('a key is made and used with curl, the record arrives live, and after its revocation the next call is refused', async () => {
  const page = await portal.page('/keys', 'Keys')
  await page.getByRole('button', { name: 'Create key' }).click()
  await page.getByLabel('Label').fill('Live <i>key</i>')
  await page.getByLabel('Project').fill('live')
  await page.getByRole('button', { name: 'Create', exact: true }).click()
  const command = await page.getByRole('region', { name: 'A request with this key' }).innerText()
  await page.getByRole('button', { name: 'I have stored it' }).click()

  const tail = await portal.page('/records?project=live', 'Records')
  await tail.getByRole('button', { name: 'Live tail' }).click()
  await tail.getByRole('status').filter({ hasText: 'Live' }).waitFor()
  const run = async () => (await promisify(execFile)('bash', ['-c', `${command} -s -o /dev/null -w '%{http_code}'`])).stdout
  expect(await run()).toBe('200')
  await tail.getByRole('table').getByText('200 ok').waitFor()

  const row = page.getByRole('row').filter({ hasText: 'Live <i>key</i>' })
  await row.getByRole('button', { name: 'Revoke' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke', exact: true }).click()
  await row.getByText('revoked').waitFor()
  expect(await run()).toBe('401')
})

test('limits and budgets of a key are stated, shown with what is used, and changed', async () => {
  const page = await portal.page('/keys', 'Keys')
  await page.getByRole('button', { name: 'Create key' }).click()
  await page.getByLabel('Label').fill('Bounded')
  await page.getByLabel('requests per minute').fill('7')
  await page.getByRole('button', { name: 'Add budget' }).click()
  await page.getByLabel('US dollars').fill('12.5')
  await page.getByLabel('a', { exact: true }).selectOption('week')
  await page.getByRole('button', { name: 'Create', exact: true }).click()
  await page.getByRole('button', { name: 'I have stored it' }).click()
  const row = page.getByRole('row').filter({ hasText: 'Bounded' })
  await row.getByText('7 requests per minute').waitFor()
  await row.getByText('$12.50 a week').waitFor()
  await row.getByRole('button', { name: 'Edit' }).click()
  expect(await page.getByLabel('requests per minute').inputValue()).toBe('7')
  await page.getByRole('button', { name: 'Remove budget' }).click()
  await page.getByLabel('requests per minute').fill('')
  await page.getByRole('button', { name: 'Save' }).click()
  await row.getByText('$12.50 a week').waitFor({ state: 'detached' })
  expect(await row.getByText('7 requests per minute').count()).toBe(0)
})

test('a key is made, its secret shown once, its calls are recorded, and after its revocation it is refused', async () => {
  const page = await portal.page('/keys', 'Keys')
  await page.getByRole('button', { name: 'Create key' }).click()
  await page.getByLabel('Label').fill('Shop <b>front</b>')
  await page.getByLabel('Project').fill('shop')
  await page.getByRole('button', { name: 'Create', exact: true }).click()
  const secret = (await page.getByRole('region', { name: 'The key’s secret' }).innerText()).trim()
  // Escape does not lose it.
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'I have stored it' }).click()
  expect(await page.content()).not.toContain(secret)

  expect(await chat(portal.gateway, 'gpt-4o-mini', bearer(secret))).toBe(200)
  await page.goto(`${portal.gateway.url}/records?project=shop`)
  await page.locator('[data-record]').first().waitFor()

  await page.goto(`${portal.gateway.url}/keys`)
  const row = page.getByRole('row').filter({ hasText: 'Shop <b>front</b>' })
  await row.getByRole('button', { name: 'Rotate' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Rotate', exact: true }).click()
  const next = (await page.getByRole('region', { name: 'The key’s secret' }).innerText()).trim()
  await page.getByRole('button', { name: 'I have stored it' }).click()
  expect(next).not.toBe(secret)
  expect(await chat(portal.gateway, 'gpt-4o-mini', bearer(secret))).toBe(401)
  expect(await chat(portal.gateway, 'gpt-4o-mini', bearer(next))).toBe(200)

  await row.getByRole('button', { name: 'Revoke' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke', exact: true }).click()
  await row.getByText('revoked').waitFor()
  expect(await chat(portal.gateway, 'gpt-4o-mini', bearer(next))).toBe(401)

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
