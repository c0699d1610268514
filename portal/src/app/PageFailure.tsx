/** Shown in place of a page that failed itself; the rest of the portal goes on. */

import type { ErrorComponentProps } from '@tanstack/react-router'

import { Failure } from '../ui/states'

export function PageFailure({ error, reset }: ErrorComponentProps) {
  return <Failure what="page" error={error instanceof Error ? error : new Error(String(error))} onRetry={reset} />
}
