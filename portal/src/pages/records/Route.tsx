/** Why a request of the past went where it went; there is nothing to show for one that was refused before. */

import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'

import { routeQuery } from '../../api/queries'
import { useFilters } from '../../app/FilterBar'
import { links } from '../../links'
import { Card } from '../../ui/Card'
import { Empty } from '../../ui/Page'
import { Failure, Loading } from '../../ui/states'
import { Decision } from '../routing/Decision'
import { nameOf } from '../routing/facts'

const NEXT: Record<string, string> = {
  answered: 'it answered',
  retried: 'the same target was asked again',
  fell_back: 'the next one was asked',
  overtaken: 'given up: the call beside it answered first',
  waited: 'the call beside it was waited for',
  ended: 'that was the end',
}

export function Route({ id, isKept }: { id: string; isKept: boolean }) {
  const filters = useFilters()
  const route = useQuery({ ...routeQuery(id), enabled: isKept })
  return (
    <Card title="Why it went there" aside={isKept && <Link {...links.routing(filters, { record: id })} className="text-sm underline underline-offset-2">Decide it again</Link>}>
      {isKept && route.isPending && <Loading what="routing trace" />}
      {!isKept && <Empty>No decision was kept: it was refused before it was routed, or came before decisions were kept.</Empty>}
      {route.isError && <Failure what="routing trace" error={route.error} onRetry={() => void route.refetch()} />}
      {route.isSuccess && (
        <>
          <Decision view={route.data.decision} />
          {route.data.walk.length > 0 && (
            <ol className="mt-3 list-inside list-decimal text-sm">
              {route.data.walk.map((step, number) => (
                <li key={number}>
                  <bdi>{nameOf(step)}</bdi>: {step.status ?? ''} <bdi>{step.error_kind ?? step.outcome}</bdi>; {NEXT[step.next] ?? step.next}
                </li>
              ))}
            </ol>
          )}
        </>
      )}
    </Card>
  )
}
