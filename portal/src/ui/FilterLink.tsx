/** A value that filters the page it stands on, or leads to the records that it is a value of. */

import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'

import { useFilters } from '../app/FilterBar'
import { ALL_DIMENSIONS, withFilter, type AnyDimension } from '../filters'
import { links } from '../links'
import { Foreign, Value } from './Value'

const look = 'block truncate underline decoration-line underline-offset-2 hover:decoration-ink'

/** Filters this page by the value. */
export function FilterLink({ name, value, children }: { name: AnyDimension; value: string | null | undefined; children?: ReactNode }) {
  const filters = useFilters()
  if (value == null) return <Value of={null} />
  return (
    <Link to="." search={withFilter(filters, name, value)} className={look} title={`Only ${ALL_DIMENSIONS[name].toLowerCase()} ${value}`}>
      {children ?? <bdi>{value}</bdi>}
    </Link>
  )
}

/** A number, and the way to its records. */
export function RecordsLink({ filters, children }: { filters: Partial<Record<AnyDimension, string>>; children: ReactNode }) {
  const current = useFilters()
  return (
    <Link {...links.records({ ...current, ...filters })} className="underline decoration-line underline-offset-2 hover:decoration-ink">
      {children}
    </Link>
  )
}

export { Foreign }
