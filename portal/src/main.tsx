/** The entry: one query client, one router, one page. */

import './styles.css'

import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'

import { sessionQuery } from './api/queries'
import { createQueryClient } from './api/query-client'
import { createPortalRouter } from './routes'

const root = document.getElementById('root')
if (root) {
  const client = createQueryClient()
  // No page shows anything before it is known who is there: asked for while its code is still on the way.
  client.query(sessionQuery).catch(() => undefined)
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={client}>
        <RouterProvider router={createPortalRouter()} />
      </QueryClientProvider>
    </StrictMode>,
  )
}
