/** Every page of the portal, on one page. Each loads its own code when it is first opened. */

import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router'

import { NotFound } from './app/NotFound'
import { PageFailure } from './app/PageFailure'
import { Shell } from './app/Shell'
import { readFilters } from './filters'
import { readAsk } from './pages/ask/address'
import type { RoutingPlay } from './links'
import { Loading } from './ui/states'

const text = (value: unknown) => (typeof value === 'string' && value.length <= 400 ? value : undefined)

// Every page has the same filters in its address, so that they are kept on the way from one to the next.
const root = createRootRoute({ component: Shell, notFoundComponent: NotFound, validateSearch: readFilters })

const overview = createRoute({
  getParentRoute: () => root,
  path: '/',
  staticData: { title: 'Overview' },
  component: lazyRouteComponent(() => import('./pages/OverviewPage'), 'OverviewPage'),
})

const records = createRoute({
  getParentRoute: () => root,
  path: '/records',
  staticData: { title: 'Records' },
  component: lazyRouteComponent(() => import('./pages/RecordsPage'), 'RecordsPage'),
})

const record = createRoute({
  getParentRoute: () => root,
  path: '/records/$id',
  staticData: { title: 'Record' },
  component: lazyRouteComponent(() => import('./pages/RecordPage'), 'RecordPage'),
})

const projects = createRoute({
  getParentRoute: () => root,
  path: '/projects',
  staticData: { title: 'Projects' },
  component: lazyRouteComponent(() => import('./pages/SeenPages'), 'ProjectsPage'),
})

const requesters = createRoute({
  getParentRoute: () => root,
  path: '/requesters',
  staticData: { title: 'Requesters' },
  component: lazyRouteComponent(() => import('./pages/SeenPages'), 'RequestersPage'),
})

const catalog = createRoute({
  getParentRoute: () => root,
  path: '/catalog',
  staticData: { title: 'Catalog' },
  component: lazyRouteComponent(() => import('./pages/CatalogPage'), 'CatalogPage'),
})

// Ids of models hold slashes.
const model = createRoute({
  getParentRoute: () => root,
  path: '/models/$',
  staticData: { title: 'Model' },
  component: lazyRouteComponent(() => import('./pages/ModelPage'), 'ModelPage'),
})

const playground = createRoute({
  getParentRoute: () => root,
  path: '/playground',
  validateSearch: (search: Record<string, unknown>): { ask?: string | undefined } => ({ ask: text(search['ask']) }),
  staticData: { title: 'Playground' },
  component: lazyRouteComponent(() => import('./pages/PlaygroundPage'), 'PlaygroundPage'),
})

const ask = createRoute({
  getParentRoute: () => root,
  path: '/ask',
  validateSearch: readAsk,
  staticData: { title: 'Ask' },
  component: lazyRouteComponent(() => import('./pages/AskPage'), 'AskPage'),
})

const incidents = createRoute({
  getParentRoute: () => root,
  path: '/incidents',
  staticData: { title: 'Incidents' },
  component: lazyRouteComponent(() => import('./pages/IncidentsPage'), 'IncidentsPage'),
})

const incident = createRoute({
  getParentRoute: () => root,
  path: '/incidents/$id',
  staticData: { title: 'Incident' },
  component: lazyRouteComponent(() => import('./pages/IncidentPage'), 'IncidentPage'),
})

const quality = createRoute({
  getParentRoute: () => root,
  path: '/quality',
  staticData: { title: 'Quality' },
  component: lazyRouteComponent(() => import('./pages/QualityPage'), 'QualityPage'),
})

const routing = createRoute({
  getParentRoute: () => root,
  path: '/routing',
  validateSearch: (search: Record<string, unknown>): RoutingPlay => ({ record: text(search['record']), one: text(search['one']), against: text(search['against']) }),
  staticData: { title: 'Routing' },
  component: lazyRouteComponent(() => import('./pages/RoutingPage'), 'RoutingPage'),
})

const profiles = createRoute({
  getParentRoute: () => root,
  path: '/profiles',
  staticData: { title: 'Profiles' },
  component: lazyRouteComponent(() => import('./pages/ProfilesPage'), 'ProfilesPage'),
})

const limits = createRoute({
  getParentRoute: () => root,
  path: '/limits',
  staticData: { title: 'Limits and budgets' },
  component: lazyRouteComponent(() => import('./pages/LimitsPage'), 'LimitsPage'),
})

const settings = createRoute({
  getParentRoute: () => root,
  path: '/settings',
  staticData: { title: 'Settings' },
  component: lazyRouteComponent(() => import('./pages/SettingsPage'), 'SettingsPage'),
})

const keys = createRoute({
  getParentRoute: () => root,
  path: '/keys',
  staticData: { title: 'Keys' },
  component: lazyRouteComponent(() => import('./pages/KeysPage'), 'KeysPage'),
})

const providers = createRoute({
  getParentRoute: () => root,
  path: '/providers',
  staticData: { title: 'Providers' },
  component: lazyRouteComponent(() => import('./pages/ProvidersPage'), 'ProvidersPage'),
})

const sanitizer = createRoute({
  getParentRoute: () => root,
  path: '/sanitizer',
  staticData: { title: 'Sanitizer' },
  component: lazyRouteComponent(() => import('./pages/SanitizerPage'), 'SanitizerPage'),
})

const audit = createRoute({
  getParentRoute: () => root,
  path: '/audit',
  staticData: { title: 'Audit log' },
  component: lazyRouteComponent(() => import('./pages/AuditPage'), 'AuditPage'),
})

const start = createRoute({
  getParentRoute: () => root,
  path: '/start',
  staticData: { title: 'Getting started' },
  component: lazyRouteComponent(() => import('./pages/StartPage'), 'StartPage'),
})

const docs = createRoute({
  getParentRoute: () => root,
  path: '/docs',
  staticData: { title: 'API docs' },
  component: lazyRouteComponent(() => import('./pages/DocsPage'), 'DocsPage'),
})

const pages = [
  overview, records, record, ask, incidents, incident, projects, requesters, catalog, model, quality, routing, profiles, playground,
  keys, providers, limits, sanitizer, audit, settings, start, docs,
]

export const createPortalRouter = () =>
  createRouter({
    routeTree: root.addChildren(pages),
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
