/** Ask: a question about the records in plain words, its answer as sentence, picture and table, and what to ask next. */

import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { useId, useState } from 'react'

import { askQuery, suggestionsQuery } from '../api/queries'
import { useFilters } from '../app/FilterBar'
import { readFilters } from '../filters'
import { exactCount, money } from '../format'
import { links } from '../links'
import { Button } from '../ui/Button'
import { Card } from '../ui/Card'
import { PageHead } from '../ui/Page'
import { Failure, Loading } from '../ui/states'
import { Picture } from './ask/Picture'
import { Rows } from './ask/Rows'
import { Sql, withValues } from './ask/Sql'
import { Ask, Understood } from './ask/Understood'
import type { Answer, AskSearch } from './ask/address'
import { rowsOf } from './ask/values'

const route = getRouteApi('/ask')
const EXAMPLE = 'SELECT model, count(*) AS requests, round(sum(cost_usd), 4) AS cost\nFROM requests\nGROUP BY model\nORDER BY cost DESC'
/** Completions that are offered. */
const MOST = 12

export function AskPage() {
  const { q, spec, after } = route.useSearch()
  const asked: AskSearch = { q, spec, after }
  const answer = useQuery({ ...askQuery(asked), enabled: q !== undefined || spec !== undefined })
  return (
    <>
      <PageHead title="Ask" />
      <Question key={`${q ?? ''} ${spec ?? ''}`} asked={asked} last={answer.data ?? undefined} />
      {answer.isLoading && <Loading what="answer" />}
      {answer.error && <Failure what="answer" error={answer.error} onRetry={() => { void answer.refetch() }} />}
      {answer.data && (answer.data.declined ? <Declined answer={answer.data} /> : <Answered answer={answer.data} />)}
      {!answer.data && !answer.isLoading && <Card title="SQL"><Sql given={EXAMPLE} /></Card>}
    </>
  )
}

function Question({ asked, last }: { asked: AskSearch; last: Answer | undefined }) {
  const filters = useFilters()
  const navigate = useNavigate()
  const suggestions = useQuery(suggestionsQuery)
  const [words, setWords] = useState(asked.q ?? '')
  const [id, list] = [useId(), useId()]
  const isNew = last === undefined && asked.q === undefined && asked.spec === undefined
  const submit = () => {
    if (words.trim() === '') return
    const after = last?.spec == null ? undefined : JSON.stringify(last.spec)
    void navigate(links.ask(filters, { q: words.trim(), after: after ?? asked.after }))
  }
  return (
    <Card title="Question">
      <form className="flex flex-wrap items-end gap-3" onSubmit={(event) => { event.preventDefault(); submit() }}>
        <div className="min-w-0 grow">
          <label htmlFor={id} className="block text-sm">{isNew ? 'What do you want to know?' : 'Ask something else, or more of the same'}</label>
          <input id={id} list={list} value={words} maxLength={2000} autoComplete="off" onChange={(event) => { setWords(event.target.value) }} placeholder="spend by team last month" className="mt-1 w-full rounded border border-muted bg-page px-2 py-1.5" />
          <datalist id={list}>{completions(words, suggestions.data).map((text) => <option key={text} value={text} />)}</datalist>
        </div>
        <Button type="submit">Ask</Button>
      </form>
      {isNew && (
        <ul aria-label="Questions to begin with" className="mt-3 flex flex-wrap gap-x-4 gap-y-1 text-sm">
          {suggestions.data?.questions.map((text) => (
            <li key={text}><Link {...links.ask(filters, { q: text })} className="underline underline-offset-2">{text}</Link></li>
          ))}
        </ul>
      )}
    </Card>
  )
}

/** Whole questions, and the question so far with its last word made a name. */
function completions(words: string, known: { questions: string[]; names: { name: string }[] } | undefined): string[] {
  if (known === undefined) return []
  const cut = words.lastIndexOf(' ') + 1
  const [before, last] = [words.slice(0, cut), words.slice(cut).toLowerCase()]
  const names = last === '' ? [] : known.names.filter(({ name }) => name.toLowerCase().startsWith(last)).map(({ name }) => before + name)
  return [...new Set([...names, ...known.questions])].slice(0, MOST)
}

function Declined({ answer }: { answer: Answer }) {
  const filters = useFilters()
  const declined = answer.declined
  if (!declined) return null
  return (
    <Card title="No answer">
      <p role="status" className="text-sm"><bdi>{declined.reason}</bdi></p>
      {declined.try.length > 0 && (
        <>
          <p className="mt-3 text-sm text-muted">What can be answered:</p>
          <ul className="mt-1 list-disc pl-5 text-sm">
            {declined.try.map((text) => <li key={text}><Link {...links.ask(filters, { q: text })} className="underline underline-offset-2"><bdi>{text}</bdi></Link></li>)}
          </ul>
        </>
      )}
      {declined.page != null && <p className="mt-3 text-sm">That is done on <a href={declined.page} className="underline underline-offset-2">its own page</a>.</p>}
    </Card>
  )
}

function Answered({ answer }: { answer: Answer }) {
  const filters = useFilters()
  const navigate = useNavigate()
  const { spec, why } = answer
  const pick = (column: { name: string }, value: string) => {
    const query = recordsOf(answer, column.name, value)
    if (query !== null) {
      void navigate(links.records(readFilters(query)))
      return
    }
    if (spec == null) return
    const filter = { dimension: column.name, op: 'one_of' as const, values: [value === '(none)' ? '' : value], negated: false }
    const rows = { ...spec, rows: true, measures: [], dimensions: [], having: [], compare: null, order: null, share: null, first: false, cumulative: false, drivers: false, limit: null, filters: [...(spec.filters ?? []), filter] }
    void navigate(links.ask(filters, { spec: JSON.stringify(rows) }))
  }
  return (
    <>
      <Card title="Answer" aside={<How why={why} />}>
        <p role="status" className="font-medium"><bdi>{answer.answer}</bdi></p>
        {answer.explanation != null && <p className="mt-2 text-sm"><span className="text-muted">A model says, unverified: </span><bdi>{answer.explanation}</bdi></p>}
        <Understood answer={answer} />
        <div className="mt-4"><Picture answer={answer} onPick={pick} /></div>
        {answer.follow_ups.length > 0 && (
          <ul aria-label="What to ask next" className="mt-4 flex flex-wrap gap-x-4 gap-y-1 text-sm">
            {answer.follow_ups.map(({ text, spec }) => <li key={text}><Ask spec={spec} label={text} /></li>)}
          </ul>
        )}
        {answer.records != null && (
          <p className="mt-3 text-sm"><Link {...links.records(readFilters(answer.records.query))} className="underline underline-offset-2">See the records</Link></p>
        )}
      </Card>
      <Card title="Table"><Rows caption="The answer's rows" columns={answer.columns} rows={rowsOf(answer)} isTruncated={answer.truncated} /></Card>
      {answer.sql != null && <Card title="SQL"><Sql key={answer.sql} given={withValues(answer.sql, answer.values)} /></Card>}
    </>
  )
}

/** What the list of records calls dimensions that questions call otherwise. */
const PARAMETERS: Record<string, string> = { requester: 'source', session: 'session_id' }
const SAME = ['project', 'team', 'provider', 'model', 'profile', 'client_api', 'endpoint', 'outcome', 'error_kind', 'cache', 'model_requested', 'finding_kind']

/** The filters of the records behind one bar; `null` when the list of records cannot say them. */
function recordsOf(answer: Answer, dimension: string, value: string): Record<string, string> | null {
  const name = PARAMETERS[dimension] ?? (SAME.includes(dimension) ? dimension : null)
  return answer.records == null || name === null || value.startsWith('(') ? null : { ...answer.records.query, [name]: value }
}

function How({ why }: { why: Answer['why'] }) {
  const readers: Record<string, string> = { parser: 'read without a model', spec: 'asked as it stands', model: 'read by a model', free_sql: 'SQL by a model, not verified' }
  return (
    <span className="text-xs text-muted">
      {readers[why.read_by] ?? why.read_by}
      {why.model != null && <> (<bdi>{why.model}</bdi>{why.cost_microcents != null && `, ${money(why.cost_microcents) ?? ''}`})</>}
      {`, ${exactCount(why.read_ms + why.run_ms) ?? ''} ms`}
    </span>
  )
}
