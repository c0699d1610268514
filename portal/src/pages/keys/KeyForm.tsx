/** What a virtual key is: its names, and what it may use. */

import { useState } from 'react'

import type { Schemas } from '../../api/client'
import { Button } from '../../ui/Button'
import { Field, FormError } from '../../ui/Field'

export interface KeyFields {
  label: string | null
  team: string | null
  project: string | null
  allowed_models: string[]
  allowed_providers: string[]
  expires_at: string | null
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
  const [expires, setExpires] = useState(local(known?.expires_at ?? null))
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
          expires_at: expires === '' ? null : new Date(expires).toISOString(),
        })
      }}
    >
      <Field label="Label" value={label} onChange={(event) => { setLabel(event.target.value) }} required hint="Shown with every record of this key." />
      <Field label="Team" value={team} onChange={(event) => { setTeam(event.target.value) }} />
      <Field label="Project" value={project} onChange={(event) => { setProject(event.target.value) }} hint="When set, the client cannot choose another with x-project." />
      <Field label="Models it may use" value={models} onChange={(event) => { setModels(event.target.value) }} hint="Separated by commas; empty for all." />
      <Field label="Providers it may use" value={providers} onChange={(event) => { setProviders(event.target.value) }} hint="Separated by commas; empty for all." />
      <Field label="Expires" type="datetime-local" value={expires} onChange={(event) => { setExpires(event.target.value) }} hint="In your own time zone; empty for never." />
      <FormError error={error} />
      <Button type="submit" className="justify-self-start" disabled={isPending}>{submit}</Button>
    </form>
  )
}

const text = (value: string) => (value.trim() === '' ? null : value.trim())
const list = (value: string) => value.split(',').map((item) => item.trim()).filter((item) => item !== '')

/** A time as the field wants it: local, without a zone. */
function local(at: string | null): string {
  if (at === null) return ''
  const time = new Date(at)
  const two = (value: number) => String(value).padStart(2, '0')
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}T${two(time.getHours())}:${two(time.getMinutes())}`
}
