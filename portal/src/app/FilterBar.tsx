/** The one filter bar: the stretch of time and the filters, all of them in the address. */

import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { useId, useState } from 'react'

import { statsQuery } from '../api/queries'
import { ALL_DIMENSIONS, allDimensionNames, DEFAULT_RANGE, DIMENSIONS, RANGE_LABELS, RANGES, withFilter, type AnyDimension, type Filters } from '../filters'
import { bucketTime } from '../format'
import { Button } from '../ui/Button'
import { Dialog } from '../ui/Dialog'
import { Field, Select } from '../ui/Field'

/** The filters of the page that is shown. */
export function useFilters(): Filters {
  return useSearch({ from: '__root__' })
}

/** `known` are the dimensions that the page can be filtered by. */
export function FilterBar({ known = DIMENSIONS }: { known?: Partial<typeof ALL_DIMENSIONS> }) {
  const filters = useFilters()
  const [isAdding, setAdding] = useState(false)
  const set = allDimensionNames.filter((name) => filters[name] !== undefined)
  return (
    <div className="mt-3 flex flex-wrap items-center gap-2">
      <RangePicker filters={filters} />
      {set.length > 0 && (
        <ul aria-label="Filters" className="flex max-w-full flex-wrap gap-2">
          {set.map((name) => <Chip key={name} name={name} filters={filters} isKnown={name in known} />)}
        </ul>
      )}
      <Button data-shortcut="f" onClick={() => { setAdding(true) }}>Add filter</Button>
      {isAdding && <AddFilter known={known} filters={filters} onClose={() => { setAdding(false) }} />}
    </div>
  )
}

function RangePicker({ filters }: { filters: Filters }) {
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
              className={`block px-3 py-1.5 text-sm hover:bg-raised ${range === selected ? 'bg-raised font-medium' : ''}`}
            >
              {RANGE_LABELS[range]}
            </Link>
          </li>
        ))}
        {filters.from !== undefined && filters.to !== undefined && (
          <li aria-current="true" className="bg-raised px-3 py-1.5 text-sm font-medium">
            {bucketTime(filters.from)} – {bucketTime(filters.to)}
          </li>
        )}
      </ul>
    </nav>
  )
}

function Chip({ name, filters, isKnown }: { name: AnyDimension; filters: Filters; isKnown: boolean }) {
  const title = ALL_DIMENSIONS[name]
  return (
    <li className={`flex max-w-full items-center rounded border border-line bg-surface text-sm ${isKnown ? '' : 'line-through opacity-75'}`}>
      <span className="truncate py-1 pl-2" title={isKnown ? undefined : 'This page cannot be filtered by it'}>
        <span className="text-muted">{title}</span> <bdi>{filters[name]}</bdi>
      </span>
      <Link to="." search={withFilter(filters, name, undefined)} aria-label={`Remove the filter ${title}`} className="px-2 py-1 hover:bg-raised">
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
  const [value, setValue] = useState('')
  const values = useKnownValues(filters, name)
  return (
    <Dialog title="Add filter" onClose={onClose}>
      <form
        className="grid gap-3"
        onSubmit={(event) => {
          event.preventDefault()
          void navigate({ to: '.', search: withFilter(filters, name, value.trim() === '' ? undefined : value.trim()) })
          onClose()
        }}
      >
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
        <Field label="Value" list={list} value={value} onChange={(event) => { setValue(event.target.value) }} required maxLength={400} autoComplete="off" />
        <datalist id={list}>{values.map((value) => <option key={value} value={value} />)}</datalist>
        <Button type="submit" className="justify-self-start">Apply</Button>
      </form>
    </Dialog>
  )
}

const OUTCOMES = ['ok', 'error', 'refused', 'client_disconnected']
const CACHE = ['hit', 'miss', 'bypass']

/** What was seen in the window, out of the sums that the page has anyway. */
function useKnownValues(filters: Filters, name: AnyDimension): readonly string[] {
  const { data } = useQuery(statsQuery({ t: filters.t, from: filters.from, to: filters.to }))
  switch (name) {
    case 'outcome': return OUTCOMES
    case 'cache': return CACHE
    case 'provider': return Object.keys(data?.providers ?? {})
    case 'model': return values(data?.by_model)
    case 'project': return values(data?.by_project)
    case 'source': return values(data?.by_source)
    case 'team': return values(data?.by_team)
    case 'key_id': return values(data?.by_key)
    default: return []
  }
}

function values(groups: readonly { name?: string | null }[] | undefined): string[] {
  return (groups ?? []).flatMap(({ name }) => (name == null ? [] : [name])).slice(0, 50)
}
