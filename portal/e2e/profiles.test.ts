/** Profiles: what requests value when the gateway chooses. */

import { expect, test } from 'vitest'

import { chat, demoGateway } from './gateway'
import { stage } from './stage'

const portal = stage(demoGateway)

test('a profile is made, picks, is edited and deleted', async () => {
  const page = await portal.page('/profiles', 'Profiles')
  const id = `e2e-${process.pid}`
  await page.getByRole('button', { name: 'New profile' }).click()
  await page.getByLabel('Name').fill(id)
  await page.getByLabel('quality').fill('0')
  await page.getByLabel('price').fill('9')
  await page.getByRole('button', { name: 'Save' }).click()
  const row = page.getByRole('row').filter({ hasText: id })
  await row.getByText(/demo-/).waitFor()
  expect(await chat(portal.gateway, `auto:${id}`)).toBe(200)
  await row.getByRole('button', { name: 'Delete' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click()
  await row.waitFor({ state: 'detached' })
})

test('two profiles are compared over the same request', async () => {
  const page = await portal.page('/profiles', 'Profiles')
  await page.getByLabel('Profile', { exact: true }).selectOption('quality')
  await page.getByLabel('and', { exact: true }).selectOption('economy')
  await page.getByRole('button', { name: 'Compare' }).click()
  const table = page.getByRole('table', { name: 'Two decisions, target by target' })
  await table.getByText('tried as number 1').first().waitFor()
  expect(await table.getByRole('columnheader').allInnerTexts()).toEqual(['Target', 'quality', 'Score, quality', 'economy', 'Score, economy'])
  expect(await page.getByText('tried as number 1', { exact: false }).count()).toBeGreaterThan(1)
})
