/** The settings, and the warnings that stand over every page when something is wrong with them. */

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'

import { chat, demoProvider, startGateway, type Gateway } from './gateway'
import { stage } from './stage'

let gateway: Gateway
const portal = stage(async () => (gateway = await startGateway([], demoProvider())))

test('the settings show what is in force, and where it is kept', async () => {
  const page = await portal.page('/settings', 'Settings')
  const config = await page.getByRole('region', { name: 'The configuration in force' }).innerText()
  expect(config).toContain('[server]')
  await page.getByText('no credential is needed').waitFor()
  await page.getByRole('complementary', { name: 'Warning: open admin side' }).waitFor()
})

test('a refused change of the config file is told on every page, until one is in force', async () => {
  const file = join(gateway.folder, 'config.toml')
  const isAccepted = async () => ((await (await fetch(`${gateway.url}/v1/settings`)).json()) as { last_reload: { accepted: boolean } | null }).last_reload?.accepted
  await writeFile(file, `${demoProvider()}\n[server]\nnonsense = "<b>"\n`)
  await expect.poll(isAccepted, { timeout: 40_000 }).toBe(false)
  const page = await portal.page('/keys', 'Keys')
  const banner = page.getByRole('complementary', { name: 'Warning: config file' })
  await banner.getByRole('link', { name: 'See what is wrong with it' }).click()
  await page.getByText('was refused; what was before is still in force').waitFor()
  await page.getByText('nonsense').first().waitFor()
  await writeFile(file, `${demoProvider()}\n[limits]\nrequests_per_minute = 500\n`)
  await expect.poll(isAccepted, { timeout: 40_000 }).toBe(true)
  await page.getByText('is in force.').waitFor({ timeout: 40_000 })
  await banner.waitFor({ state: 'detached' })
})

test('a price that nobody knows is told', async () => {
  await chat(gateway, 'there/gpt-4o')
  const page = await portal.page('/', 'Overview')
  const banner = page.getByRole('complementary', { name: 'Warning: unknown price' })
  await banner.waitFor({ timeout: 40_000 })
  await banner.getByRole('link', { name: 'See the requests' }).click()
  await page.getByRole('heading', { level: 1, name: /Unknown price/ }).waitFor()
})
