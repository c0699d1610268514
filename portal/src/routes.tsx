/** Every page of the portal, on one page. Each loads its own code when it is first opened. */

import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router'

import { NotFound } from './app/NotFound'
import { PageFailure } from './app/PageFailure'
import { Shell } from './app/Shell'
import { readFilters } from './filters'
import { Loading } from './ui/states'

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound })

const overview = createRoute({
  getParentRoute: () => root,
  path: '/',
  validateSearch: readFilters,
  staticData: { title: 'Overview' },
  component: lazyRouteComponent(() => import('./pages/OverviewPage'), 'OverviewPage'),
})

export const createPortalRouter = () =>
  createRouter({
    routeTree: root.addChildren([overview]),
    defaultPreload: 'intent',
    defaultPendingComponent: () => <Loading what="page" />,
    defaultErrorComponent: PageFailure,
    scrollRestoration: true,
  })

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createPortalRouter>
  }

  interface StaticDataRouteOption {
    /** The page's name: its heading, its entry in the navigation and the window's title. */
    title?: string
  }
}
