/** The router, to play with: a request that is asked of nobody, a record decided again, and what another policy would do. */

import { useMutation } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useState } from 'react'

import { api, read, type Schemas } from '../api/client'
import { useFilters } from '../app/FilterBar'
import { listOf, windowLabel, windowOf } from '../filters'
import { duration, exactCount, money } from '../format'
import { links } from '../links'
import { Button } from '../ui/Button'
import { Card } from '../ui/Card'
import { Area, Check, Field, FormError, Select } from '../ui/Field'
import { Empty, PageHead } from '../ui/Page'
import { Table, type Column } from '../ui/Table'
import { Value } from '../ui/Value'
import { FilterBar } from '../app/FilterBar'
import { ALL_DIMENSIONS } from '../filters'
import { Decisions, nameOf } from './routing/Decision'
import { useProfileNames } from './routing/profileNames'

const route = getRouteApi('/routing')
const ABILITIES = ['tools', 'vision', 'audio', 'documents', 'json_schema', 'reasoning', 'streaming'] as const
const ENDPOINTS = ['chat_completions', 'responses', 'messages', 'generate_content', 'ollama_chat'] as const
const DRAFT = '{\n  "routing": { "strategy": "cost_optimized" }\n}'

export function RoutingPage() {
  const { record } = route.useSearch()
  return (
    <>
      <PageHead title="Routing" />
      <DryRun key={record ?? ''} record={record} />
      <WhatIf />
    </>
  )
}

function DryRun({ record }: { record: string | undefined }) {
  const filters = useFilters()
  const profiles = useProfileNames()
  const [recordId, setRecordId] = useState(record ?? '')
  const [endpoint, setEndpoint] = useState<string>(ENDPOINTS[0])
  const [model, setModel] = useState('auto')
  const [profile, setProfile] = useState('')
  const [tokens, setTokens] = useState('1000')
  const [abilities, setAbilities] = useState<readonly string[]>([])
  const [draft, setDraft] = useState('')
  const attempt = useMutation({
    mutationFn: () => {
      const policy = parseDraft(draft)
      const rules = policy === null ? {} : { draft: policy, compare: 'active' }
      const question: Schemas['RouteQuestion'] =
        recordId.trim() === ''
          ? { endpoint, model: model.trim(), ...(profile !== '' && { profile }), input_tokens: Number(tokens), abilities: [...abilities], ...rules }
          : { record_id: recordId.trim(), ...(policy === null ? { compare: 'recorded' } : rules) }
      return read(api.POST('/v1/route', { body: question }))
    },
  })
  const answer = attempt.data
  return (
    <>
      <Card title="A request that is asked of nobody">
        <form className="grid gap-3" onSubmit={(event) => { event.preventDefault(); attempt.mutate() }}>
          <Field label="Record" className="max-w-md" value={recordId} onChange={(event) => { setRecordId(event.target.value) }} placeholder="none" hint="The id of a record decides it again; empty for the request below." />
          {recordId.trim() === '' && (
            <div className="flex flex-wrap items-end gap-3">
              <Select label="Endpoint" value={endpoint} onChange={(event) => { setEndpoint(event.target.value) }}>
                {ENDPOINTS.map((name) => <option key={name}>{name}</option>)}
              </Select>
              <Field label="Model" value={model} onChange={(event) => { setModel(event.target.value) }} />
              <Select label="Profile" value={profile} onChange={(event) => { setProfile(event.target.value) }}>
                <option value="">none</option>
                {profiles.map((name) => <option key={name}>{name}</option>)}
              </Select>
              <Field label="Prompt tokens" inputMode="numeric" pattern="[0-9]+" value={tokens} onChange={(event) => { setTokens(event.target.value) }} />
              <fieldset className="flex flex-wrap gap-x-4">
                <legend className="sr-only">Needs</legend>
                {ABILITIES.map((ability) => (
                  <Check
                    key={ability}
                    label={ability.replace('_', ' ')}
                    checked={abilities.includes(ability)}
                    onChange={(event) => { setAbilities(event.target.checked ? [...abilities, ability] : abilities.filter((known) => known !== ability)) }}
                  />
                ))}
              </fieldset>
            </div>
          )}
          <details>
            <summary className="cursor-pointer text-sm">Other rules, to compare with</summary>
            <Area label="Draft" rows={5} value={draft} onChange={(event) => { setDraft(event.target.value) }} placeholder={DRAFT} hint="JSON with the sections routing, models and profiles of the config file." />
          </details>
          <Button type="submit" className="justify-self-start" disabled={attempt.isPending}>Decide</Button>
          <FormError error={attempt.error} />
        </form>
      </Card>
      {answer && (
        <>
          {answer.moved !== null && (
            <p role="status" className="mt-4 text-sm font-medium">
              {answer.moved ? 'It would go elsewhere.' : 'It would go to the same target.'}
              {answer.request.record_id !== null && <> <Link {...links.record(answer.request.record_id, filters)} className="underline underline-offset-2">The record</Link></>}
            </p>
          )}
          {answer.warnings.map((warning) => <p key={warning} className="mt-2 text-sm text-warn"><bdi>{warning}</bdi></p>)}
          <Decisions
            first={{ title: `By the ${answer.rules} rules`, view: answer.decision }}
            second={answer.compared === null ? null : { title: `Compared with: ${answer.compared_with ?? ''}`, view: answer.compared }}
          />
        </>
      )}
    </>
  )
}

function WhatIf() {
  const filters = useFilters()
  const [draft, setDraft] = useState(DRAFT)
  const replay = useMutation({
    mutationFn: () => read(api.POST('/v1/route/replay', { body: { ...windowOf(filters, new Date()), filters: listOf(filters) as Record<string, never>, draft: parseDraft(draft) } })),
  })
  return (
    <Card title={`What if: the requests of the ${windowLabel(filters)} by other rules`}>
      <FilterBar known={ALL_DIMENSIONS} />
      <form className="mt-3 grid gap-3" onSubmit={(event) => { event.preventDefault(); replay.mutate() }}>
        <Area label="Rules" rows={5} value={draft} onChange={(event) => { setDraft(event.target.value) }} hint="JSON with the sections routing, models and profiles of the config file; empty for those in force." />
        <Button type="submit" className="justify-self-start" disabled={replay.isPending}>{replay.isPending ? 'Deciding all of them again…' : 'Replay'}</Button>
        <FormError error={replay.error} />
      </form>
      {replay.data && <Outcome replay={replay.data} />}
    </Card>
  )
}

function Outcome({ replay }: { replay: Schemas['RouteReplay'] }) {
  const facts: [string, string | null][] = [
    ['Requests', exactCount(replay.requests)],
    ['Would move', exactCount(replay.moved)],
    ['Now refused', exactCount(replay.now_refused)],
    ['Now served', exactCount(replay.now_served)],
    ['Cost difference', replay.cost.known === 0 ? null : money(replay.cost.difference_microcents)],
    ['Latency difference', duration(replay.latency.difference_ms === null ? null : Math.abs(replay.latency.difference_ms))],
  ]
  const columns: Column<Schemas['RouteMove']>[] = [
    { title: 'From', narrow: 'main', cell: (move) => <bdi className="break-all">{nameOf(move.from)}</bdi> },
    { title: 'To', narrow: 'main', cell: (move) => <bdi className="break-all">{nameOf(move.to)}</bdi> },
    { title: 'Requests', narrow: 'main', isNumber: true, width: 'w-20', cell: (move) => exactCount(move.requests) },
    { title: 'Cost before', isNumber: true, width: 'xl:w-28', cell: (move) => <Value of={move.cost.known === 0 ? null : money(move.cost.before_microcents)} /> },
    { title: 'Cost after', isNumber: true, width: 'xl:w-28', cell: (move) => <Value of={move.cost.known === 0 ? null : money(move.cost.after_microcents)} /> },
    { title: 'Unknown cost', isNumber: true, width: 'xl:w-28', cell: (move) => exactCount(move.cost.unknown) },
  ]
  const slower = (replay.latency.difference_ms ?? 0) > 0
  return (
    <div role="status" className="mt-4 border-t border-line pt-3">
      <dl className="grid grid-cols-2 gap-3 text-sm md:grid-cols-6">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt className="text-xs text-muted">{name}</dt>
            <dd className="font-semibold"><Value of={value} />{name === 'Latency difference' && value !== null && (slower ? ' slower' : ' faster')}</dd>
          </div>
        ))}
      </dl>
      {!replay.complete && <p className="mt-2 text-sm text-warn">It took too long, and was ended before the whole window was looked at.</p>}
      {replay.without_trace > 0 && <p className="mt-2 text-sm text-muted">{exactCount(replay.without_trace)} requests have no decision to replay.</p>}
      {replay.moves.length === 0 ? <Empty>Nothing would move.</Empty> : <Table caption="From where to where" rows={replay.moves} columns={columns} rowKey={(move) => `${nameOf(move.from)} ${nameOf(move.to)}`} />}
    </div>
  )
}

/** The draft as an object; `null` for none. */
function parseDraft(text: string): Record<string, never> | null {
  if (text.trim() === '') return null
  try {
    return JSON.parse(text) as Record<string, never>
  } catch {
    throw new Error('The rules are not JSON.')
  }
}
