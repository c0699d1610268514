/**
 * The links of long lists. A router's own link costs a subscription and a built location each; a list that scrolls has
 * hundreds of them, so it has plain anchors and one listener that follows them.
 */

import { defaultStringifySearch, useNavigate, useRouter } from '@tanstack/react-router'
import { useEffect, useMemo, type RefObject } from 'react'

import { isDimension, withExcluded, withFilter, type AnyDimension, type Filters } from '../../filters'

export interface Hrefs {
  record: (id: string) => string
  /** Filters the page of records by the value. */
  filter: (name: AnyDimension, value: string) => string
}

export function useHrefs(filters: Filters): Hrefs {
  return useMemo(() => {
    const search = defaultStringifySearch(filters)
    return {
      record: (id) => `/records/${encodeURIComponent(id)}${search}`,
      filter: (name, value) => `/records${defaultStringifySearch(withFilter(filters, name, value))}`,
    }
  }, [filters])
}

/** Follows the anchors inside an element without a reload; with Alt held, a filter leaves its value out. */
export function useFollow(element: RefObject<HTMLElement | null>, filters: Filters): void {
  const router = useRouter()
  const navigate = useNavigate()
  useEffect(() => {
    const within = element.current
    if (!within) return
    const onClick = (event: MouseEvent) => {
      const link = event.target instanceof Element ? event.target.closest<HTMLAnchorElement>('a[data-follow]') : null
      if (!link || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return
      event.preventDefault()
      const { name, value } = link.dataset
      if (event.altKey && name !== undefined && value !== undefined && isDimension(name)) void navigate({ to: '.', search: withExcluded(filters, name, value) })
      else void router.navigate({ href: link.getAttribute('href') ?? '' })
    }
    within.addEventListener('click', onClick)
    return () => { within.removeEventListener('click', onClick) }
  }, [element, filters, navigate, router])
}
