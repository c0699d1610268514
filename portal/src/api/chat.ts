/** A streamed chat completion through the gateway's own front door, so that it is recorded and priced like any other. */

export interface Asked {
  model: string
  system: string
  prompt: string
  /** Tools as the API takes them, as JSON text; empty for none. */
  tools: string
  virtualKey: string
}

export interface ToolCall {
  name: string
  /** JSON text, as far as it has come. */
  arguments: string
}

interface Listener {
  signal: AbortSignal
  /** The answer has begun; its record's id, when the gateway told it. */
  onHead: (record: string | null) => void
  onText: (delta: string) => void
  onTools: (calls: readonly ToolCall[]) => void
}

/** The body that is sent. Throws when the tools are no list in JSON. */
export function bodyOf({ model, system, prompt, tools }: Asked): Record<string, unknown> {
  const messages = [...(system === '' ? [] : [{ role: 'system', content: system }]), { role: 'user', content: prompt }]
  const list = tools.trim() === '' ? undefined : parse(tools)
  if (list !== undefined && !Array.isArray(list)) throw new Error('The tools are not a list in JSON.')
  return { model, messages, ...(list !== undefined && { tools: list as unknown[] }), stream: true }
}

/** Resolves when the stream is over; rejects with what the API said. */
export async function streamChat(asked: Asked, { signal, onHead, onText, onTools }: Listener): Promise<void> {
  const headers: Record<string, string> = { 'content-type': 'application/json', 'x-source': 'playground' }
  if (asked.virtualKey !== '') headers['authorization'] = `Bearer ${asked.virtualKey}`
  const response = await fetch('/v1/chat/completions', { method: 'POST', headers, signal, body: JSON.stringify(bodyOf(asked)) })
  onHead(response.headers.get('x-gateway-record'))
  if (!response.ok || response.body === null) throw new Error(messageOf(await response.text()) ?? `HTTP ${response.status}`)
  const calls: ToolCall[] = []
  let rest = ''
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    const lines = (rest + value).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (!line.startsWith('data:') || line.includes('[DONE]')) continue
      const failure = messageOf(line.slice(5))
      if (failure !== null) throw new Error(failure)
      const delta = deltaOf(line.slice(5))
      if (typeof delta?.content === 'string' && delta.content !== '') onText(delta.content)
      if (Array.isArray(delta?.tool_calls)) {
        addCalls(calls, delta.tool_calls as unknown[])
        onTools([...calls])
      }
    }
  }
}

/** Names come once, arguments in pieces, each with its place. */
export function addCalls(calls: ToolCall[], pieces: readonly unknown[]): void {
  for (const piece of pieces) {
    const { index, function: called } = (piece ?? {}) as { index?: unknown; function?: { name?: unknown; arguments?: unknown } }
    const place = typeof index === 'number' ? index : 0
    const known = calls[place] ?? { name: '', arguments: '' }
    calls[place] = { name: known.name + textOf(called?.name), arguments: known.arguments + textOf(called?.arguments) }
  }
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : '')

function deltaOf(json: string): { content?: unknown; tool_calls?: unknown } | undefined {
  const chunk = parse(json) as { choices?: { delta?: { content?: unknown; tool_calls?: unknown } }[] } | null
  return chunk?.choices?.[0]?.delta
}

function messageOf(json: string): string | null {
  const body = parse(json) as { error?: { message?: unknown } } | null
  const message = body?.error?.message
  return typeof message === 'string' ? message : null
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return null
  }
}
