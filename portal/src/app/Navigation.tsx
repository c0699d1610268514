/** The way to every page that exists; folded away on narrow screens. */

import { hashKey, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useId, useState } from 'react'

import { api, done } from '../api/client'
import { sessionQuery } from '../api/queries'
import { PAGES } from '../links'
import { chooseTheme, useTheme } from '../theme'
import { Button } from '../ui/Button'
import { useFilters } from './FilterBar'
import { ZonePicker } from './ZonePicker'

const entry = 'block rounded px-3 py-1.5 text-sm hover:bg-raised'

const GROUPS = [...new Set(PAGES.map((page) => page.group))]

export function Navigation() {
  const [isOpen, setOpen] = useState(false)
  const menu = useId()
  const filters = useFilters()
  return (
    <header className="border-b border-line bg-surface lg:sticky lg:top-0 lg:h-dvh lg:overflow-y-auto lg:border-r lg:border-b-0">
      <div className="flex items-center justify-between px-4 py-3">
        <span className="font-semibold">llm-gateway</span>
        <Button className="lg:hidden" aria-expanded={isOpen} aria-controls={menu} onClick={() => { setOpen(!isOpen) }}>
          Menu
        </Button>
      </div>
      <nav id={menu} aria-label="Pages" className={`px-2 pb-3 lg:block ${isOpen ? '' : 'hidden'}`}>
        {GROUPS.map((group) => (
          <div key={group} className="mt-2 first:mt-0">
            <p className="px-3 pt-1 text-xs text-muted" aria-hidden="true">{group}</p>
            <ul aria-label={group}>
              {PAGES.filter((page) => page.group === group).map((page) => (
                <li key={page.title}>
                  <Link
                    {...page.link(filters)}
                    className={entry}
                    activeProps={{ className: 'bg-raised font-medium' }}
                    activeOptions={{ includeSearch: false, exact: page.title === 'Overview' }}
                    onClick={() => { setOpen(false) }}
                  >
                    {page.title}
                  </Link>
                </li>
              ))}
            </ul>
          </div>
        ))}
        <div className="mt-3 flex flex-wrap gap-2 border-t border-line px-1 pt-3">
          <ZonePicker />
          <ThemeToggle />
          <SignOut />
        </div>
      </nav>
    </header>
  )
}

function ThemeToggle() {
  const other = useTheme() === 'dark' ? 'light' : 'dark'
  return <Button onClick={() => { chooseTheme(other) }}>{other === 'dark' ? 'Dark theme' : 'Light theme'}</Button>
}

function SignOut() {
  const client = useQueryClient()
  const session = useQuery(sessionQuery)
  if (!session.data?.credential_required || !session.data.signed_in) return null
  const signOut = async () => {
    await done(api.DELETE('/v1/session'))
    client.setQueryData(sessionQuery.queryKey, { signed_in: false, credential_required: true, via: null })
    // Nothing that was seen stays behind for the next person.
    client.removeQueries({ predicate: (query) => query.queryHash !== hashKey(sessionQuery.queryKey) })
  }
  return <Button onClick={() => void signOut()}>Sign out</Button>
}
