/** SECURITY bar 11: a page of another origin, in the browser of the admin, changes nothing. */

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'

import { launch } from './browser'
import { startGateway, type Gateway } from './gateway'

const state = async (gateway: Gateway) => {
  const read = async (path: string) => (await fetch(gateway.url + path)).json() as Promise<unknown>
  return JSON.stringify([await read('/v1/keys'), await read('/v1/providers')])
}

test('a page of another origin changes nothing on the admin side', async () => {
  const gateway = await startGateway([], '')
  const stranger = createServer((_, response) => {
    response.setHeader('content-type', 'text/html')
    response.end('<!doctype html><title>Win a prize</title>')
  })
  await new Promise<void>((ready) => stranger.listen(0, '127.0.0.1', ready))
  const { port } = stranger.address() as AddressInfo
  const browser = await launch()
  try {
    const before = await state(gateway)
    // The same machine by two names: neither is the portal's origin, one is even the same site.
    for (const host of ['127.0.0.1', 'localhost']) {
      const lure = `http://${host}:${port}/`
      const page = await browser.newPage()
      await page.goto(lure)
      await page.evaluate(attack, gateway.url)
      await page.close()
      for (const [path, body] of [['/v1/keys', '{"label":"form"}'], ['/v1/providers', '{"id":"form","provider_type":"local"}']] as const) {
        const form = await browser.newPage()
        await form.goto(lure)
        const answered = form.waitForResponse(gateway.url + path)
        await form.evaluate(submitForm, { action: gateway.url + path, body })
        await answered
        await form.close()
      }
    }
    expect(await state(gateway)).toBe(before)
    // The same call by someone without a browser's origin works, so the test would see a change.
    const made = await fetch(`${gateway.url}/v1/keys`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"label":"by hand"}' })
    expect(made.ok).toBe(true)
    expect(await state(gateway)).not.toBe(before)
  } finally {
    await browser.close()
    stranger.close()
    await gateway.stop()
  }
})

/** Everything that a script may send to another origin. Runs in the stranger's page. */
async function attack(target: string): Promise<void> {
  const bodies = { '/v1/keys': '{"label":"stolen"}', '/v1/providers': '{"id":"evil","provider_type":"local","endpoint":"http://127.0.0.1:9"}' }
  const tries: Promise<unknown>[] = []
  for (const [path, body] of Object.entries(bodies)) {
    for (const mode of ['cors', 'no-cors'] as const) {
      for (const type of ['application/json', 'text/plain', 'application/x-www-form-urlencoded']) {
        tries.push(fetch(target + path, { method: 'POST', mode, credentials: 'include', headers: { 'content-type': type }, body }))
      }
    }
    tries.push(fetch(`${target}${path}/x`, { method: 'DELETE', credentials: 'include' }))
    navigator.sendBeacon(target + path, new Blob([body], { type: 'text/plain' }))
    const image = new Image()
    image.src = `${target}${path}?label=stolen`
    tries.push(new Promise((done) => { image.onerror = image.onload = done }))
  }
  const socket = new WebSocket(`${target.replace('http', 'ws')}/v1/keys`)
  tries.push(new Promise((done) => { socket.onerror = socket.onopen = done }))
  await Promise.allSettled(tries)
}

/** A form whose text/plain body happens to be JSON. Runs in the stranger's page. */
function submitForm({ action, body }: { action: string; body: string }): void {
  const form = document.createElement('form')
  form.method = 'POST'
  form.enctype = 'text/plain'
  form.action = action
  const field = document.createElement('input')
  field.name = body.slice(0, -1) + ',"x":"'
  field.value = '"}'
  form.append(field)
  document.body.append(form)
  form.submit()
}
