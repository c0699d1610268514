/** The gateways under test: the demo, and others, each the built binary in an empty folder on a free port. */

import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { inject } from 'vitest'

export interface Gateway {
  url: string
  /** Where it runs, with its config.toml; empty for the demo. */
  folder: string
  stop: () => Promise<void>
}

const START_MS = 40_000

/** The demo that all files share. */
export function demoGateway(): Promise<Gateway> {
  return Promise.resolve({ url: inject('demo'), folder: '', stop: () => Promise.resolve() })
}

/** A provider of a gateway's config that is the demo: it answers everything, and needs no key. */
export const demoProvider = () => `[[providers]]\nid = "there"\nprovider_type = "local"\nendpoint = "${inject('demo')}"\ndefault_model = "gpt-4o-mini"\n`

/** Starts the binary with these arguments and this config.toml, and none of our environment's providers. */
export async function startGateway(args: readonly string[], config: string): Promise<Gateway> {
  const folder = await mkdtemp(join(tmpdir(), 'llm-gateway-e2e-'))
  if (config) await writeFile(join(folder, 'config.toml'), config)
  const port = await freePort()
  const child = spawn(binary(), [...args, '--port', String(port)], {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: folder, RUST_LOG: 'warn' },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => { said = (said + chunk.toString()).slice(-4_000) })
  const ended = new Promise<number | null>((done) => child.once('exit', done))
  const url = `http://127.0.0.1:${port}`
  const stop = async () => {
    child.kill('SIGTERM')
    await ended
    await rm(folder, { recursive: true, force: true })
  }
  const deadline = Date.now() + START_MS
  while (!(await answers(`${url}/health`))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await stop()
      throw new Error(`the gateway did not start: ${said}`)
    }
    await new Promise((wait) => setTimeout(wait, 100))
  }
  return { url, folder, stop }
}

/** A chat completion as a client sends it; answers the status. */
export async function chat(gateway: { url: string }, model: string, headers: Record<string, string> = {}, content = 'Hello!'): Promise<number> {
  const response = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model, messages: [{ role: 'user', content }] }),
  })
  await response.arrayBuffer()
  return response.status
}

function binary(): string {
  const target = process.env['CARGO_TARGET_DIR'] ?? resolve(import.meta.dirname, '../../target')
  const candidates = [process.env['LLM_GATEWAY_BIN'], join(target, 'debug/llm-gateway'), join(target, 'release/llm-gateway')]
  const found = candidates.find((path) => path !== undefined && existsSync(path))
  if (!found) throw new Error('no llm-gateway binary: run `cargo build` first, or set LLM_GATEWAY_BIN or GATEWAY_URL')
  return found
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok
  } catch {
    return false
  }
}

/** A port that no connection gets meanwhile, as those from 32768 on may be. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000)
    const server = createServer()
    const isFree = await new Promise<boolean>((tell) => {
      server.once('error', () => { tell(false); }).listen(port, '127.0.0.1', () => { tell(true); })
    })
    await new Promise((closed) => server.close(closed))
    if (isFree) return port
  }
}
