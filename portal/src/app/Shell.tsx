/** What is around every page: the navigation, the theme, the warnings, or the door itself. */

import { useQuery } from '@tanstack/react-query'
import { Outlet, useMatches } from '@tanstack/react-router'
import { Fragment, useEffect } from 'react'

import { sessionQuery } from '../api/queries'
import { Failure, Loading } from '../ui/states'
import { useTimeZone } from '../zone'
import { Banners } from './Banners'
import { Keyboard } from './Keyboard'
import { LoginForm } from './LoginForm'
import { Navigation } from './Navigation'

export function Shell() {
  useWindowTitle()
  return (
    <div className="min-h-dvh lg:grid lg:grid-cols-[13rem_1fr]">
      <a
        href="#main"
        className="sr-only rounded bg-accent text-on-accent focus:not-sr-only focus:absolute focus:top-2 focus:left-2 focus:z-10 focus:px-3 focus:py-2"
      >
        Skip to content
      </a>
      <Navigation />
      <div className="min-w-0">
        <Door />
      </div>
    </div>
  )
}

function Door() {
  const session = useQuery(sessionQuery)
  const zone = useTimeZone()
  if (session.isPending) return <Main><Loading what="portal" /></Main>
  if (session.isError) return <Main><Failure what="portal" error={session.error} onRetry={() => void session.refetch()} /></Main>
  if (!session.data.signed_in) return <Main><LoginForm /></Main>
  return (
    <>
      <Banners />
      {/* Every time on the page is written anew in another zone. */}
      <Main><Fragment key={zone}><Outlet /></Fragment></Main>
      <Keyboard />
    </>
  )
}

function Main({ children }: { children: React.ReactNode }) {
  return (
    <main id="main" tabIndex={-1} className="mx-auto max-w-7xl px-4 py-5 outline-none lg:px-8">
      {children}
    </main>
  )
}

function useWindowTitle() {
  const title = useMatches({ select: (matches) => matches.at(-1)?.staticData.title })
  useEffect(() => {
    document.title = title ? `${title} · llm-gateway` : 'llm-gateway'
  }, [title])
}
