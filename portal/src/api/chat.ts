/** A streamed chat completion through the gateway's own front door, so that it is recorded and priced like any other. */

export interface Asked {
  model: string
  system: string
  prompt: string
  virtualKey: string
}

interface Listener {
  signal: AbortSignal
  /** The answer has begun; its record's id, when the gateway told it. */
  onHead: (record: string | null) => void
  onText: (delta: string) => void
}

/** Resolves when the stream is over; rejects with what the API said. */
export async function streamChat({ model, system, prompt, virtualKey }: Asked, { signal, onHead, onText }: Listener): Promise<void> {
  const messages = [...(system === '' ? [] : [{ role: 'system', content: system }]), { role: 'user', content: prompt }]
  const headers: Record<string, string> = { 'content-type': 'application/json', 'x-source': 'playground' }
  if (virtualKey !== '') headers['authorization'] = `Bearer ${virtualKey}`
  const response = await fetch('/v1/chat/completions', { method: 'POST', headers, signal, body: JSON.stringify({ model, messages, stream: true }) })
  onHead(response.headers.get('x-gateway-record'))
  if (!response.ok || response.body === null) throw new Error(messageOf(await response.text()) ?? `HTTP ${response.status}`)
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
      if (delta !== '') onText(delta)
    }
  }
}

function deltaOf(json: string): string {
  const chunk = parse(json) as { choices?: { delta?: { content?: unknown } }[] } | null
  const content = chunk?.choices?.[0]?.delta?.content
  return typeof content === 'string' ? content : ''
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
