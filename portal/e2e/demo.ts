/** One demo for all files: it starts before the first and stops after the last, unless GATEWAY_URL names one that runs. */

import type { TestProject } from 'vitest/node'

import { startGateway } from './gateway'

declare module 'vitest' {
  interface ProvidedContext {
    demo: string
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env['GATEWAY_URL']
  const gateway = given ? { url: given.replace(/\/$/, ''), folder: '', stop: () => Promise.resolve() } : await startGateway(['demo'], '')
  project.provide('demo', gateway.url)
  return gateway.stop
}
