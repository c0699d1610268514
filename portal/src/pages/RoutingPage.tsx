/** The router, to play with: a request that is asked of nobody, a record decided again, two policies side by side, and what another would do. */

import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useState } from 'react'

import { api, read, type Schemas } from '../api/client'
import { useFilters } from '../app/FilterBar'
import { links, type RoutingPlay } from '../links'
import { Button } from '../ui/Button'
import { Card } from '../ui/Card'
import { Area, Check, Field, FormError, Select } from '../ui/Field'
import { PageHead } from '../ui/Page'
import { Loading } from '../ui/states'
import { CompareTable } from './routing/CompareTable'
import { Decision } from './routing/Decision'
import { DRAFT, parseDraft } from './routing/draft'
import { nameOf } from './routing/facts'
import { useProfileNames } from './routing/profileNames'
import { WhatIf } from './routing/WhatIf'

type View = Schemas['DecisionView']

const route = getRouteApi('/routing')
const ABILITIES = ['tools', 'vision', 'audio', 'documents', 'json_schema', 'reasoning', 'streaming'] as const
const ENDPOINTS = ['chat_completions', 'responses', 'messages', 'generate_content', 'ollama_chat'] as const

export function RoutingPage() {
  const { record, one, against } = route.useSearch()
  return (
    <>
      <PageHead title="Routing" />
      <DryRun key={`${record ?? ''} ${one ?? ''} ${against ?? ''}`} play={{ record, one, against }} />
      <WhatIf />
    </>
  )
}

/** What the decision is set beside. */
type Against = 'nothing' | 'recorded' | 'profile' | 'draft'

interface Asked {
  question: Schemas['RouteQuestion']
  against: Against
  /** The other profile. */
  profile: string
  draft: string
}

interface Decided {
  answer: Schemas['RouteAnswer']
  titles: readonly [string, string]
  second: View | null
  moved: boolean | null
}

const routeKey = ['route'] as const

async function decide({ question, against, profile, draft }: Asked): Promise<Decided> {
  if (against === 'profile') {
    const [answer, other] = await Promise.all([ask(question), ask({ ...question, profile })])
    return { answer, titles: [question.profile ?? 'the default', profile], second: other.decision, moved: first(answer.decision) !== first(other.decision) }
  }
  const extra = against === 'draft' ? { draft: parseDraft(draft), compare: 'active' } : against === 'recorded' ? { compare: 'recorded' } : {}
  const answer = await ask({ ...question, ...extra })
  return { answer, titles: against === 'draft' ? ['the draft', 'the rules in force'] : ['the rules in force', 'as decided then'], second: answer.compared, moved: answer.moved }
}

const ask = (body: Schemas['RouteQuestion']) => read(api.POST('/v1/route', { body }))
const first = (view: View) => nameOf(view.order[0] === undefined ? null : view.candidates[view.order[0]])

function DryRun({ play }: { play: RoutingPlay }) {
  const filters = useFilters()
  const profiles = useProfileNames()
  const [recordId, setRecordId] = useState(play.record ?? '')
  const [endpoint, setEndpoint] = useState<string>(ENDPOINTS[0])
  const [model, setModel] = useState('auto')
  const [profile, setProfile] = useState(play.one ?? '')
  const [tokens, setTokens] = useState('1000')
  const [abilities, setAbilities] = useState<readonly string[]>([])
  const [against, setAgainst] = useState<Against>(play.record !== undefined ? 'recorded' : play.against !== undefined ? 'profile' : 'nothing')
  const [other, setOther] = useState(play.against ?? 'economy')
  const [draft, setDraft] = useState(DRAFT)
  const isRecord = recordId.trim() !== ''
  // A record is asked about by itself, and nothing but a record has a past.
  const meant: Against = (isRecord && against === 'profile') || (!isRecord && against === 'recorded') ? 'nothing' : against
  const question = (): Schemas['RouteQuestion'] =>
    isRecord ? { record_id: recordId.trim() } : { endpoint, model: model.trim(), ...(profile !== '' && { profile }), input_tokens: Number(tokens), abilities: [...abilities] }
  const now = (): Asked => ({ question: question(), against: meant, profile: other, draft })
  const [asked, setAsked] = useState(now)
  const decided = useQuery({ queryKey: [...routeKey, asked], queryFn: () => decide(asked), placeholderData: keepPreviousData, retry: false, staleTime: 0 })
  return (
    <>
      <Card title="A request that is asked of nobody">
        <form
          className="grid gap-3"
          onSubmit={(event) => {
            event.preventDefault()
            setAsked(now())
            void decided.refetch()
          }}
        >
          <Field label="Record" className="max-w-md" value={recordId} onChange={(event) => { setRecordId(event.target.value) }} placeholder="none" hint="The id of a record decides it again; empty for the request below." />
          {!isRecord && (
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
          <div className="flex flex-wrap items-end gap-3">
            <Select label="Compare with" value={meant} onChange={(event) => { setAgainst((['recorded', 'profile', 'draft'] as const).find((known) => known === event.target.value) ?? 'nothing') }}>
              <option value="nothing">nothing</option>
              {isRecord && <option value="recorded">what was decided then</option>}
              {!isRecord && <option value="profile">another profile</option>}
              <option value="draft">other rules</option>
            </Select>
            {meant === 'profile' && (
              <Select label="Other profile" value={other} onChange={(event) => { setOther(event.target.value) }}>
                {profiles.map((name) => <option key={name}>{name}</option>)}
              </Select>
            )}
            <Button type="submit" disabled={decided.isFetching}>Decide</Button>
          </div>
          {meant === 'draft' && <Area label="Draft" rows={5} value={draft} onChange={(event) => { setDraft(event.target.value) }} hint="JSON with the sections routing, models and profiles of the config file." />}
          <FormError error={decided.error} />
        </form>
      </Card>
      {decided.isPending && <Loading what="decision" />}
      {decided.data && !decided.isError && (
        <>
          {decided.data.moved !== null && (
            <p role="status" className="mt-4 text-sm font-medium">
              {decided.data.moved ? 'It would go elsewhere.' : 'It would go to the same target.'}
              {decided.data.answer.request.record_id !== null && <> <Link {...links.record(decided.data.answer.request.record_id, filters)} className="underline underline-offset-2">The record</Link></>}
            </p>
          )}
          {decided.data.answer.warnings.map((warning) => <p key={warning} className="mt-2 text-sm text-warn"><bdi>{warning}</bdi></p>)}
          {decided.data.second && <CompareTable first={decided.data.answer.decision} second={decided.data.second} titles={decided.data.titles} />}
          <div className={decided.data.second ? 'grid gap-x-5 min-[120rem]:grid-cols-2' : ''}>
            <Card title={decided.data.second ? `By ${decided.data.titles[0]}` : `By the ${decided.data.answer.rules} rules`}><Decision view={decided.data.answer.decision} /></Card>
            {decided.data.second && <Card title={`By ${decided.data.titles[1]}`}><Decision view={decided.data.second} /></Card>}
          </div>
        </>
      )}
    </>
  )
}
