/**
 * The live tail of a list: what the server sends of its filter, one batch a frame, no more rows than a page has.
 *
 * While the reader has scrolled down nothing moves under him: new rows wait behind a button.
 */

import { useEffect, useMemo, useRef, useState } from 'react'

import { listOf, type Filters } from '../filters'
import type { Schemas } from './client'
import { followRecords, type LiveState } from './live'
import { mergeNewest } from './newest'
import { PAGE } from './queries'

type Row = Schemas['RecordView']

const NONE: readonly Row[] = []

export function useTail(filters: Filters, isOn: boolean, listed: readonly Row[] | undefined) {
  const [arrived, setArrived] = useState<readonly Row[]>(NONE)
  const [waiting, setWaiting] = useState<readonly Row[]>(NONE)
  const [dropped, setDropped] = useState(0)
  const [state, setState] = useState<LiveState>('connecting')
  const query = new URLSearchParams(listOf(filters)).toString()
  const held = useRef<readonly Row[]>(NONE)

  useEffect(() => {
    if (!isOn) return
    let batch: Row[] = []
    let frame = 0
    const flush = () => {
      frame = 0
      held.current = mergeNewest(batch, held.current, PAGE)
      batch = []
      if (window.scrollY > 200) {
        setWaiting(held.current)
        return
      }
      const shown = held.current
      held.current = NONE
      setWaiting(NONE)
      setArrived((before) => mergeNewest(shown, before, PAGE))
    }
    const stop = followRecords(
      {
        onState: setState,
        onGap: (skipped) => { setDropped((before) => before + skipped) },
        onRecord: (record) => {
          batch = [...batch, record].slice(-PAGE)
          frame ||= requestAnimationFrame(flush)
        },
      },
      query,
    )
    return () => {
      stop()
      cancelAnimationFrame(frame)
    }
  }, [isOn, query])

  const show = () => {
    const shown = held.current
    held.current = NONE
    setWaiting(NONE)
    setArrived((before) => mergeNewest(shown, before, PAGE))
    window.scrollTo({ top: 0 })
  }
  const rows = useMemo(() => (arrived.length === 0 ? (listed ?? NONE) : mergeNewest(arrived, listed ?? NONE, PAGE)), [arrived, listed])
  const arrivedIds = useMemo(() => new Set(arrived.map((row) => row.id)), [arrived])
  return { rows, arrivedIds, state, waiting: waiting.length, dropped, show }
}
