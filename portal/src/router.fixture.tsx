/** A router for tests: one page, at the address that is given. */

import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { createMemoryHistory, createRootRoute, createRouter, RouterProvider } from '@tanstack/react-router'
import { render } from '@testing-library/react'
import type { ReactNode } from 'react'

import { readFilters } from './filters'

export async function renderPage(page: ReactNode, address = '/'): Promise<void> {
  const root = createRootRoute({ validateSearch: readFilters, notFoundComponent: () => page, component: () => page })
  const router = createRouter({ routeTree: root, history: createMemoryHistory({ initialEntries: [address] }) })
  await router.load()
  render(
    <QueryClientProvider client={new QueryClient()}>
      <RouterProvider router={router as never} />
    </QueryClientProvider>,
  )
}
