/** What is shown when there is nothing to show: while it loads, and when it failed, with what to do about it. */

import { ApiError } from '../api/client'
import { Button } from './Button'

export function Loading({ what }: { what: string }) {
  return <p role="status" className="py-6 text-sm text-muted">Loading the {what}…</p>
}

export function Failure({ what, error, onRetry }: { what: string; error: Error; onRetry: () => void }) {
  const isSilent = error instanceof ApiError && error.status === null
  return (
    <div role="alert" className="rounded-lg border border-line bg-surface p-4 text-sm">
      <p className="font-medium text-bad">The {what} could not be loaded.</p>
      <p className="mt-1">
        {isSilent ? (
          <>The gateway at <code>{window.location.origin}</code> does not answer. Is it still running?</>
        ) : (
          <>It says: <bdi>{error.message}</bdi></>
        )}
      </p>
      <Button className="mt-3" onClick={onRetry}>Try again</Button>
    </div>
  )
}
