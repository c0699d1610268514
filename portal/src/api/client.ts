/** The one door to the API, typed by the OpenAPI document. It turns every failure into an `ApiError`. */

import createClient from 'openapi-fetch'

import type { components, paths } from './schema.gen'

export type Schemas = components['schemas']

export const api = createClient<paths>({
  baseUrl: window.location.origin,
  // Ids of models hold slashes, which the gateway takes as they are and not as %2F.
  pathSerializer: (path, values) =>
    path.replace(/\{([^}]+)\}/g, (_, name: string) => encodeURIComponent(String(values[name])).replaceAll('%2F', '/')),
})

/** What went wrong, and what a page needs to know to say what to do. */
export class ApiError extends Error {
  override readonly name = 'ApiError'

  constructor(
    message: string,
    /** The HTTP status; `null` when no answer came at all. */
    readonly status: number | null,
  ) {
    super(message)
  }

  get isUnauthenticated(): boolean {
    return this.status === 401
  }
}

interface Answer<T> {
  data?: T
  error?: unknown
  response: Response
}

/** The JSON of a successful answer; the text forms of an export are for downloads. */
export async function read<T>(call: Promise<Answer<T>>): Promise<Exclude<NonNullable<T>, string>> {
  const { data, error, response } = await settle(call)
  if (!response.ok || data == null || !isJson(data)) throw new ApiError(messageOf(error) ?? `HTTP ${response.status}`, response.status)
  return data
}

/** Waits for an answer that has no body. */
export async function done(call: Promise<Answer<unknown>>): Promise<void> {
  const { error, response } = await settle(call)
  if (!response.ok) throw new ApiError(messageOf(error) ?? `HTTP ${response.status}`, response.status)
}

async function settle<T>(call: Promise<Answer<T>>): Promise<Answer<T>> {
  try {
    return await call
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause
    throw new ApiError('the gateway does not answer', null)
  }
}

function isJson<T>(data: T): data is Exclude<T, string> {
  return typeof data !== 'string'
}

function messageOf(error: unknown): string | null {
  if (typeof error !== 'object' || error === null || !('error' in error)) return null
  const detail = error.error
  if (typeof detail !== 'object' || detail === null || !('message' in detail)) return null
  return typeof detail.message === 'string' ? detail.message : null
}
