/** The API, out of the gateway's own document: every call, its fields, and a form to try it. */

import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import type { Field as Described, Operation } from '../api/openapi'
import { openapiQuery } from '../api/queries'
import { apiLinks } from '../links'
import { Card } from '../ui/Card'
import { Field } from '../ui/Field'
import { Empty, PageHead } from '../ui/Page'
import { Failure, Loading } from '../ui/states'
import { Table, type Column } from '../ui/Table'
import { TryIt } from './docs/TryIt'

export function DocsPage() {
  const operations = useQuery(openapiQuery)
  return (
    <>
      <PageHead title="API docs">
        <a href={apiLinks.openapi} download="llm-gateway.openapi.json" className="min-h-8 rounded border border-line bg-raised px-3 py-1 text-sm hover:border-muted">Download OpenAPI 3.1</a>
      </PageHead>
      <p className="mt-3 text-sm text-muted">
        Postman, Insomnia and Bruno import it by its address: <code>{window.location.origin}{apiLinks.openapi}</code>
      </p>
      {operations.isPending && <Loading what="API document" />}
      {operations.isError && <Failure what="API document" error={operations.error} onRetry={() => void operations.refetch()} />}
      {operations.isSuccess && <Operations all={operations.data} />}
    </>
  )
}

function Operations({ all }: { all: readonly Operation[] }) {
  const [wanted, setWanted] = useState('')
  const words = wanted.toLowerCase()
  const shown = all.filter((operation) => `${operation.id} ${operation.summary} ${operation.tag}`.toLowerCase().includes(words))
  const tags = [...new Set(shown.map((operation) => operation.tag))]
  return (
    <>
      <Field label="Search" data-shortcut="/" className="mt-4 max-w-sm" value={wanted} onChange={(event) => { setWanted(event.target.value) }} placeholder="records" />
      {shown.length === 0 && <Empty>No call is called so.</Empty>}
      {tags.map((tag) => (
        <Card key={tag} title={tag}>
          <ul>
            {shown.filter((operation) => operation.tag === tag).map((operation) => <li key={operation.id}><One operation={operation} /></li>)}
          </ul>
        </Card>
      ))}
    </>
  )
}

function One({ operation }: { operation: Operation }) {
  const [isOpen, setOpen] = useState(false)
  return (
    <details className="border-b border-line last:border-0" onToggle={(event) => { setOpen(event.currentTarget.open) }}>
      <summary className="flex cursor-pointer flex-wrap items-baseline gap-x-3 py-2 text-sm hover:bg-raised">
        <span className="w-14 font-mono text-xs font-semibold">{operation.method}</span>
        <code className="break-all">{operation.path}</code>
        <span className="text-muted">{operation.summary}</span>
      </summary>
      {isOpen && (
        <div className="pb-4 pl-2">
          {operation.description !== '' && <p className="max-w-prose text-sm whitespace-pre-line">{operation.description}</p>}
          {operation.parameters.length > 0 && (
            <Fields
              title="Parameters"
              fields={operation.parameters.map((parameter) => ({ ...parameter, path: `${parameter.name} (${parameter.where})` }))}
            />
          )}
          {operation.body && <Fields title="Body" fields={operation.body.fields} />}
          {operation.answers.map((answer) => (
            <div key={answer.status}>
              <p className="mt-3 text-sm"><strong>{answer.status}</strong> {answer.description}</p>
              {answer.fields.length > 0 && <Fields title={`Answer ${answer.status}`} fields={answer.fields} />}
            </div>
          ))}
          <TryIt operation={operation} />
        </div>
      )}
    </details>
  )
}

const columns: Column<Described>[] = [
  { title: 'Field', narrow: 'main', cell: (field) => <code className="text-xs break-all">{field.path}{field.isRequired && <span className="text-muted"> required</span>}</code> },
  { title: 'Type', narrow: 'main', cell: (field) => <code className="text-xs break-words">{field.type}</code> },
  { title: 'Meaning', width: 'xl:w-1/2', cell: (field) => field.description },
]

function Fields({ title, fields }: { title: string; fields: readonly Described[] }) {
  if (fields.length === 0) return null
  return (
    <details className="mt-2">
      <summary className="cursor-pointer text-sm text-muted">{title}: {fields.length} {fields.length === 1 ? 'field' : 'fields'}</summary>
      <Table caption={title} rows={fields} columns={columns} rowKey={(field) => field.path} />
    </details>
  )
}
