/** How all queries behave: failures that will not pass by themselves are not tried again, and a lost session is noticed. */

import { QueryCache, QueryClient } from '@tanstack/react-query'

import { ApiError } from './client'
import { sessionQuery } from './queries'

const MAX_RETRIES = 2

export function createQueryClient(): QueryClient {
  const client: QueryClient = new QueryClient({
    queryCache: new QueryCache({
      onError: (error) => {
        if (error instanceof ApiError && error.isUnauthenticated) {
          void client.invalidateQueries({ queryKey: sessionQuery.queryKey })
        }
      },
    }),
    defaultOptions: {
      queries: { retry: (tries, error) => tries < MAX_RETRIES && mayPass(error), staleTime: 10_000 },
    },
  })
  return client
}

/** No answer, or one that blames the gateway and not the request. */
function mayPass(error: Error): boolean {
  return !(error instanceof ApiError) || error.status === null || error.status >= 500
}
