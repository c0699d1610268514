// Makes README's picture: the overview of the gateway at GATEWAY_URL (default: the demo's address), 7 days, in the light theme.
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'

const url = process.env.GATEWAY_URL ?? 'http://127.0.0.1:8930'
const path = fileURLToPath(new URL('../../docs/screenshot.png', import.meta.url))

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
})
try {
  const page = await browser.newPage({ locale: 'en-US', timezoneId: 'UTC', viewport: { width: 1280, height: 960 }, colorScheme: 'light' })
  await page.goto(`${url}/?t=7d`)
  await page.locator('canvas').waitFor()
  await page.getByRole('status').filter({ hasText: 'Live' }).waitFor()
  await page.getByRole('table').getByRole('row').nth(8).waitFor()
  await page.screenshot({ path, animations: 'disabled' })
  console.log(`wrote ${path}`)
} finally {
  await browser.close()
}
