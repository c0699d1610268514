/** The overview of a gateway that has seen nothing yet: the first request, ready to be copied, awaited. */

import type { LiveState } from '../../api/live'
import { Card } from '../../ui/Card'
import { Copy } from '../../ui/Copy'
import { LiveSign } from '../records/LiveSign'

const command = (origin: string) => `curl ${origin}/v1/chat/completions \\
  -H 'content-type: application/json' \\
  -H 'x-project: first-steps' \\
  -d '{"model": "default", "messages": [{"role": "user", "content": "Hello!"}]}'`

export function FirstRequest({ state }: { state: LiveState }) {
  const text = command(window.location.origin)
  return (
    <Card title="Waiting for your first request" aside={<LiveSign state={state} />}>
      <p>Nothing has gone through this gateway yet. Send this, and it appears here without a reload:</p>
      <pre
        // A region that scrolls must be reachable by keyboard.
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        tabIndex={0}
        className="my-3 overflow-x-auto rounded bg-raised p-3 font-mono text-sm"
      >
        <code>{text}</code>
      </pre>
      <Copy text={text} />
      <p className="mt-3 text-sm text-muted">
        It needs a provider: a key in the environment such as <code>OPENAI_API_KEY</code>, or a <code>[[providers]]</code> block in{' '}
        <code>config.toml</code>.
      </p>
    </Card>
  )
}
