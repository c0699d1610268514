/**
 * The live tail of a list: what the server sends of its filter, one batch a frame, no more rows than `MOST_LIVE`.
 *
 * While the reader has scrolled down nothing moves under him: new rows wait behind a button.
 */

import { useQuery } from '@tanstack/react-query'
import { useEffect, useMemo, useRef, useState } from 'react'

import { listText, type Filters } from '../filters'
import type { Schemas } from './client'
import { followRecords, type LiveState } from './live'
import { mergeNewest } from './newest'
import { newestFittingQuery } from './queries'

type Row = Schemas['RecordView']

/** Rows of the tail: what is older falls off, so that memory does not grow. */
export const MOST_LIVE = 500

const NONE: readonly Row[] = []

export function useTail(filters: Filters, isOn: boolean) {
  const { data: listed, refetch } = useQuery({ ...newestFittingQuery(filters), enabled: isOn })
  const [arrived, setArrived] = useState<readonly Row[]>(NONE)
  const [waiting, setWaiting] = useState<readonly Row[]>(NONE)
  const [dropped, setDropped] = useState(0)
  const [state, setState] = useState<LiveState>('connecting')
  const query = new URLSearchParams(listText(filters)).toString()
  const held = useRef<readonly Row[]>(NONE)

  useEffect(() => {
    if (!isOn) return
    let batch: Row[] = []
    let frame = 0
    const flush = () => {
      frame = 0
      held.current = mergeNewest(batch, held.current, MOST_LIVE)
      batch = []
      if (window.scrollY > 200) {
        setWaiting(held.current)
        return
      }
      const shown = held.current
      held.current = NONE
      setWaiting(NONE)
      setArrived((before) => mergeNewest(shown, before, MOST_LIVE))
    }
    const stop = followRecords(
      {
        onState: setState,
        // What came before the stream began, and what it skipped, is in the list.
        onGap: (skipped) => {
          setDropped((before) => before + skipped)
          void refetch()
        },
        onRecord: (record) => {
          batch = [...batch, record].slice(-MOST_LIVE)
          frame ||= requestAnimationFrame(flush)
        },
      },
      query,
    )
    return () => {
      stop()
      cancelAnimationFrame(frame)
    }
  }, [isOn, query, refetch])

  const show = () => {
    const shown = held.current
    held.current = NONE
    setWaiting(NONE)
    setArrived((before) => mergeNewest(shown, before, MOST_LIVE))
    window.scrollTo({ top: 0 })
  }
  const rows = useMemo(() => mergeNewest(arrived, listed?.data ?? NONE, MOST_LIVE), [arrived, listed])
  const arrivedIds = useMemo(() => new Set(arrived.map((row) => row.id)), [arrived])
  return { rows, arrivedIds, state, waiting: waiting.length, dropped, show }
}
