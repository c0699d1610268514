/** A value that filters the page it stands on, or leads to the records that it is a value of. */

import { Link, useNavigate } from '@tanstack/react-router'
import type { MouseEvent, ReactNode } from 'react'

import { useFilters } from '../app/FilterBar'
import { ALL_DIMENSIONS, isDimension, withExcluded, withFilter, type AnyDimension, type Filters } from '../filters'
import { links } from '../links'
import { Value } from './Value'

export const linkLook = 'underline decoration-line underline-offset-2 hover:decoration-ink'

/** Filters this page by the value; with Alt held it leaves the value out. */
export function FilterLink({ name, value, children }: { name: AnyDimension; value: string | null | undefined; children?: ReactNode }) {
  const filters = useFilters()
  const navigate = useNavigate()
  if (value == null) return <Value of={null} />
  const exclude = (event: MouseEvent) => {
    if (!event.altKey || !isDimension(name)) return
    event.preventDefault()
    void navigate({ to: '.', search: withExcluded(filters, name, value) })
  }
  return (
    <Link to="." search={withFilter(filters, name, value)} onClick={exclude} className={`block truncate ${linkLook}`} title={filterTitle(name, value)}>
      {children ?? <bdi>{value}</bdi>}
    </Link>
  )
}

export function filterTitle(name: AnyDimension, value: string): string {
  return `Only ${ALL_DIMENSIONS[name].toLowerCase()} ${value}${isDimension(name) ? '; with Alt: all others' : ''}`
}

/** A number, and the way to its records: those of this page’s filters and of these. */
export function RecordsLink({ filters, children }: { filters: Filters; children: ReactNode }) {
  const current = useFilters()
  return (
    // High enough to be hit with a finger.
    <Link {...links.records({ ...current, sort: undefined, ...filters })} className={`inline-block min-h-6 min-w-6 ${linkLook}`}>
      {children}
    </Link>
  )
}
