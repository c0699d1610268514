/** A prompt to one model or two, side by side, streamed by the very way that applications go; with tools, route, cost and the curl. */

import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useEffect, useState } from 'react'

import { bodyOf, streamChat, type Asked, type ToolCall } from '../api/chat'
import { modelNamesQuery, playgroundQuery, routeQuery } from '../api/queries'
import { useFilters } from '../app/FilterBar'
import { duration, exactCount, money } from '../format'
import { links } from '../links'
import { Button } from '../ui/Button'
import { Card } from '../ui/Card'
import { Copy } from '../ui/Copy'
import { Area, Check, Field, FormError, Select } from '../ui/Field'
import { Code, Empty, PageHead } from '../ui/Page'
import { Value } from '../ui/Value'
import { nameOf } from './routing/facts'

const route = getRouteApi('/playground')

const EXAMPLE = JSON.stringify(
  [{ type: 'function', function: { name: 'get_weather', description: 'The weather in a city', parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } } }],
  null,
  2,
)

export function PlaygroundPage() {
  const { ask = 'default' } = route.useSearch()
  const models = useQuery(modelNamesQuery)
  const [isDouble, setDouble] = useState(false)
  const [chosen, setChosen] = useState<readonly [string, string]>([ask, 'default'])
  const [system, setSystem] = useState('')
  const [prompt, setPrompt] = useState('Explain in two sentences what a gateway is for.')
  const [tools, setTools] = useState('')
  const [key, setKey] = useState('')
  const [fault, setFault] = useState<Error | null>(null)
  const [sent, setSent] = useState<{ run: number; asked: readonly Asked[] }>({ run: 0, asked: [] })
  const sides = isDouble ? ([0, 1] as const) : ([0] as const)
  const questions = sides.map((side) => ({ model: chosen[side], system, prompt, tools, virtualKey: key }))
  const names = ['default', 'auto', ...(models.data ?? [])]
  const send = () => {
    try {
      questions.map(bodyOf)
      setFault(null)
      setSent({ run: sent.run + 1, asked: questions })
    } catch (error) {
      setFault(error instanceof Error ? error : new Error(String(error)))
    }
  }
  return (
    <>
      <PageHead title="Playground" />
      <Card title="Prompt">
        <form className="grid gap-3" onSubmit={(event) => { event.preventDefault(); send() }}>
          <div className="flex flex-wrap items-end gap-3">
            {sides.map((side) => (
              <Select
                key={side}
                className="max-w-full"
                label={isDouble ? (side === 0 ? 'Model on the left' : 'Model on the right') : 'Model'}
                value={chosen[side]}
                onChange={(event) => { setChosen(side === 0 ? [event.target.value, chosen[1]] : [chosen[0], event.target.value]) }}
              >
                {!names.includes(chosen[side]) && <option>{chosen[side]}</option>}
                {names.map((name) => <option key={name}>{name}</option>)}
              </Select>
            ))}
            <Check label="two models side by side" checked={isDouble} onChange={(event) => { setDouble(event.target.checked) }} />
            <Field label="Key" type="password" autoComplete="off" value={key} onChange={(event) => { setKey(event.target.value) }} placeholder="none" />
          </div>
          <Field label="System" value={system} onChange={(event) => { setSystem(event.target.value) }} />
          <Area label="Message" rows={4} value={prompt} onChange={(event) => { setPrompt(event.target.value) }} required />
          <details>
            <summary className="cursor-pointer text-sm">Tools{tools.trim() === '' ? '' : ' (some)'}</summary>
            <Area label="Tools as JSON" rows={6} value={tools} onChange={(event) => { setTools(event.target.value) }} hint="A list of functions as /v1/chat/completions takes it; empty for none. Nothing is called: the answer shows what the model wants called." />
            <Button className="mt-2" onClick={() => { setTools(EXAMPLE) }}>Put an example in</Button>
          </details>
          <FormError error={fault} />
          <Button type="submit" className="justify-self-start">Send</Button>
        </form>
      </Card>
      <div className={isDouble ? 'grid gap-x-5 lg:grid-cols-2' : ''}>
        {sent.asked.length === 0
          ? questions.map((asked, side) => (
              <Card key={side} title={asked.model}>
                <Empty>The answer appears here, and the request in the records like any other.</Empty>
                <Curl asked={asked} />
              </Card>
            ))
          : sent.asked.map((asked, side) => <Answer key={`${sent.run} ${side}`} asked={asked} />)}
      </div>
    </>
  )
}

interface State {
  is: 'running' | 'done' | 'failed'
  text: string
  calls: readonly ToolCall[]
  why: string | null
  record: string | null
}

function Answer({ asked }: { asked: Asked }) {
  const [state, setState] = useState<State>({ is: 'running', text: '', calls: [], why: null, record: null })
  useEffect(() => {
    const stop = new AbortController()
    const change = (next: (before: State) => Partial<State>) => {
      if (!stop.signal.aborted) setState((before) => ({ ...before, ...next(before) }))
    }
    streamChat(asked, {
      signal: stop.signal,
      onHead: (record) => { change(() => ({ record })) },
      onText: (delta) => { change(({ text }) => ({ text: text + delta })) },
      onTools: (calls) => { change(() => ({ calls })) },
    }).then(
      () => { change(() => ({ is: 'done' })) },
      (error: unknown) => { change(() => ({ is: 'failed', why: error instanceof Error ? error.message : 'it failed' })) },
    )
    return () => { stop.abort() }
  }, [asked])
  return (
    <Card title={asked.model}>
      <p aria-live="polite" aria-busy={state.is === 'running'} className="text-sm break-words whitespace-pre-wrap"><bdi>{state.text}</bdi></p>
      {state.calls.map((call, place) => (
        <p key={place} className="mt-2 text-sm">Wants to call <code className="rounded bg-raised px-1 break-all"><bdi>{call.name}({call.arguments})</bdi></code></p>
      ))}
      {state.why !== null && <p role="alert" className="mt-2 text-sm break-words text-bad"><bdi>{state.why}</bdi></p>}
      {state.is !== 'running' && state.record !== null && <Told id={state.record} />}
      <Curl asked={asked} />
    </Card>
  )
}

/** What the gateway recorded of it, and where it went and why. */
function Told({ id }: { id: string }) {
  const filters = useFilters()
  const newest = useQuery({ ...playgroundQuery, refetchInterval: (query) => (query.state.data?.data.some((row) => row.id === id) ? false : 300) })
  const row = newest.data?.data.find((row) => row.id === id)
  // A request that was refused before it was routed went nowhere.
  const path = useQuery({ ...routeQuery(id), enabled: row?.provider != null })
  if (!row) return null
  const decision = path.data?.decision
  return (
    <div className="mt-3 space-y-1 border-t border-line pt-2 text-sm text-muted">
      <p>
        <Link {...links.record(id, filters)} className="underline underline-offset-2">Record</Link>: <bdi>{row.provider}</bdi>, <bdi>{row.model}</bdi>,{' '}
        <Value of={exactCount(row.input_tokens)} /> → <Value of={exactCount(row.output_tokens)} /> tokens, <Value of={money(row.cost_microcents)} />, first token after{' '}
        <Value of={duration(row.ttft_ms)} />, done after <Value of={duration(row.latency_ms)} />
      </p>
      {decision && (
        <p>
          Route: {decision.rule_text}; {decision.candidate_count === 1 ? '1 candidate' : `${decision.candidate_count} candidates`}, first{' '}
          <bdi>{nameOf(decision.order[0] === undefined ? null : decision.candidates[decision.order[0]])}</bdi>, {row.attempts === 1 ? '1 call' : `${row.attempts} calls`}.{' '}
          <Link {...links.routing(filters, { record: id })} className="underline underline-offset-2">Why it went there</Link>
        </p>
      )}
    </div>
  )
}

function Curl({ asked }: { asked: Asked }) {
  const text = curlOf(asked)
  return (
    <details className="mt-3">
      <summary className="cursor-pointer text-sm">The same with curl</summary>
      <Code label={`curl for ${asked.model}`} text={text} />
      <Copy text={text} />
    </details>
  )
}

function curlOf(asked: Asked): string {
  const body = (() => {
    try {
      return JSON.stringify(bodyOf(asked)).replaceAll("'", "'\\''")
    } catch {
      return '…'
    }
  })()
  const key = asked.virtualKey === '' ? '' : '  -H "authorization: Bearer $LLM_GATEWAY_KEY" \\\n'
  return `curl -N ${window.location.origin}/v1/chat/completions \\\n${key}  -H 'content-type: application/json' \\\n  -d '${body}'`
}
