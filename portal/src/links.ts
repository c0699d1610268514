/** Every address of the portal. Pages link to each other through here and nowhere else. */

import { linkOptions } from '@tanstack/react-router'

import type { Filters } from './filters'

export const links = {
  overview: (filters: Filters) => linkOptions({ to: '/', search: filters }),
}

/** Addresses outside the portal's own pages, served by the same gateway. */
export const apiLinks = {
  openapi: '/openapi.json',
  liveRecords: '/v1/records/live',
}
