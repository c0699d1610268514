/** Every address of the portal. Pages link to each other through here and nowhere else. */

import { linkOptions } from '@tanstack/react-router'

import type { Filters } from './filters'
import type { AskSearch } from './pages/ask/address'

/** What the page of routing is opened with: a record to decide again, or two profiles to compare. */
export interface RoutingPlay {
  record?: string | undefined
  one?: string | undefined
  against?: string | undefined
}

export const links = {
  overview: (filters: Filters) => linkOptions({ to: '/', search: filters }),
  records: (filters: Filters) => linkOptions({ to: '/records', search: filters }),
  record: (id: string, filters: Filters) => linkOptions({ to: '/records/$id', params: { id }, search: filters }),
  projects: (filters: Filters) => linkOptions({ to: '/projects', search: filters }),
  requesters: (filters: Filters) => linkOptions({ to: '/requesters', search: filters }),
  ask: (filters: Filters, asked: AskSearch = {}) => linkOptions({ to: '/ask', search: { ...filters, q: undefined, spec: undefined, after: undefined, ...asked } }),
  incidents: (filters: Filters) => linkOptions({ to: '/incidents', search: filters }),
  incident: (id: string, filters: Filters) => linkOptions({ to: '/incidents/$id', params: { id }, search: filters }),
  quality: (filters: Filters) => linkOptions({ to: '/quality', search: filters }),
  catalog: (filters: Filters) => linkOptions({ to: '/catalog', search: filters }),
  model: (id: string, filters: Filters) => linkOptions({ to: '/models/$', params: { _splat: id }, search: filters }),
  routing: (filters: Filters, play: RoutingPlay = {}) => linkOptions({ to: '/routing', search: { ...filters, ...play } }),
  profiles: (filters: Filters) => linkOptions({ to: '/profiles', search: filters }),
  limits: (filters: Filters) => linkOptions({ to: '/limits', search: filters }),
  settings: (filters: Filters) => linkOptions({ to: '/settings', search: filters }),
  keys: (filters: Filters) => linkOptions({ to: '/keys', search: filters }),
  providers: (filters: Filters) => linkOptions({ to: '/providers', search: filters }),
  playground: (filters: Filters, ask?: string) => linkOptions({ to: '/playground', search: { ...filters, ask } }),
  sanitizer: (filters: Filters) => linkOptions({ to: '/sanitizer', search: filters }),
  start: (filters: Filters) => linkOptions({ to: '/start', search: filters }),
  docs: (filters: Filters) => linkOptions({ to: '/docs', search: filters }),
  audit: (filters: Filters) => linkOptions({ to: '/audit', search: filters }),
}

/** The navigation, in the order in which it is read; the letter goes there after `g`. */
export const PAGES = [
  { group: 'Observe', link: links.overview, title: 'Overview', key: 'o' },
  { group: 'Observe', link: links.records, title: 'Records', key: 'r' },
  { group: 'Observe', link: (filters: Filters) => links.ask(filters), title: 'Ask', key: 'n' },
  { group: 'Observe', link: links.incidents, title: 'Incidents', key: 'i' },
  { group: 'Observe', link: links.projects, title: 'Projects', key: 'p' },
  { group: 'Observe', link: links.requesters, title: 'Requesters', key: 'u' },
  { group: 'Models', link: links.catalog, title: 'Catalog', key: 'c' },
  { group: 'Models', link: links.quality, title: 'Quality', key: 'q' },
  { group: 'Models', link: (filters: Filters) => links.routing(filters), title: 'Routing', key: 'w' },
  { group: 'Models', link: links.profiles, title: 'Profiles', key: 'f' },
  { group: 'Models', link: (filters: Filters) => links.playground(filters), title: 'Playground', key: 'y' },
  { group: 'Control', link: links.keys, title: 'Keys', key: 'k' },
  { group: 'Control', link: links.providers, title: 'Providers', key: 'v' },
  { group: 'Control', link: links.limits, title: 'Limits and budgets', key: 'l' },
  { group: 'Control', link: links.sanitizer, title: 'Sanitizer', key: 's' },
  { group: 'Control', link: links.audit, title: 'Audit log', key: 'a' },
  { group: 'Control', link: links.settings, title: 'Settings', key: 'e' },
  { group: 'Help', link: links.start, title: 'Getting started', key: 'g' },
  { group: 'Help', link: links.docs, title: 'API docs', key: 'd' },
] as const

/** Addresses outside the portal's own pages, served by the same gateway. */
export const apiLinks = {
  openapi: '/openapi.json',
  liveRecords: '/v1/records/live',
  liveIncidents: '/v1/incidents/live',
  records: '/v1/records',
}
