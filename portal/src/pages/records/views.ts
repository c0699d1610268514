/** Views of the records that somebody gave a name: kept in this browser, filters and order alone. */

import { defaultParseSearch, defaultStringifySearch } from '@tanstack/react-router'
import { useState } from 'react'

import { readFilters, type Filters } from '../../filters'

export interface View {
  name: string
  filters: Filters
}

const STORAGE_KEY = 'record-views'
const MOST_VIEWS = 50

export const BUILT_IN: readonly View[] = [
  { name: 'Failures', filters: { outcome: 'error' } },
  { name: 'Most expensive of yesterday', filters: { t: 'yesterday', sort: 'cost_microcents' } },
  { name: 'Slowest of the last hour', filters: { t: '1h', sort: 'latency_ms' } },
  { name: 'Sanitizer found something', filters: { t: '7d', findings: 'true' } },
  { name: 'Refused by the gateway', filters: { outcome: 'refused' } },
]

export function useViews() {
  const [views, setViews] = useState(stored)
  const change = (next: readonly View[]) => {
    setViews(next)
    try {
      localStorage.setItem(STORAGE_KEY, JSON.stringify(next.map(({ name, filters }) => [name, defaultStringifySearch(filters)])))
    } catch {
      // Storage is switched off or full: the view lasts as long as the page.
    }
  }
  return {
    views,
    add: (view: View) => { change([...views.filter(({ name }) => name !== view.name), view].slice(-MOST_VIEWS)) },
    remove: (name: string) => { change(views.filter((view) => view.name !== name)) },
  }
}

/** Whatever stands in the storage, only valid views come out. */
function stored(): readonly View[] {
  try {
    const read: unknown = JSON.parse(localStorage.getItem(STORAGE_KEY) ?? '[]')
    if (!Array.isArray(read)) return []
    return read.flatMap((entry: unknown): View[] => {
      const [name, search] = Array.isArray(entry) ? (entry as unknown[]) : []
      return typeof name === 'string' && typeof search === 'string' ? [{ name, filters: readFilters(defaultParseSearch(search)) }] : []
    })
  } catch {
    return []
  }
}
