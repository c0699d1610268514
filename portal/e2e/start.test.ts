/** Getting started: a key, a snippet of the tool that is used, and the first request. */

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { test } from 'vitest'

import { demoProvider, startGateway } from './gateway'
import { stage } from './stage'

const portal = stage(() => startGateway([], `[auth]\nrequire_key = true\n\n${demoProvider()}`))

test('a key is made on the spot, the snippet with it works as it is shown, and the page turns green', async () => {
  const page = await portal.page('/start', 'Getting started')
  await page.getByRole('heading', { name: 'Waiting for your first request' }).waitFor()
  await page.getByRole('button', { name: 'Create a key for the examples' }).click()
  await page.getByText('It stands in the examples below').waitFor()
  const command = await page.getByRole('region', { name: 'curl: what to write' }).innerText()
  await promisify(execFile)('bash', ['-c', command])
  await page.getByText('Requests arrive').waitFor()
  await page.getByLabel('Tool').selectOption('Claude Code')
  await page.getByRole('region', { name: 'Claude Code: what to write' }).getByText(`ANTHROPIC_BASE_URL=${portal.gateway.url}`).waitFor()
})
