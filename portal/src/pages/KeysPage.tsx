/** Virtual keys: who may call, as whom, and what for. A secret is shown once and never again. */

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'

import { api, done, read, type Schemas } from '../api/client'
import { budgetsQuery, keysQuery } from '../api/queries'
import { exactTime, money, recordTime } from '../format'
import { Bar } from '../ui/Bar'
import { Button } from '../ui/Button'
import { Card } from '../ui/Card'
import { Copy } from '../ui/Copy'
import { Dialog } from '../ui/Dialog'
import { FormError } from '../ui/Field'
import { RecordsLink } from '../ui/FilterLink'
import { Code, Empty, PageHead } from '../ui/Page'
import { Failure, Loading } from '../ui/states'
import { Table, type Column } from '../ui/Table'
import { Foreign, Value } from '../ui/Value'
import { KeyForm, type KeyFields } from './keys/KeyForm'

type Key = Schemas['Key']

export function KeysPage() {
  const client = useQueryClient()
  const keys = useQuery(keysQuery)
  const [open, setOpen] = useState<{ what: 'new' } | { what: 'edit' | 'rotate' | 'revoke'; key: Key } | null>(null)
  const [issued, setIssued] = useState<Schemas['IssuedKey'] | null>(null)
  const changed = () => client.invalidateQueries({ queryKey: keysQuery.queryKey })
  const create = useMutation({
    mutationFn: (fields: KeyFields) => read(api.POST('/v1/keys', { body: fields })),
    onSuccess: (key) => { setOpen(null); setIssued(key); void changed() },
  })
  const edit = useMutation({
    mutationFn: ({ key, fields }: { key: Key; fields: KeyFields }) => read(api.PATCH('/v1/keys/{id}', { params: { path: { id: key.id } }, body: fields })),
    onSuccess: () => { setOpen(null); void changed() },
  })
  const rotate = useMutation({
    mutationFn: (key: Key) => read(api.POST('/v1/keys/{id}/rotate', { params: { path: { id: key.id } } })),
    onSuccess: (key) => { setOpen(null); setIssued(key); void changed() },
  })
  const revoke = useMutation({
    mutationFn: (key: Key) => done(api.DELETE('/v1/keys/{id}', { params: { path: { id: key.id } } })),
    onSuccess: () => { setOpen(null); void changed() },
  })
  const show = (next: typeof open) => {
    for (const mutation of [create, edit, rotate, revoke]) mutation.reset()
    setOpen(next)
  }
  return (
    <>
      <PageHead title="Keys"><Button onClick={() => { show({ what: 'new' }) }}>Create key</Button></PageHead>
      <Card title="Virtual keys">
        {keys.isPending && <Loading what="keys" />}
        {keys.isError && <Failure what="list of keys" error={keys.error} onRetry={() => void keys.refetch()} />}
        {keys.data?.data.length === 0 && <Empty>There is no key yet. An application sends one as its API key; everything it does is then recorded under it.</Empty>}
        {keys.data && keys.data.data.length > 0 && <KeyTable keys={keys.data.data} onOpen={(what, key) => { show({ what, key }) }} />}
      </Card>
      {open?.what === 'new' && (
        <Dialog title="Create key" onClose={() => { show(null) }}>
          <KeyForm submit="Create" isPending={create.isPending} error={create.error} onSubmit={(fields) => { create.mutate(fields) }} />
        </Dialog>
      )}
      {open?.what === 'edit' && (
        <Dialog title={`Edit ${open.key.label ?? open.key.id}`} onClose={() => { show(null) }}>
          <KeyForm known={open.key} submit="Save" isPending={edit.isPending} error={edit.error} onSubmit={(fields) => { edit.mutate({ key: open.key, fields }) }} />
        </Dialog>
      )}
      {open?.what === 'rotate' && (
        <Dialog title={`Rotate ${open.key.label ?? open.key.id}?`} onClose={() => { show(null) }}>
          <p className="text-sm">The key gets a new secret, and the old one stops working at once.</p>
          <FormError error={rotate.error} />
          <Button className="mt-3" disabled={rotate.isPending} onClick={() => { rotate.mutate(open.key) }}>Rotate</Button>
        </Dialog>
      )}
      {open?.what === 'revoke' && (
        <Dialog title={`Revoke ${open.key.label ?? open.key.id}?`} onClose={() => { show(null) }}>
          <p className="text-sm">Whoever uses it is refused from now on. This cannot be taken back; its records stay.</p>
          <FormError error={revoke.error} />
          <Button className="mt-3" disabled={revoke.isPending} onClick={() => { revoke.mutate(open.key) }}>Revoke</Button>
        </Dialog>
      )}
      {issued !== null && (
        <Dialog title={`The secret of ${issued.label ?? issued.id}`} onClose={() => { setIssued(null) }} isFirm>
          <p className="text-sm">This is the only time that it is shown: only its hash is kept.</p>
          <Code label="The key’s secret" text={issued.secret} />
          <Copy text={issued.secret} />
          <p className="mt-3 text-sm">Try it:</p>
          <Code label="A request with this key" text={tryIt(issued.secret)} />
          <Button className="mt-3" onClick={() => { setIssued(null) }}>I have stored it</Button>
        </Dialog>
      )}
    </>
  )
}

const tryIt = (secret: string) => `curl ${window.location.origin}/v1/chat/completions \\
  -H 'authorization: Bearer ${secret}' \\
  -H 'content-type: application/json' \\
  -d '{"model": "default", "messages": [{"role": "user", "content": "Hello!"}]}'`

const STATUS = { active: 'text-good', expired: 'text-warn', revoked: 'text-muted' } as const

/** What the key may spend, and how much of it is gone. */
function Budgets({ id }: { id: string }) {
  const budgets = useQuery(budgetsQuery).data?.data.filter((budget) => budget.scope === 'key' && budget.subject === id) ?? []
  if (budgets.length === 0) return <Value of={null} />
  return budgets.map((budget) => (
    <span key={`${budget.name} ${budget.period}`} className="block text-xs">
      <Value of={money(budget.spent_microcents)} /> of {money(budget.limit_microcents)} a {budget.period}
      <Bar share={(budget.spent_microcents ?? 0) / Math.max(1, budget.limit_microcents)} look={budget.used_up ? 'bg-bad' : budget.warning ? 'bg-cost' : 'bg-requests'} />
    </span>
  ))
}

function limitText(limits: Key['limits']): string | null {
  const stated = Object.entries(limits ?? {}).flatMap(([name, value]) => (typeof value === 'number' && name.includes('_per_') ? [`${value} ${name.replaceAll('_', ' ')}`] : []))
  return stated.length === 0 ? null : stated.join(', ')
}

function KeyTable({ keys, onOpen }: { keys: readonly Key[]; onOpen: (what: 'edit' | 'rotate' | 'revoke', key: Key) => void }) {
  const now = new Date()
  const when = (at: string | null) => (at === null ? <Value of={null} /> : <time dateTime={at} title={exactTime(at)}>{recordTime(at, now)}</time>)
  const columns: Column<Key>[] = [
    {
      title: 'Key',
      narrow: 'main',
      width: 'xl:w-40',
      cell: (key) => (
        <>
          <RecordsLink filters={{ key_id: key.id }}><bdi>{key.label ?? key.id}</bdi></RecordsLink>
          <span className="block text-xs text-muted"><Foreign text={key.id} /></span>
        </>
      ),
    },
    { title: 'Status', narrow: 'main', width: 'w-20 xl:w-20', cell: (key) => <span className={STATUS[key.status]}>{key.status}</span> },
    { title: 'Team, project', width: 'xl:w-28', cell: (key) => <><Foreign text={key.team} /><span className="text-xs text-muted"><Foreign text={key.project} /></span></> },
    { title: 'May use', cell: (key) => <Foreign text={[...key.allowed_providers, ...key.allowed_models].join(', ') || 'all'} /> },
    { title: 'Limits', cell: (key) => <Foreign text={limitText(key.limits)} /> },
    { title: 'Budgets', width: 'xl:w-32', cell: (key) => <Budgets id={key.id} /> },
    { title: 'Expires', width: 'xl:w-20', cell: (key) => when(key.expires_at) },
    { title: 'Last used', width: 'xl:w-20', cell: (key) => when(key.last_used_at) },
    {
      title: 'Actions',
      narrow: 'main',
      width: 'w-28 xl:w-52',
      cell: (key) =>
        key.origin === 'config' ? (
          <span className="text-xs text-muted">set in the config file</span>
        ) : key.status === 'revoked' ? null : (
          <span className="flex flex-wrap gap-1">
            {(['edit', 'rotate', 'revoke'] as const).map((what) => (
              <Button key={what} onClick={() => { onOpen(what, key) }}>
                {what.replace(/^./, (letter) => letter.toUpperCase())}
                <span className="sr-only"> {key.label ?? key.id}</span>
              </Button>
            ))}
          </span>
        ),
    },
  ]
  return <Table caption="Virtual keys" rows={keys} columns={columns} rowKey={(key) => key.id} />
}
