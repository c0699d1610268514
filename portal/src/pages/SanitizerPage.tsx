/** A text or a request, tried against the rules in force: what is found where, and what would be sent instead. */

import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import { api, read, type Schemas } from '../api/client'
import { sanitizeRulesQuery } from '../api/queries'
import { Button } from '../ui/Button'
import { Card } from '../ui/Card'
import { Area, Field, FormError, Select } from '../ui/Field'
import { Code, Empty, PageHead } from '../ui/Page'
import { Failure, Loading } from '../ui/states'
import { Table, type Column } from '../ui/Table'
import { Foreign } from '../ui/Value'

type Finding = Schemas['TriedFinding']

const EXAMPLE = 'Write to jane.doe@example.com, her card is 4111 1111 1111 1111.'

const SETS = {
  active: { words: 'as configured', rules: null },
  redact: { words: 'redact everything', rules: { enabled: true, actions: { credentials: 'redact', pii: 'redact' } } },
  mask: { words: 'mask everything', rules: { enabled: true, actions: { credentials: 'mask', pii: 'mask' } } },
  block: { words: 'block everything', rules: { enabled: true, compliance_gate: true } },
} as const
type SetName = keyof typeof SETS
const setNames = Object.keys(SETS) as SetName[]

export function SanitizerPage() {
  const [text, setText] = useState(EXAMPLE)
  const [set, setSet] = useState<SetName>('active')
  const [direction, setDirection] = useState('request')
  const attempt = useMutation({
    mutationFn: () => read(api.POST('/v1/sanitize', { body: { text, direction, rules: SETS[set].rules } })),
  })
  return (
    <>
      <PageHead title="Sanitizer" />
      <Card title="Try a text">
        <form className="grid gap-3" onSubmit={(event) => { event.preventDefault(); attempt.mutate() }}>
          <Area label="Text" rows={5} value={text} onChange={(event) => { setText(event.target.value) }} hint="It is looked at and forgotten: nothing is recorded or sent on." />
          <div className="flex flex-wrap items-end gap-3">
            <Select label="Rules" value={set} onChange={(event) => { setSet(setNames.find((name) => name === event.target.value) ?? 'active') }}>
              {setNames.map((name) => <option key={name} value={name}>{SETS[name].words}</option>)}
            </Select>
            <Select label="Direction" value={direction} onChange={(event) => { setDirection(event.target.value) }}>
              <option value="request">request</option>
              <option value="response">response</option>
            </Select>
            <Button type="submit" disabled={attempt.isPending}>Try</Button>
          </div>
          <FormError error={attempt.error} />
        </form>
        {attempt.data && <Outcome answer={attempt.data} />}
      </Card>
      <Rules />
    </>
  )
}

function Outcome({ answer }: { answer: Schemas['SanitizeAnswer'] }) {
  const columns: Column<Finding>[] = [
    { title: 'Kind', narrow: 'main', cell: (finding) => finding.kind },
    { title: 'Action', narrow: 'main', width: 'w-20', cell: (finding) => finding.action },
    { title: 'Rule', cell: (finding) => <Foreign text={finding.rule} /> },
    { title: 'Place', narrow: 'main', width: 'w-28', cell: (finding) => (finding.start == null ? <Foreign text={finding.place} /> : `${finding.start}–${finding.end ?? ''}`) },
  ]
  return (
    <div role="status" className="mt-4 border-t border-line pt-3">
      {!answer.enabled && <p className="text-sm text-warn">These rules are switched off: set <code>enabled</code> in <code>[sanitization]</code>.</p>}
      {answer.blocked && <p className="text-sm font-medium text-bad">■ Such a request is refused with 403.</p>}
      {answer.findings.length === 0 ? <Empty>Nothing was found.</Empty> : <Table caption="Findings" rows={answer.findings} columns={columns} rowKey={(finding) => `${finding.rule} ${finding.place} ${finding.start ?? ''}`} />}
      {answer.text != null && !answer.blocked && <Code label="The text as it would be sent" text={answer.text} />}
    </div>
  )
}

function Rules() {
  const rules = useQuery(sanitizeRulesQuery)
  const [wanted, setWanted] = useState('')
  const words = wanted.toLowerCase()
  const shown = rules.data?.rules.filter((rule) => `${rule.id} ${rule.kind} ${rule.finds} ${rule.action}`.toLowerCase().includes(words)) ?? []
  const columns: Column<Schemas['SanitizeRule']>[] = [
    { title: 'Rule', narrow: 'main', cell: (rule) => <Foreign text={rule.id} /> },
    { title: 'Category', width: 'xl:w-32', cell: (rule) => rule.category },
    { title: 'Action', narrow: 'main', width: 'w-20', cell: (rule) => rule.action },
    { title: 'Finds', cell: (rule) => rule.finds },
  ]
  return (
    <Card title="Rules in force" aside={rules.data && <span className="text-sm text-muted">{rules.data.enabled ? 'switched on' : 'switched off'}</span>}>
      {rules.isPending && <Loading what="rules" />}
      {rules.isError && <Failure what="rules" error={rules.error} onRetry={() => void rules.refetch()} />}
      {rules.isSuccess && (
        <>
          <Field label="Search" data-shortcut="/" className="mb-3 max-w-sm" value={wanted} onChange={(event) => { setWanted(event.target.value) }} />
          {shown.length === 0 ? <Empty>No rule is called so.</Empty> : <Table caption="Rules" rows={shown} columns={columns} rowKey={(rule) => rule.id} />}
        </>
      )}
    </Card>
  )
}
