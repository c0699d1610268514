/** The one filter bar: the stretch of time and the filters, what must not be among them; all of it in the address. */

import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { useId, useState } from 'react'

import { statsQuery } from '../api/queries'
import {
  ALL_DIMENSIONS, allDimensionNames, DEFAULT_RANGE, DIMENSIONS, excludedOf, isDimension, RANGE_LABELS, RANGES, windowOf, withExcluded, withFilter, withoutExcluded,
  type AnyDimension, type Filters,
} from '../filters'
import { bucketTime } from '../format'
import { momentOf, timeZone, wallTime } from '../zone'
import { Button } from '../ui/Button'
import { Dialog } from '../ui/Dialog'
import { Field, FormError, Select } from '../ui/Field'

/** The filters of the page that is shown. */
export function useFilters(): Filters {
  return useSearch({ from: '__root__' })
}

/** `known` are the dimensions that the page can be filtered by. */
export function FilterBar({ known = DIMENSIONS }: { known?: Partial<typeof ALL_DIMENSIONS> }) {
  const filters = useFilters()
  const [open, setOpen] = useState<'filter' | 'range' | null>(null)
  const set = allDimensionNames.filter((name) => filters[name] !== undefined)
  const excluded = excludedOf(filters)
  const close = () => { setOpen(null) }
  return (
    <div className="mt-3 flex flex-wrap items-center gap-2">
      <RangePicker filters={filters} onOther={() => { setOpen('range') }} />
      {set.length + excluded.length > 0 && (
        <ul aria-label="Filters" className="flex max-w-full flex-wrap gap-2">
          {set.map((name) => (
            <Chip key={name} title={ALL_DIMENSIONS[name]} value={filters[name] ?? ''} isKnown={name in known} without={withFilter(filters, name, undefined)} />
          ))}
          {excluded.map(([name, value]) => (
            <Chip key={`${name} ${value}`} title={`${DIMENSIONS[name]} is not`} value={value} isKnown={name in known} without={withoutExcluded(filters, name, value)} />
          ))}
        </ul>
      )}
      <Button data-shortcut="f" onClick={() => { setOpen('filter') }}>Add filter</Button>
      {open === 'filter' && <AddFilter known={known} filters={filters} onClose={close} />}
      {open === 'range' && <OwnRange filters={filters} onClose={close} />}
    </div>
  )
}

function RangePicker({ filters, onOther }: { filters: Filters; onOther: () => void }) {
  const selected = filters.from === undefined ? (filters.t ?? DEFAULT_RANGE) : null
  return (
    <nav aria-label="Range">
      <ul className="flex flex-wrap rounded border border-line bg-surface">
        {RANGES.map((range) => (
          <li key={range}>
            <Link
              to="."
              search={{ ...filters, t: range === DEFAULT_RANGE ? undefined : range, from: undefined, to: undefined }}
              aria-current={range === selected ? 'true' : undefined}
              className={`block px-2.5 py-1.5 text-sm hover:bg-raised sm:px-3 ${range === selected ? 'bg-raised font-medium' : ''}`}
            >
              {RANGE_LABELS[range]}
            </Link>
          </li>
        ))}
        <li>
          <button type="button" data-shortcut="t" aria-pressed={selected === null} className={`block px-2.5 py-1.5 text-sm hover:bg-raised sm:px-3 ${selected === null ? 'bg-raised font-medium' : ''}`} onClick={onOther}>
            {filters.from !== undefined && filters.to !== undefined ? <>{bucketTime(filters.from)} – {bucketTime(filters.to)}</> : 'Other…'}
          </button>
        </li>
      </ul>
    </nav>
  )
}

function OwnRange({ filters, onClose }: { filters: Filters; onClose: () => void }) {
  const navigate = useNavigate()
  const [now] = useState(() => windowOf(filters, new Date()))
  const [from, setFrom] = useState(() => wallTime(new Date(now.from)))
  const [to, setTo] = useState(() => wallTime(new Date(now.to)))
  const [fault, setFault] = useState<Error | null>(null)
  return (
    <Dialog title="From when to when" onClose={onClose}>
      <form
        className="grid gap-3"
        onSubmit={(event) => {
          event.preventDefault()
          const [first, last] = [momentOf(from), momentOf(to)]
          if (first === null || last === null || first >= last) {
            setFault(new Error('The beginning must lie before the end.'))
            return
          }
          void navigate({ to: '.', search: { ...filters, t: undefined, from: first.toISOString(), to: last.toISOString() } })
          onClose()
        }}
      >
        <Field label="From" type="datetime-local" required value={from} onChange={(event) => { setFrom(event.target.value) }} />
        <Field label="To" type="datetime-local" required value={to} onChange={(event) => { setTo(event.target.value) }} hint={`Times in ${timeZone()}.`} />
        <FormError error={fault} />
        <Button type="submit" className="justify-self-start">Apply</Button>
      </form>
    </Dialog>
  )
}

interface ChipProps {
  title: string
  value: string
  isKnown: boolean
  /** The filters without it. */
  without: Filters
}

function Chip({ title, value, isKnown, without }: ChipProps) {
  return (
    <li className={`flex max-w-full items-center rounded border border-line bg-surface text-sm ${isKnown ? '' : 'line-through opacity-75'}`}>
      <span className="truncate py-1 pl-2" title={isKnown ? undefined : 'This page cannot be filtered by it'}>
        <span className="text-muted">{title}</span> {value === '' ? <i>not set</i> : <bdi>{value}</bdi>}
      </span>
      <Link to="." search={without} aria-label={`Remove the filter ${title}`} className="px-2 py-1 hover:bg-raised">
        <span aria-hidden="true">×</span>
      </Link>
    </li>
  )
}

function AddFilter({ known, filters, onClose }: { known: Partial<typeof ALL_DIMENSIONS>; filters: Filters; onClose: () => void }) {
  const navigate = useNavigate()
  const list = useId()
  const names = allDimensionNames.filter((name) => name in known)
  const [name, setName] = useState<AnyDimension>(names[0] ?? 'project')
  const [isNot, setNot] = useState(false)
  const [value, setValue] = useState('')
  const values = useKnownValues(filters, name)
  const canExclude = isDimension(name)
  return (
    <Dialog title="Add filter" onClose={onClose}>
      <form
        className="grid gap-3"
        onSubmit={(event) => {
          event.preventDefault()
          const text = value.trim()
          void navigate({ to: '.', search: isNot && canExclude ? withExcluded(filters, name, text) : withFilter(filters, name, text === '' ? undefined : text) })
          onClose()
        }}
      >
        <div className="grid grid-cols-[1fr_6rem] gap-3">
          <Select
            label="Field"
            value={name}
            onChange={(event) => {
              const chosen = names.find((known) => known === event.target.value)
              if (chosen) setName(chosen)
            }}
          >
            {names.map((name) => <option key={name} value={name}>{ALL_DIMENSIONS[name]}</option>)}
          </Select>
          <Select label="Condition" value={isNot && canExclude ? 'not' : 'is'} disabled={!canExclude} onChange={(event) => { setNot(event.target.value === 'not') }}>
            <option value="is">is</option>
            <option value="not">is not</option>
          </Select>
        </div>
        <Field
          label="Value"
          list={list}
          value={value}
          onChange={(event) => { setValue(event.target.value) }}
          required
          maxLength={400}
          autoComplete="off"
          hint={HINTS[name] ?? 'In a table, a click on a value does the same, and a click with Alt leaves it out.'}
        />
        <datalist id={list}>{values.map((value) => <option key={value} value={value} />)}</datalist>
        <Button type="submit" className="justify-self-start">Apply</Button>
      </form>
    </Dialog>
  )
}

const HINTS: Partial<Record<AnyDimension, string>> = {
  stream: 'true or false.',
  findings: 'true or false.',
  status: 'Such as 429.',
  tags: 'Such as env=prod,team=search; all must be there.',
}

const CLOSED: Partial<Record<AnyDimension, readonly string[]>> = {
  outcome: ['ok', 'error', 'refused', 'client_disconnected'],
  cache: ['hit', 'miss', 'bypass'],
  stream: ['true', 'false'],
  findings: ['true', 'false'],
}

/** What was seen in the window, out of the sums that the page has anyway. */
function useKnownValues(filters: Filters, name: AnyDimension): readonly string[] {
  const { data } = useQuery(statsQuery({ t: filters.t, from: filters.from, to: filters.to }))
  switch (name) {
    case 'provider': return Object.keys(data?.providers ?? {})
    case 'model': return values(data?.by_model)
    case 'project': return values(data?.by_project)
    case 'source': return values(data?.by_source)
    case 'team': return values(data?.by_team)
    case 'key_id': return values(data?.by_key)
    case 'finding_kind': return [...new Set((data?.by_finding ?? []).map(({ kind }) => kind))]
    default: return CLOSED[name] ?? []
  }
}

function values(groups: readonly { name?: string | null }[] | undefined): string[] {
  return (groups ?? []).flatMap(({ name }) => (name == null ? [] : [name])).slice(0, 50)
}
