/** A prompt to one model or two, side by side, streamed by the very way that applications go; with cost and the curl. */

import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useEffect, useState } from 'react'

import { modelNamesQuery, playgroundQuery } from '../api/queries'
import { streamChat, type Asked } from '../api/chat'
import { useFilters } from '../app/FilterBar'
import { duration, exactCount, money } from '../format'
import { links } from '../links'
import { Button } from '../ui/Button'
import { Card } from '../ui/Card'
import { Copy } from '../ui/Copy'
import { Area, Check, Field, Select } from '../ui/Field'
import { Empty, PageHead } from '../ui/Page'
import { Value } from '../ui/Value'

export function PlaygroundPage() {
  const models = useQuery(modelNamesQuery)
  const [isDouble, setDouble] = useState(false)
  const [chosen, setChosen] = useState<readonly [string, string]>(['default', 'default'])
  const [system, setSystem] = useState('')
  const [prompt, setPrompt] = useState('Explain in two sentences what a gateway is for.')
  const [key, setKey] = useState('')
  const [sent, setSent] = useState<{ run: number; asked: readonly Asked[] }>({ run: 0, asked: [] })
  const sides = isDouble ? ([0, 1] as const) : ([0] as const)
  const questions = sides.map((side) => ({ model: chosen[side], system, prompt, virtualKey: key }))
  return (
    <>
      <PageHead title="Playground" />
      <Card title="Prompt">
        <form className="grid gap-3" onSubmit={(event) => { event.preventDefault(); setSent({ run: sent.run + 1, asked: questions }) }}>
          <div className="flex flex-wrap items-end gap-3">
            {sides.map((side) => (
              <Select
                key={side}
                label={isDouble ? (side === 0 ? 'Model on the left' : 'Model on the right') : 'Model'}
                value={chosen[side]}
                onChange={(event) => { setChosen(side === 0 ? [event.target.value, chosen[1]] : [chosen[0], event.target.value]) }}
              >
                <option>default</option>
                <option>auto</option>
                {models.data?.map((name) => <option key={name}>{name}</option>)}
              </Select>
            ))}
            <Check label="two models side by side" checked={isDouble} onChange={(event) => { setDouble(event.target.checked) }} />
            <Field label="Key" type="password" autoComplete="off" value={key} onChange={(event) => { setKey(event.target.value) }} placeholder="none" />
          </div>
          <Field label="System" value={system} onChange={(event) => { setSystem(event.target.value) }} />
          <Area label="Message" rows={4} value={prompt} onChange={(event) => { setPrompt(event.target.value) }} required />
          <Button type="submit" className="justify-self-start">Send</Button>
        </form>
      </Card>
      <div className={isDouble ? 'grid gap-x-5 xl:grid-cols-2' : ''}>
        {sent.asked.length === 0
          ? questions.map((asked, side) => <Card key={side} title={asked.model} aside={<Copy text={curlOf(asked)} />}><Empty>The answer appears here, and the request in the records like any other.</Empty></Card>)
          : sent.asked.map((asked, side) => <Answer key={`${sent.run} ${side}`} asked={asked} />)}
      </div>
    </>
  )
}

interface State {
  is: 'running' | 'done' | 'failed'
  text: string
  why: string | null
  record: string | null
}

function Answer({ asked }: { asked: Asked }) {
  const [state, setState] = useState<State>({ is: 'running', text: '', why: null, record: null })
  useEffect(() => {
    const stop = new AbortController()
    const change = (next: (before: State) => Partial<State>) => {
      if (!stop.signal.aborted) setState((before) => ({ ...before, ...next(before) }))
    }
    streamChat(asked, {
      signal: stop.signal,
      onHead: (record) => { change(() => ({ record })) },
      onText: (delta) => { change(({ text }) => ({ text: text + delta })) },
    }).then(
      () => { change(() => ({ is: 'done' })) },
      (error: unknown) => { change(() => ({ is: 'failed', why: error instanceof Error ? error.message : 'it failed' })) },
    )
    return () => { stop.abort() }
  }, [asked])
  return (
    <Card title={asked.model} aside={<Copy text={curlOf(asked)} />}>
      <p aria-live="polite" aria-busy={state.is === 'running'} className="text-sm break-words whitespace-pre-wrap"><bdi>{state.text}</bdi></p>
      {state.why !== null && <p role="alert" className="mt-2 text-sm text-bad"><bdi>{state.why}</bdi></p>}
      {state.is !== 'running' && state.record !== null && <Told id={state.record} />}
    </Card>
  )
}

/** What the gateway recorded of it. */
function Told({ id }: { id: string }) {
  const filters = useFilters()
  const newest = useQuery({ ...playgroundQuery, refetchInterval: (query) => (query.state.data?.data.some((row) => row.id === id) ? false : 300) })
  const row = newest.data?.data.find((row) => row.id === id)
  if (!row) return null
  return (
    <p className="mt-3 border-t border-line pt-2 text-sm text-muted">
      <Link {...links.record(id, filters)} className="underline underline-offset-2">Record</Link>: <bdi>{row.provider}</bdi>, <bdi>{row.model}</bdi>,{' '}
      <Value of={exactCount(row.input_tokens)} /> → <Value of={exactCount(row.output_tokens)} /> tokens, <Value of={money(row.cost_microcents)} />, first token after{' '}
      <Value of={duration(row.ttft_ms)} />, done after <Value of={duration(row.latency_ms)} />
    </p>
  )
}

function curlOf({ model, system, prompt, virtualKey }: Asked): string {
  const messages = [...(system === '' ? [] : [{ role: 'system', content: system }]), { role: 'user', content: prompt }]
  const body = JSON.stringify({ model, messages, stream: true }).replaceAll("'", "'\\''")
  const key = virtualKey === '' ? '' : "  -H 'authorization: Bearer $LLM_GATEWAY_KEY' \\\n"
  return `curl -N ${window.location.origin}/v1/chat/completions \\\n${key}  -H 'content-type: application/json' \\\n  -d '${body}'`
}
