/** The try-out of the sanitizer. */

import { expect, test } from 'vitest'

import { demoGateway } from './gateway'
import { stage } from './stage'

const portal = stage(demoGateway)

test('the sanitizer says what it finds and what would be sent', async () => {
  const page = await portal.page('/sanitizer', 'Sanitizer')
  await page.getByLabel('Text', { exact: true }).fill('mail me: jane.doe@example.com')
  await page.getByLabel('Rules', { exact: true }).selectOption('redact everything')
  await page.getByRole('button', { name: 'Try' }).click()
  const sent = page.getByRole('region', { name: 'The text as it would be sent' })
  expect(await sent.innerText()).toBe('mail me: [REDACTED|EMAIL]')
  await page.getByLabel('Rules', { exact: true }).selectOption('block everything')
  await page.getByRole('button', { name: 'Try' }).click()
  await page.getByText('is refused with 403').waitFor()
})
