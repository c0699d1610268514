/** Providers: where requests can go, and how each fares. Their keys go in and never come out. */

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'

import { api, done, read, type Schemas } from '../api/client'
import { providersQuery, statsQuery } from '../api/queries'
import { useFilters } from '../app/FilterBar'
import { count, duration, exactTime, percent } from '../format'
import { Button } from '../ui/Button'
import { Card } from '../ui/Card'
import { Dialog } from '../ui/Dialog'
import { FormError } from '../ui/Field'
import { RecordsLink } from '../ui/FilterLink'
import { Empty, PageHead } from '../ui/Page'
import { Failure, Loading } from '../ui/states'
import { Table, type Column } from '../ui/Table'
import { Foreign, Value } from '../ui/Value'
import { ProviderForm, type ProviderFields } from './providers/ProviderForm'

type Provider = Schemas['Provider']

export function ProvidersPage() {
  const client = useQueryClient()
  const providers = useQuery(providersQuery)
  const [open, setOpen] = useState<{ what: 'new' } | { what: 'edit' | 'delete'; provider: Provider } | null>(null)
  const changed = () => client.invalidateQueries({ queryKey: providersQuery.queryKey })
  const create = useMutation({
    mutationFn: ({ id, provider_type, ...fields }: ProviderFields) => read(api.POST('/v1/providers', { body: { id, provider_type, ...fields } })),
    onSuccess: () => { setOpen(null); void changed() },
  })
  const edit = useMutation({
    mutationFn: ({ provider, change }: { provider: Provider; change: Schemas['ProviderChange'] }) =>
      read(api.PATCH('/v1/providers/{id}', { params: { path: { id: provider.id } }, body: change })),
    onSuccess: () => { setOpen(null); void changed() },
  })
  const remove = useMutation({
    mutationFn: (provider: Provider) => done(api.DELETE('/v1/providers/{id}', { params: { path: { id: provider.id } } })),
    onSuccess: () => { setOpen(null); void changed() },
  })
  const test = useMutation({
    mutationFn: (provider: Provider) => read(api.POST('/v1/providers/{id}/test', { params: { path: { id: provider.id } } })),
  })
  const show = (next: typeof open) => {
    for (const mutation of [create, edit, remove]) mutation.reset()
    setOpen(next)
  }
  return (
    <>
      <PageHead title="Providers"><Button onClick={() => { show({ what: 'new' }) }}>Add provider</Button></PageHead>
      <Card title="Providers">
        {providers.isPending && <Loading what="providers" />}
        {providers.isError && <Failure what="list of providers" error={providers.error} onRetry={() => void providers.refetch()} />}
        {providers.data?.data.length === 0 && <Empty>There is none yet. Add one here, or set e.g. <code>OPENAI_API_KEY</code> in the gateway’s environment.</Empty>}
        {providers.data && providers.data.data.length > 0 && (
          <ProviderTable
            providers={providers.data.data}
            onOpen={(what, provider) => { show({ what, provider }) }}
            onEnable={(provider) => { edit.mutate({ provider, change: { enabled: !provider.enabled } }) }}
            onTest={(provider) => { test.mutate(provider) }}
          />
        )}
        <p role="status" className="mt-2 text-sm empty:hidden">
          {test.isPending && `Testing ${test.variables.id}…`}
          {test.data && (
            <span className={test.data.ok ? 'text-good' : 'text-bad'}>
              <bdi>{test.variables.id}</bdi>: {test.data.ok ? '●' : '✕'} {test.data.status ?? ''} <bdi>{test.data.message}</bdi>
              {test.data.models !== null && `; it lists ${test.data.models} models`}, after {duration(test.data.latency_ms)}
            </span>
          )}
        </p>
        <FormError error={test.error} />
        {open === null && <FormError error={edit.error} />}
      </Card>
      {open?.what === 'new' && (
        <Dialog title="Add provider" onClose={() => { show(null) }}>
          <ProviderForm submit="Add" isPending={create.isPending} error={create.error} onSubmit={(fields) => { create.mutate(fields) }} />
        </Dialog>
      )}
      {open?.what === 'edit' && (
        <Dialog title={`Edit ${open.provider.id}`} onClose={() => { show(null) }}>
          <ProviderForm
            known={open.provider}
            submit="Save"
            isPending={edit.isPending}
            error={edit.error}
            onSubmit={(fields) => { edit.mutate({ provider: open.provider, change: changeOf(fields) }) }}
          />
        </Dialog>
      )}
      {open?.what === 'delete' && (
        <Dialog title={`Delete ${open.provider.id}?`} onClose={() => { show(null) }}>
          <p className="text-sm">Nothing is sent there any more, and its key is deleted. Its records stay.</p>
          <FormError error={remove.error} />
          <Button className="mt-3" disabled={remove.isPending} onClick={() => { remove.mutate(open.provider) }}>Delete</Button>
        </Dialog>
      )}
    </>
  )
}

/** Whether it is called, and which of its models are being left alone after failures. */
function State({ provider }: { provider: Provider }) {
  const open = provider.model_health.filter((health) => health.breaker !== 'closed')
  return (
    <>
      <span className={provider.enabled ? 'text-good' : 'text-muted'}>{provider.enabled ? 'enabled' : 'disabled'}</span>
      {open.map((health) => (
        <span key={health.model ?? ''} className="block text-xs text-bad" title={health.open_until === null ? undefined : `until ${exactTime(health.open_until)}`}>
          ■ <bdi>{health.model ?? 'no model'}</bdi>: breaker {health.breaker.replace('_', ' ')}
        </span>
      ))}
    </>
  )
}

/** An id and a type are for good. */
function changeOf(fields: ProviderFields): Schemas['ProviderChange'] {
  const change: Partial<ProviderFields> = { ...fields }
  delete change.id
  delete change.provider_type
  return change
}

interface TableProps {
  providers: readonly Provider[]
  onOpen: (what: 'edit' | 'delete', provider: Provider) => void
  onEnable: (provider: Provider) => void
  onTest: (provider: Provider) => void
}

const ORIGINS: Record<Provider['origin'], string> = {
  api: 'added here',
  config: 'set in the config file',
  environment: 'set by the environment',
  providers_json: 'set in providers.json',
}

function ProviderTable({ providers, onOpen, onEnable, onTest }: TableProps) {
  const filters = useFilters()
  const stats = useQuery(statsQuery({ t: filters.t, from: filters.from, to: filters.to }))
  const sums = (provider: Provider) => stats.data?.providers[provider.id]
  const columns: Column<Provider>[] = [
    {
      title: 'Provider',
      narrow: 'main',
      cell: (provider) => (
        <>
          <strong className="block truncate font-medium"><bdi>{provider.id}</bdi></strong>
          <span className="block text-xs text-muted">{provider.provider_type}</span>
          <span className="block text-xs text-muted"><Foreign text={provider.base_url} /></span>
        </>
      ),
    },
    {
      title: 'State',
      narrow: 'main',
      width: 'w-20',
      cell: (provider) => <State provider={provider} />,
    },
    { title: 'Key', width: 'xl:w-20', cell: (provider) => ({ none: 'none', own: 'stored', passthrough: 'the client’s' })[provider.credential] },
    { title: 'Models', cell: (provider) => <Foreign text={provider.models.join(', ') || provider.default_model} /> },
    { title: 'Requests', isNumber: true, width: 'xl:w-20', cell: (provider) => <RecordsLink filters={{ provider: provider.id }}>{count(sums(provider)?.total_requests ?? 0)}</RecordsLink> },
    { title: 'Success', isNumber: true, width: 'xl:w-20', cell: (provider) => <Value of={percent(sums(provider)?.success_rate)} /> },
    { title: 'p95 latency', isNumber: true, width: 'xl:w-24', cell: (provider) => <Value of={duration(sums(provider)?.p95_latency_ms)} /> },
    {
      title: 'Actions',
      narrow: 'main',
      width: 'w-28 xl:w-60',
      cell: (provider) => (
        <span className="flex flex-wrap items-center gap-1">
          <Button onClick={() => { onTest(provider) }}>Test<span className="sr-only"> {provider.id}</span></Button>
          {provider.origin === 'api' ? (
            <>
              <Button onClick={() => { onOpen('edit', provider) }}>Edit<span className="sr-only"> {provider.id}</span></Button>
              <Button onClick={() => { onEnable(provider) }}>{provider.enabled ? 'Disable' : 'Enable'}<span className="sr-only"> {provider.id}</span></Button>
              <Button onClick={() => { onOpen('delete', provider) }}>Delete<span className="sr-only"> {provider.id}</span></Button>
            </>
          ) : (
            <span className="text-xs text-muted">{ORIGINS[provider.origin]}</span>
          )}
        </span>
      ),
    },
  ]
  return <Table caption="Providers" rows={providers} columns={columns} rowKey={(provider) => provider.id} />
}
