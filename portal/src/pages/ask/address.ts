/** A question as the address of the page bears it, so that back and forward go through what was asked. */

import type { Schemas } from '../../api/client'

export type Spec = Schemas['QuerySpec']
export type Answer = Schemas['AskAnswer']

/** `q` in words, or `spec` as it was understood; `after` is the spec before, which words may change. */
export interface AskSearch {
  q?: string | undefined
  spec?: string | undefined
  after?: string | undefined
}

/** Longer words are no question and no spec. */
const MAX_CHARS = 8_000

export function readAsk(search: Record<string, unknown>): AskSearch {
  return { q: words(search['q']), spec: json(search['spec']), after: json(search['after']) }
}

function words(value: unknown): string | undefined {
  const text = typeof value === 'number' ? String(value) : value
  return typeof text === 'string' && text.trim() !== '' && text.length <= MAX_CHARS ? text : undefined
}

/** The router reads JSON out of the address; it is kept as the text that it was. */
function json(value: unknown): string | undefined {
  const text = typeof value === 'object' && value !== null ? JSON.stringify(value) : value
  return typeof text === 'string' && text.startsWith('{') && text.length <= MAX_CHARS ? text : undefined
}

export function parseSpec(text: string | undefined): Spec | undefined {
  if (text === undefined) return undefined
  try {
    // The gateway checks it; a wrong one is answered with what is wrong.
    return JSON.parse(text) as Spec
  } catch {
    return undefined
  }
}
