/** The newest records: the list as it was asked for, and on top of it what has arrived since. */

import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useMemo, useState } from 'react'

import type { Schemas } from './client'
import { followRecords, type LiveState } from './live'
import { NEWEST, newestRecordsQuery, statsKey } from './queries'

type Row = Schemas['RecordView']

/** Sums are asked for again at most this often, however many records arrive. */
const STATS_EVERY_MS = 2_000

/** Both lists as one: each record once, newest first, no more than `most`. */
export function mergeNewest(arrived: readonly Row[], listed: readonly Row[], most: number): Row[] {
  const byId = new Map([...listed, ...arrived].map((row) => [row.id, row]))
  // The gateway writes times of equal length, so that text and time have one order.
  const newestFirst = (a: Row, b: Row) => (a.started_at === b.started_at ? (a.id < b.id ? 1 : -1) : a.started_at < b.started_at ? 1 : -1)
  return [...byId.values()].sort(newestFirst).slice(0, most)
}

export function useNewestRecords() {
  const client = useQueryClient()
  const listed = useQuery(newestRecordsQuery)
  const [arrived, setArrived] = useState<readonly Row[]>([])
  const [state, setState] = useState<LiveState>('connecting')

  useEffect(() => {
    let waiting: Row[] = []
    let frame = 0
    let sums: ReturnType<typeof setTimeout> | undefined

    // One render a frame however many records come; a hidden page has no frames and keeps only the newest.
    const show = () => {
      frame = 0
      const batch = waiting
      waiting = []
      setArrived((before) => mergeNewest(batch, before, NEWEST))
      sums ??= setTimeout(() => {
        sums = undefined
        void client.invalidateQueries({ queryKey: statsKey })
      }, STATS_EVERY_MS)
    }
    const stop = followRecords({
      onState: setState,
      onGap: () => void client.invalidateQueries({ queryKey: newestRecordsQuery.queryKey }),
      onRecord: (record) => {
        waiting = [...waiting, record].slice(-NEWEST)
        frame ||= requestAnimationFrame(show)
      },
    })
    return () => {
      stop()
      cancelAnimationFrame(frame)
      clearTimeout(sums)
    }
  }, [client])

  const rows = useMemo(() => mergeNewest(arrived, listed.data?.data ?? [], NEWEST), [arrived, listed.data])
  const arrivedIds = useMemo(() => new Set(arrived.map((row) => row.id)), [arrived])
  return { listed, rows, arrivedIds, state }
}
