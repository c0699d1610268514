// What a reader waits for, and what the page takes: first paint and the list of records on the demo's data, then, where DATA names
// a folder of `benches/store` (one million records), frames while scrolling and memory under a live tail of 50 records a second.
//   LLM_GATEWAY_BIN=… DATA=… TAIL_SECS=600 node scripts/bench.mjs
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { chromium } from 'playwright-core'

const binary = resolve(process.env.LLM_GATEWAY_BIN ?? '../target/release/llm-gateway')
const data = process.env.DATA
const tailSecs = Number(process.env.TAIL_SECS ?? 600)
const LOADS = 9
const SCROLL_STEPS = 600
const RECORDS_PER_SEC = 50

const wait = (ms) => new Promise((done) => setTimeout(done, ms))
const sorted = (values) => [...values].sort((a, b) => a - b)
const quantile = (values, share) => sorted(values)[Math.min(values.length - 1, Math.floor(values.length * share))]

function told(name, value, unit, most) {
  const over = value > most
  console.log(`${over ? 'OVER ' : 'ok   '} ${name}: ${value.toFixed(value < 10 ? 1 : 0)} ${unit} of ${most}`)
  if (over) process.exitCode = 1
}

async function start(args, config) {
  const folder = mkdtempSync(join(tmpdir(), 'llm-gateway-bench-'))
  if (config) writeFileSync(join(folder, 'config.toml'), config)
  const port = await new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => done(port))
    })
  })
  const child = spawn(binary, [...args, '--port', String(port)], { cwd: folder, env: { PATH: process.env.PATH, HOME: folder, RUST_LOG: 'warn' }, stdio: 'ignore' })
  const ended = new Promise((done) => child.once('exit', done))
  const url = `http://127.0.0.1:${port}`
  for (;;) {
    if (child.exitCode !== null) throw new Error('the gateway did not start')
    if (await fetch(`${url}/health`).then((answer) => answer.ok, () => false)) break
    await wait(100)
  }
  return {
    url,
    stop: async () => {
      child.kill('SIGTERM')
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function firstPaint(browser) {
  const gateway = await start(['demo'])
  const paints = []
  const lists = []
  // The first load warms the gateway, not the browser: each has a context of its own.
  for (let load = 0; load <= LOADS; load += 1) {
    const page = await (await browser.newContext({ locale: 'en-US' })).newPage()
    await page.goto(gateway.url)
    await page.getByLabel('Totals').waitFor()
    const paint = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0)
    await page.goto('about:blank')
    await page.addInitScript(() => {
      const seen = new MutationObserver(() => {
        if (!document.querySelector('[data-record]')) return
        seen.disconnect()
        // Painted, and the main thread is free again.
        requestAnimationFrame(() => setTimeout(() => { window.interactiveAt = performance.now() }))
      })
      seen.observe(document, { childList: true, subtree: true })
    })
    await page.goto(`${gateway.url}/records`)
    await page.waitForFunction(() => window.interactiveAt !== undefined)
    const list = await page.evaluate(() => window.interactiveAt)
    if (load > 0) {
      paints.push(paint)
      lists.push(list)
    }
    await page.context().close()
  }
  await gateway.stop()
  told('first contentful paint, median', quantile(paints, 0.5), 'ms', 300)
  told('records interactive, median', quantile(lists, 0.5), 'ms', 500)
}

async function scroll(page, url) {
  await page.goto(`${url}/records?t=30d`)
  await page.locator('[data-record]').first().waitFor()
  await page.mouse.move(700, 600)
  await page.evaluate(() => {
    window.frames = []
    let before = performance.now()
    const frame = (now) => {
      window.frames.push(now - before)
      before = now
      requestAnimationFrame(frame)
    }
    requestAnimationFrame(frame)
  })
  for (let step = 0; step < SCROLL_STEPS; step += 1) await page.mouse.wheel(0, 400)
  const frames = await page.evaluate(() => window.frames.slice(1))
  const known = await page.getByRole('status').filter({ hasText: /records$/ }).innerText()
  console.log(`      scrolled through ${known}: ${frames.length} frames, median ${quantile(frames, 0.5).toFixed(1)} ms, longest ${quantile(frames, 1).toFixed(0)} ms; rows in the page: ${await page.locator('[data-record]').count()}`)
  told('frames while scrolling, p95', quantile(frames, 0.95), 'ms', 33)
}

async function tail(page, url) {
  await page.goto(`${url}/records?t=1h`)
  await page.getByRole('button', { name: 'Live tail' }).click()
  await page.getByRole('status').filter({ hasText: 'Live' }).waitFor()
  const session = await page.context().newCDPSession(page)
  await session.send('Performance.enable')
  const heap = async () => {
    await session.send('HeapProfiler.collectGarbage')
    const { metrics } = await session.send('Performance.getMetrics')
    const of = (name) => metrics.find((metric) => metric.name === name).value
    return { mib: of('JSHeapUsedSize') / 2 ** 20, nodes: of('Nodes') }
  }
  let sent = 0
  const body = JSON.stringify({ model: 'bench', messages: [{ role: 'user', content: 'x' }] })
  const timer = setInterval(() => {
    sent += 1
    void fetch(`${url}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json', 'x-project': `p${sent % 40}` }, body }).then((answer) => answer.arrayBuffer(), () => {})
  }, 1000 / RECORDS_PER_SEC)
  const samples = []
  const begun = Date.now()
  const every = Math.min(30, tailSecs / 6)
  while (Date.now() - begun < tailSecs * 1000) {
    await wait(every * 1000)
    samples.push(await heap())
  }
  clearInterval(timer)
  // What the first samples hold is not full yet: the list grows to its 500 rows.
  const steady = samples.slice(Math.ceil(samples.length / 4))
  const [first, last] = [steady[0], steady.at(-1)]
  console.log(`      ${sent} records in ${tailSecs} s: heap ${samples.map(({ mib }) => mib.toFixed(1)).join(' ')} MiB, nodes ${first.nodes} to ${last.nodes}`)
  told('growth of the heap under the live tail', Math.max(0, last.mib - first.mib), 'MiB', 4)
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
})
try {
  await firstPaint(browser)
  if (data) {
    const gateway = await start([], `[storage]\npath = ${JSON.stringify(resolve(data))}\n`)
    const page = await (await browser.newContext({ locale: 'en-US', viewport: { width: 1280, height: 900 } })).newPage()
    await scroll(page, gateway.url)
    await tail(page, gateway.url)
    await gateway.stop()
  }
} finally {
  await browser.close()
}
