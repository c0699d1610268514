// Pictures of every page of the gateway at GATEWAY_URL (default: the demo's address), to be looked at: both themes, both widths.
// They go to the folder that is named (default: ../target/screenshots); names as further words choose pages.
import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'

const url = process.env.GATEWAY_URL ?? 'http://127.0.0.1:8930'
const [folder = fileURLToPath(new URL('../../target/screenshots', import.meta.url)), ...wanted] = process.argv.slice(2)
mkdirSync(folder, { recursive: true })

const newest = await (await fetch(`${url}/v1/records?limit=100`)).json()
const one = newest.data.find((row) => row.attempts > 1) ?? newest.data[0]
const incidents = await (await fetch(`${url}/v1/incidents?limit=1`)).json()

const PAGES = {
  overview: '/?t=7d',
  records: '/records?t=7d',
  record: `/records/${one?.id}`,
  incidents: '/incidents',
  ...(incidents.data[0] && { incident: `/incidents/${incidents.data[0].id}` }),
  projects: '/projects?t=7d',
  requesters: '/requesters?t=7d',
  catalog: '/catalog',
  model: '/models/demo-openai/gpt-4o',
  quality: '/quality',
  routing: '/routing?one=quality&against=economy',
  profiles: '/profiles',
  playground: '/playground',
  keys: '/keys',
  providers: '/providers',
  limits: '/limits',
  sanitizer: '/sanitizer',
  audit: '/audit',
  settings: '/settings',
  start: '/start',
  docs: '/docs',
}
const LOOKS = [
  ['light', 'light', { width: 1280, height: 900 }],
  ['dark', 'dark', { width: 1280, height: 900 }],
  ['phone', 'light', { width: 390, height: 844 }],
  ['phone-dark', 'dark', { width: 390, height: 844 }],
]

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
})
try {
  for (const [look, colorScheme, viewport] of LOOKS) {
    const context = await browser.newContext({ locale: 'en-US', timezoneId: 'UTC', viewport, colorScheme })
    const page = await context.newPage()
    for (const [name, path] of Object.entries(PAGES)) {
      if (wanted.length > 0 && !wanted.includes(name) && !wanted.includes(look)) continue
      await page.goto(url + path)
      await page.getByRole('heading', { level: 1 }).waitFor()
      await page.waitForFunction(() => !document.body.innerText.includes('Loading the '))
      await page.waitForTimeout(400)
      await page.screenshot({ path: `${folder}/${name}-${look}.png`, animations: 'disabled', fullPage: !path.startsWith('/records?') })
    }
    await context.close()
  }
  console.log(`wrote ${folder}`)
} finally {
  await browser.close()
}
