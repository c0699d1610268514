/** A form for one call of the API; it is sent as this page, with the reader's own session. */

import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'

import type { Operation } from '../../api/openapi'
import { duration } from '../../format'
import { Button } from '../../ui/Button'
import { Copy } from '../../ui/Copy'
import { Area, Field, FormError } from '../../ui/Field'
import { Code } from '../../ui/Page'

/** Longer answers are cut: an export can be of any length. */
const MAX_SHOWN_CHARS = 20_000

export function TryIt({ operation }: { operation: Operation }) {
  const [values, setValues] = useState<Readonly<Record<string, string>>>({})
  const [body, setBody] = useState(operation.body?.example ?? '')
  const call = useMutation({ mutationFn: () => send(operation, values, body) })
  return (
    <details className="mt-3">
      <summary className="cursor-pointer text-sm font-medium">Try it</summary>
      <form className="mt-2 grid max-w-xl gap-2" onSubmit={(event) => { event.preventDefault(); call.mutate() }}>
        {operation.parameters.map(({ name, where, isRequired }) => (
          <Field
            key={`${where} ${name}`}
            label={`${name} (${where})`}
            required={isRequired}
            value={values[name] ?? ''}
            onChange={(event) => { setValues({ ...values, [name]: event.target.value }) }}
          />
        ))}
        {operation.body && <Area label="Body" rows={8} value={body} onChange={(event) => { setBody(event.target.value) }} />}
        <div className="flex items-center gap-2">
          <Button type="submit" disabled={call.isPending}>Send</Button>
          <Copy text={curl(operation, values, body)} />
        </div>
      </form>
      <FormError error={call.error} />
      {call.data && (
        <div role="status" className="text-sm">
          <p className="mt-2"><strong>{call.data.status}</strong> <span className="text-muted">after {duration(call.data.ms)}</span></p>
          <Code label="The answer" text={call.data.text} />
        </div>
      )}
    </details>
  )
}

async function send(operation: Operation, values: Readonly<Record<string, string>>, body: string) {
  const begun = performance.now()
  const response = await fetch(addressOf(operation, values), {
    method: operation.method,
    headers: { ...(operation.body && { 'content-type': 'application/json' }), ...headersOf(operation, values) },
    ...(operation.body && { body }),
  })
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') ?? false
  // A live stream has no end: its beginning is enough.
  const text = isStream ? await beginning(response) : await response.text()
  return { status: response.status, ms: performance.now() - begun, text: pretty(text).slice(0, MAX_SHOWN_CHARS) }
}

async function beginning(response: Response): Promise<string> {
  const reader = response.body?.getReader()
  const first = await Promise.race([reader?.read(), new Promise<undefined>((done) => { setTimeout(done, 2_000) })])
  await reader?.cancel()
  return first?.value === undefined ? '' : new TextDecoder().decode(first.value)
}

function addressOf({ path, parameters }: Operation, values: Readonly<Record<string, string>>): string {
  const filled = parameters.filter(({ where }) => where === 'path').reduce((at, { name }) => at.replace(`{${name}}`, encodeURIComponent(values[name] ?? '')), path)
  const query = new URLSearchParams(parameters.filter(({ name, where }) => where === 'query' && (values[name] ?? '') !== '').map(({ name }) => [name, values[name] ?? '']))
  return query.size === 0 ? filled : `${filled}?${query.toString()}`
}

function headersOf({ parameters }: Operation, values: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(parameters.filter(({ name, where }) => where === 'header' && (values[name] ?? '') !== '').map(({ name }) => [name, values[name] ?? '']))
}

function curl(operation: Operation, values: Readonly<Record<string, string>>, body: string): string {
  const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`
  const headers = Object.entries(headersOf(operation, values)).map(([name, value]) => ` -H ${quoted(`${name}: ${value}`)}`)
  const data = operation.body ? ` -H 'content-type: application/json' -d ${quoted(body)}` : ''
  return `curl -X ${operation.method} ${quoted(window.location.origin + addressOf(operation, values))}${headers.join('')}${data}`
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}
