/** Profiles: what requests value when the gateway chooses, seen, edited, and what each would pick for the same request. */

import { useMutation, useQueries, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'

import { api, done, read, type Schemas } from '../api/client'
import { profilesQuery, wouldPickQuery } from '../api/queries'
import { useFilters } from '../app/FilterBar'
import { links } from '../links'
import { Button } from '../ui/Button'
import { Card } from '../ui/Card'
import { Dialog } from '../ui/Dialog'
import { Check, Field, FormError, Select } from '../ui/Field'
import { PageHead } from '../ui/Page'
import { Failure, Loading } from '../ui/states'
import { Table, type Column } from '../ui/Table'
import { Foreign, Value } from '../ui/Value'
import { nameOf } from './routing/facts'

type Profile = Schemas['Profile']

const FACTORS = ['quality', 'price', 'latency', 'reliability', 'affinity'] as const

export function ProfilesPage() {
  const client = useQueryClient()
  const profiles = useQuery(profilesQuery)
  const [open, setOpen] = useState<{ what: 'edit' | 'delete'; profile: Profile } | { what: 'new' } | null>(null)
  const changed = () => { setOpen(null); void client.invalidateQueries({ queryKey: profilesQuery.queryKey }) }
  const put = useMutation({
    mutationFn: ({ id, body }: { id: string; body: Schemas['NewProfile'] }) => read(api.PUT('/v1/profiles/{id}', { params: { path: { id } }, body })),
    onSuccess: changed,
  })
  const remove = useMutation({
    mutationFn: (id: string) => done(api.DELETE('/v1/profiles/{id}', { params: { path: { id } } })),
    onSuccess: changed,
  })
  const show = (next: typeof open) => {
    put.reset()
    remove.reset()
    setOpen(next)
  }
  return (
    <>
      <PageHead title="Profiles"><Button onClick={() => { show({ what: 'new' }) }}>New profile</Button></PageHead>
      <Card title="Profiles">
        {profiles.isPending && <Loading what="profiles" />}
        {profiles.isError && <Failure what="profiles" error={profiles.error} onRetry={() => void profiles.refetch()} />}
        {profiles.isSuccess && <ProfileTable profiles={profiles.data.data} onOpen={(what, profile) => { show({ what, profile }) }} />}
      </Card>
      {profiles.isSuccess && <Pair names={profiles.data.data.map(({ id }) => id)} />}
      {open?.what === 'new' && (
        <Dialog title="New profile" onClose={() => { show(null) }}>
          <ProfileForm isPending={put.isPending} error={put.error} onSubmit={(id, body) => { put.mutate({ id, body }) }} />
        </Dialog>
      )}
      {open?.what === 'edit' && (
        <Dialog title={`Edit ${open.profile.id}`} onClose={() => { show(null) }}>
          {open.profile.origin === 'built_in' && <p className="mb-3 text-sm">This lays your own profile over the built-in one; deleting yours brings it back.</p>}
          <ProfileForm known={open.profile} isPending={put.isPending} error={put.error} onSubmit={(id, body) => { put.mutate({ id, body }) }} />
        </Dialog>
      )}
      {open?.what === 'delete' && (
        <Dialog title={`Delete ${open.profile.id}?`} onClose={() => { show(null) }}>
          <p className="text-sm">Requests that still name it are refused, unless a built-in profile bears the name.</p>
          <FormError error={remove.error} />
          <Button className="mt-3" onClick={() => { remove.mutate(open.profile.id) }}>Delete</Button>
        </Dialog>
      )}
    </>
  )
}

/** Two profiles over the same request, candidate by candidate. */
function Pair({ names }: { names: readonly string[] }) {
  const filters = useFilters()
  const navigate = useNavigate()
  const [one, setOne] = useState(names[0] ?? '')
  const [against, setAgainst] = useState(names[1] ?? '')
  return (
    <Card title="Compare two">
      <form className="flex flex-wrap items-end gap-3" onSubmit={(event) => { event.preventDefault(); void navigate(links.routing(filters, { one, against })) }}>
        <Select label="Profile" value={one} onChange={(event) => { setOne(event.target.value) }}>{names.map((name) => <option key={name}>{name}</option>)}</Select>
        <Select label="and" value={against} onChange={(event) => { setAgainst(event.target.value) }}>{names.map((name) => <option key={name}>{name}</option>)}</Select>
        <Button type="submit">Compare</Button>
      </form>
    </Card>
  )
}

function ProfileTable({ profiles, onOpen }: { profiles: readonly Profile[]; onOpen: (what: 'edit' | 'delete', profile: Profile) => void }) {
  const picks = useQueries({ queries: profiles.map(({ id }) => wouldPickQuery(id)) })
  const columns: Column<Profile>[] = [
    {
      title: 'Profile',
      narrow: 'main',
      cell: (profile) => (
        <>
          <strong className="font-medium"><bdi>{profile.id}</bdi></strong>{profile.is_default && <span className="text-xs text-muted"> the default</span>}
          <span className="block text-xs text-muted">{profile.purpose ?? (profile.origin === 'config' ? 'set in the config file' : 'made here')}</span>
        </>
      ),
    },
    { title: 'Weighs', width: 'xl:w-60', cell: (profile) => <Weights of={profile.weights} /> },
    {
      title: 'Demands',
      width: 'xl:w-40',
      cell: (profile) => {
        const demands = [...profile.needs, ...(profile.min_context_tokens === null ? [] : [`${profile.min_context_tokens} tokens`]), ...(profile.local_only ? ['own machines'] : [])]
        return demands.length === 0 ? <Value of={null} /> : demands.join(', ')
      },
    },
    {
      title: 'Would pick now',
      narrow: 'main',
      cell: (profile) => {
        const decision = picks[profiles.indexOf(profile)]?.data?.decision
        const [first] = decision?.order ?? []
        return decision ? <Foreign text={first === undefined ? 'nobody' : nameOf(decision.candidates[first])} /> : '…'
      },
    },
    {
      title: 'Actions',
      narrow: 'main',
      width: 'w-20 xl:w-40',
      cell: (profile) =>
        profile.origin === 'config' ? null : (
          <span className="flex flex-wrap gap-1">
            <Button onClick={() => { onOpen('edit', profile) }}>Edit<span className="sr-only"> {profile.id}</span></Button>
            {profile.origin === 'api' && <Button onClick={() => { onOpen('delete', profile) }}>Delete<span className="sr-only"> {profile.id}</span></Button>}
          </span>
        ),
    },
  ]
  return <Table caption="Profiles" rows={profiles} columns={columns} rowKey={(profile) => profile.id} />
}

/** Only proportions matter, so they are shown as shares of a whole. */
function Weights({ of }: { of: Schemas['ProfileWeights'] }) {
  const weight = (name: (typeof FACTORS)[number]) => of[name]
  const sum = FACTORS.reduce((total, name) => total + weight(name), 0) || 1
  return (
    <dl className="grid grid-cols-[4.5rem_1fr_2.5rem] items-center gap-x-1 text-xs text-muted">
      {FACTORS.map((name) => (
        <div key={name} className="contents">
          <dt>{name}</dt>
          <dd aria-hidden="true" className="h-1.5 rounded bg-raised"><div className="h-full rounded bg-requests" style={{ width: `${(100 * weight(name)) / sum}%` }} /></dd>
          <dd className="text-right">{Math.round((100 * weight(name)) / sum)}%</dd>
        </div>
      ))}
    </dl>
  )
}

interface FormProps {
  known?: Profile
  isPending: boolean
  error: Error | null
  onSubmit: (id: string, body: Schemas['NewProfile']) => void
}

function ProfileForm({ known, isPending, error, onSubmit }: FormProps) {
  const [id, setId] = useState(known?.id ?? '')
  const [weights, setWeights] = useState<Readonly<Record<string, string>>>(Object.fromEntries(FACTORS.map((name) => [name, String(known?.weights[name] ?? 1)])))
  const [needs, setNeeds] = useState(known?.needs.join(', ') ?? '')
  const [context, setContext] = useState(known?.min_context_tokens == null ? '' : String(known.min_context_tokens))
  const [isLocal, setLocal] = useState(known?.local_only ?? false)
  return (
    <form
      className="grid gap-3"
      onSubmit={(event) => {
        event.preventDefault()
        onSubmit(id.trim(), {
          weights: {
            quality: Number(weights['quality']),
            price: Number(weights['price']),
            latency: Number(weights['latency']),
            reliability: Number(weights['reliability']),
            affinity: Number(weights['affinity']),
          },
          needs: needs.split(',').map((name) => name.trim()).filter((name) => name !== ''),
          min_context_tokens: context.trim() === '' ? null : Number(context),
          local_only: isLocal,
        })
      }}
    >
      {known === undefined && <Field label="Name" value={id} onChange={(event) => { setId(event.target.value) }} required hint="Clients ask for it as auto:name." />}
      <fieldset className="grid grid-cols-2 gap-3 md:grid-cols-5">
        <legend className="mb-1 text-sm">Weights; only their proportions matter</legend>
        {FACTORS.map((name) => (
          <Field key={name} label={name} type="number" min={0} max={1000} step="any" value={weights[name]} onChange={(event) => { setWeights({ ...weights, [name]: event.target.value }) }} />
        ))}
      </fieldset>
      <Field label="A model must be able to" value={needs} onChange={(event) => { setNeeds(event.target.value) }} hint="tools, vision, audio, documents, json_schema, reasoning, streaming" />
      <Field label="Least context window, tokens" type="number" min={1} value={context} onChange={(event) => { setContext(event.target.value) }} />
      <Check label="only on my own machines (local, ollama)" checked={isLocal} onChange={(event) => { setLocal(event.target.checked) }} />
      <FormError error={error} />
      <Button type="submit" className="justify-self-start" disabled={isPending}>Save</Button>
    </form>
  )
}
