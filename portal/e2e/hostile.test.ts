/**
 * What an attacker can write, he writes: prompts, names of models, tags, names of keys, projects and requesters, errors of
 * providers and of streams, notes. On every page that shows any of it, it stays text: no script runs, no element appears,
 * no other host is asked, and the content policy has nothing to refuse.
 */

import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Page } from 'playwright-core'
import { afterAll, expect, test } from 'vitest'

import { startGateway, type Gateway } from './gateway'
import { HOSTILE } from './hostile'
import { stage } from './stage'

const SAMPLE = '<img src=x onerror=owned()>'
/** What nothing but a page's own code may put there. */
const FOREIGN = '#main :is(script, img, iframe, object, embed, style, link, base, meta, b, marquee, video, audio, math, template, image)'

let upstream: Server | undefined
afterAll(() => upstream?.close())

const portal = stage(async () => {
  upstream = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => (text += chunk.toString()))
    request.on('end', () => { answer(request.url ?? '', text, response) })
  })
  await new Promise<void>((ready) => upstream?.listen(0, '127.0.0.1', ready))
  const { port } = upstream.address() as AddressInfo
  const gateway = await startGateway(
    [],
    `[[providers]]\nid = "hostile"\nprovider_type = "local"\nendpoint = "http://127.0.0.1:${port}"\ndefault_model = "m"\n\n[routing]\nretries = 0\n\n[limits.per_project]\nrequests_per_minute = 1000\n\n[[budgets]]\nname = "each"\nscope = "project"\nlimit_usd = 5\nperiod = "day"\n`,
  )
  await write(gateway)
  return gateway
})

/** A provider that answers with hostile words: in text, in errors, in the middle of a stream, and as names of models. */
function answer(path: string, text: string, response: import('node:http').ServerResponse): void {
  const json = (status: number, body: unknown) => { response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body)) }
  if (path.endsWith('/models')) {
    json(200, { object: 'list', data: HOSTILE.map((id) => ({ id, object: 'model' })) })
    return
  }
  const asked = JSON.parse(text === '' ? '{}' : text) as { stream?: boolean; messages?: { content: string }[] }
  const word = asked.messages?.at(-1)?.content ?? SAMPLE
  const place = HOSTILE.indexOf(word)
  if (asked.stream) {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(`data: ${JSON.stringify({ id: word, object: 'chat.completion.chunk', model: word, choices: [{ index: 0, delta: { role: 'assistant', content: word } }] })}\n\n`)
    response.end(`data: ${JSON.stringify({ error: { message: word, type: word, code: word } })}\n\n`)
  } else if (place % 2 === 0) json(place % 4 === 0 ? 500 : 404, { error: { message: word, type: word, code: word } })
  else json(200, { id: word, object: 'chat.completion', model: word, choices: [{ index: 0, message: { role: 'assistant', content: word }, finish_reason: word }], usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 } })
}

async function write(gateway: Gateway): Promise<void> {
  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    fetch(gateway.url + path, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) }).then((response) => response.text())
  for (const [number, word] of HOSTILE.entries()) {
    const label = word.replace(/[^\x20-\x7e]/g, '')
    const headers = { 'x-project': label, 'x-source': label, 'x-session-id': label, 'x-tags': `k=${label.replace(/[,=]/g, ' ')}` }
    await post('/v1/chat/completions', { model: number % 3 === 0 ? `hostile/${word}` : word, messages: [{ role: 'user', content: word }], stream: number % 5 === 0 }, headers)
    await post('/v1/keys', { label: word, team: word, metadata: { note: word } })
    await post('/v1/signals', { model: word, kind: 'e2e', score: 0.5, comment: word })
  }
}

const expectInert = async (page: Page) => {
  expect(await page.locator(FOREIGN).count()).toBe(0)
  expect(new URL(page.url()).origin).toBe(portal.gateway.url)
}

// Where the words must be seen, so that the test sees what it is about.
const PAGES: readonly [path: string, heading: string, sees: string | null][] = [
  ['/', 'Overview', SAMPLE],
  ['/records', 'Records', SAMPLE],
  ['/records?sort=latency_ms', 'Records', SAMPLE],
  ['/projects', 'Projects', SAMPLE],
  ['/requesters', 'Requesters', SAMPLE],
  ['/keys', 'Keys', SAMPLE],
  ['/quality', 'Quality', SAMPLE],
  ['/limits', 'Limits and budgets', SAMPLE],
  ['/audit', 'Audit log', null],
  ['/incidents', 'Incidents', null],
  ['/catalog', 'Catalog', null],
  ['/routing', 'Routing', null],
  ['/profiles', 'Profiles', null],
  ['/providers', 'Providers', null],
  ['/settings', 'Settings', null],
  ['/sanitizer', 'Sanitizer', null],
  ['/playground', 'Playground', null],
  ['/start', 'Getting started', null],
  ['/docs', 'API docs', null],
]

for (const [path, heading, sees] of PAGES) {
  test(`hostile words stay words: ${path}`, async () => {
    const page = await portal.page(path, heading)
    await expect.poll(() => page.getByText(/^Loading the/).count(), { timeout: 15_000 }).toBe(0)
    if (sees !== null) await expect.poll(() => page.locator('#main').innerText(), { timeout: 15_000 }).toContain(sees)
    await expectInert(page)
  })
}

test('hostile words stay words: in the address, as filters and as what must not be', async () => {
  const names = ['project', 'source', 'team', 'key_id', 'provider', 'model', 'profile', 'session_id', 'model_requested', 'finding_kind', 'sort', 't'] as const
  const page = await portal.page('/', 'Overview')
  for (let first = 0; first < HOSTILE.length; first += names.length) {
    const words = HOSTILE.slice(first, first + names.length)
    const search = new URLSearchParams(words.map((word, place) => [names[place] ?? 'project', word]))
    search.set('not', new URLSearchParams(words.map((word) => ['outcome', word])).toString())
    await page.goto(`${portal.gateway.url}/records?${search.toString()}`)
    await page.getByRole('list', { name: 'Filters' }).getByText(words[0] ?? '').first().waitFor()
    await page.getByRole('heading', { level: 1, name: 'Records' }).waitFor()
    await expectInert(page)
  }
})

test('hostile words stay words: every record, its route, and what is decided again', async () => {
  const { data } = (await (await fetch(`${portal.gateway.url}/v1/records?limit=100`)).json()) as { data: { id: string; provider: string | null }[] }
  const page = await portal.page('/', 'Overview')
  for (const [place, { id, provider }] of data.entries()) {
    await page.goto(`${portal.gateway.url}/records/${id}`)
    await page.getByRole('heading', { name: 'Calls to providers' }).waitFor()
    await expectInert(page)
    if (provider === null || place % 5 !== 0) continue
    await page.goto(`${portal.gateway.url}/routing?record=${id}`)
    await page.getByRole('table', { name: 'Two decisions, target by target' }).waitFor()
    await expectInert(page)
  }
})

test('hostile words stay words: incidents and their notes', async () => {
  const { data } = (await (await fetch(`${portal.gateway.url}/v1/incidents`)).json()) as { data: { id: string }[] }
  expect(data.length).toBeGreaterThan(0)
  const page = await portal.page('/incidents', 'Incidents')
  const note = HOSTILE.join('\n').replaceAll('\u0000', '').slice(0, 1_900)
  for (const { id } of data) {
    const noted = await fetch(`${portal.gateway.url}/v1/incidents/${id}`, { method: 'PATCH', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ note }) })
    expect(noted.status, await noted.text()).toBe(200)
    await page.goto(`${portal.gateway.url}/incidents/${id}`)
    await page.getByRole('heading', { name: 'Notice' }).waitFor()
    expect(await page.getByLabel('Note').inputValue()).toContain(SAMPLE)
    await expectInert(page)
  }
})

test('hostile words stay words: what a model says, its errors in the middle of a stream, and a test of its provider', async () => {
  const page = await portal.page('/playground', 'Playground')
  for (const word of HOSTILE) {
    if (word.includes('\u0000')) continue
    await page.getByLabel('Message').fill(word)
    await page.getByRole('button', { name: 'Send' }).click()
    const said = page.getByRole('region', { name: 'default' }).locator('[aria-live]')
    await expect.poll(() => said.innerText()).toBe(word)
    await page.getByRole('alert').filter({ hasText: /\S/ }).first().waitFor()
    await expectInert(page)
  }
  const providers = await portal.page('/providers', 'Providers')
  await providers.getByRole('button', { name: 'Test hostile' }).click()
  await providers.getByRole('status').filter({ hasText: /after/ }).waitFor()
  await expectInert(providers)
})

test('hostile words stay words: what the sanitizer is tried with, and what the palette is asked', async () => {
  const page = await portal.page('/sanitizer', 'Sanitizer')
  await page.getByLabel('Text', { exact: true }).fill(`${HOSTILE.join('\n').replaceAll('\u0000', '')} jane.doe@example.com`)
  await page.getByLabel('Rules', { exact: true }).selectOption('redact everything')
  await page.getByRole('button', { name: 'Try' }).click()
  await page.getByRole('region', { name: 'The text as it would be sent' }).getByText(SAMPLE).waitFor()
  await expectInert(page)
  await page.keyboard.press('Control+k')
  const field = page.getByRole('dialog', { name: 'Go to' }).getByRole('combobox')
  for (const word of HOSTILE.slice(0, 10)) await field.fill(word)
  await expectInert(page)
})
