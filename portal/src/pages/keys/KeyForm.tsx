/** What a virtual key is: its names, and what it may use. */

import { useState } from 'react'

import type { Schemas } from '../../api/client'
import { Button } from '../../ui/Button'
import { Field, FormError, Select } from '../../ui/Field'
import { momentOf, timeZone, wallTime } from '../../zone'

export interface KeyFields {
  label: string | null
  team: string | null
  project: string | null
  allowed_models: string[]
  allowed_providers: string[]
  expires_at: string | null
  limits: Schemas['LimitSet'] | null
  budgets: Schemas['BudgetTerms'][]
}

interface Props {
  known?: Schemas['Key']
  submit: string
  isPending: boolean
  error: Error | null
  onSubmit: (fields: KeyFields) => void
}

export function KeyForm({ known, submit, isPending, error, onSubmit }: Props) {
  const [label, setLabel] = useState(known?.label ?? '')
  const [team, setTeam] = useState(known?.team ?? '')
  const [project, setProject] = useState(known?.project ?? '')
  const [models, setModels] = useState(known?.allowed_models.join(', ') ?? '')
  const [providers, setProviders] = useState(known?.allowed_providers.join(', ') ?? '')
  const [expires, setExpires] = useState(known?.expires_at == null ? '' : wallTime(new Date(known.expires_at)))
  const [limits, setLimits] = useState<Readonly<Record<LimitName, string>>>(() => limitTexts(known?.limits ?? null))
  const [budgets, setBudgets] = useState<readonly Schemas['BudgetTerms'][]>(known?.budgets ?? [])
  const changeBudget = (place: number, change: Partial<Schemas['BudgetTerms']>) => { setBudgets(budgets.map((budget, other) => (other === place ? { ...budget, ...change } : budget))) }
  return (
    <form
      className="grid gap-3"
      onSubmit={(event) => {
        event.preventDefault()
        onSubmit({
          label: text(label),
          team: text(team),
          project: text(project),
          allowed_models: list(models),
          allowed_providers: list(providers),
          limits: limitsOf(limits, known?.limits ?? null),
          budgets: budgets.map((budget) => ({ ...budget, limit_usd: budget.limit_usd.trim() })),
          expires_at: expires === '' ? null : (momentOf(expires)?.toISOString() ?? null),
        })
      }}
    >
      <Field label="Label" value={label} onChange={(event) => { setLabel(event.target.value) }} required hint="Shown with every record of this key." />
      <Field label="Team" value={team} onChange={(event) => { setTeam(event.target.value) }} />
      <Field label="Project" value={project} onChange={(event) => { setProject(event.target.value) }} hint="When set, the client cannot choose another with x-project." />
      <Field label="Models it may use" value={models} onChange={(event) => { setModels(event.target.value) }} hint="Separated by commas; empty for all." />
      <Field label="Providers it may use" value={providers} onChange={(event) => { setProviders(event.target.value) }} hint="Separated by commas; empty for all." />
      <Field label="Expires" type="datetime-local" value={expires} onChange={(event) => { setExpires(event.target.value) }} hint={`In ${timeZone()}; empty for never.`} />
      <fieldset className="grid grid-cols-2 gap-3 sm:grid-cols-3">
        <legend className="mb-1 text-sm">Limits; empty for those of the config file</legend>
        {LIMITS.map((name) => (
          <Field key={name} label={name.replaceAll('_', ' ')} inputMode="numeric" pattern="[0-9]*" value={limits[name]} onChange={(event) => { setLimits({ ...limits, [name]: event.target.value }) }} />
        ))}
      </fieldset>
      <fieldset className="grid gap-2">
        <legend className="mb-1 text-sm">Budgets</legend>
        {budgets.map((budget, place) => (
          <div key={place} className="flex flex-wrap items-end gap-2">
            <Field label="US dollars" className="w-28" required inputMode="decimal" pattern="[0-9]+([.][0-9]+)?" value={budget.limit_usd} onChange={(event) => { changeBudget(place, { limit_usd: event.target.value }) }} />
            <Select label="a" value={budget.period} onChange={(event) => { changeBudget(place, { period: event.target.value }) }}>
              {PERIODS.map((name) => <option key={name}>{name}</option>)}
            </Select>
            <Select label="When used up" value={budget.action ?? 'stop'} onChange={(event) => { changeBudget(place, { action: event.target.value }) }}>
              <option value="stop">stop</option>
              <option value="warn">warn</option>
            </Select>
            <Button onClick={() => { setBudgets(budgets.filter((_, other) => other !== place)) }}>Remove budget</Button>
          </div>
        ))}
        <Button className="justify-self-start" onClick={() => { setBudgets([...budgets, { limit_usd: '10', period: 'month' }]) }}>Add budget</Button>
      </fieldset>
      <FormError error={error} />
      <Button type="submit" className="justify-self-start" disabled={isPending}>{submit}</Button>
    </form>
  )
}

const LIMITS = ['requests_per_minute', 'requests_per_hour', 'requests_per_day', 'tokens_per_minute', 'tokens_per_hour', 'tokens_per_day'] as const
type LimitName = (typeof LIMITS)[number]
const PERIODS = ['day', 'week', 'month'] as const

function limitTexts(limits: Schemas['LimitSet'] | null): Record<LimitName, string> {
  const one = (name: LimitName) => (limits?.[name] == null ? '' : String(limits[name]))
  return {
    requests_per_minute: one('requests_per_minute'),
    requests_per_hour: one('requests_per_hour'),
    requests_per_day: one('requests_per_day'),
    tokens_per_minute: one('tokens_per_minute'),
    tokens_per_hour: one('tokens_per_hour'),
    tokens_per_day: one('tokens_per_day'),
  }
}

/** What the form does not show of the limits (bursts, the way of counting) stays as it is. */
function limitsOf(texts: Readonly<Record<LimitName, string>>, known: Schemas['LimitSet'] | null): Schemas['LimitSet'] | null {
  const stated = Object.fromEntries(LIMITS.map((name) => [name, texts[name].trim() === '' ? null : Number(texts[name])]))
  return LIMITS.every((name) => stated[name] === null) ? null : { ...known, ...stated }
}

const text = (value: string) => (value.trim() === '' ? null : value.trim())
const list = (value: string) => value.split(',').map((item) => item.trim()).filter((item) => item !== '')
