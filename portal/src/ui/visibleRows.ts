/** Which rows of a list of any length are in sight, when the whole page scrolls and every row is equally high. */

import { useEffect, useState, type RefObject } from 'react'

/** Rows that are drawn beyond either edge, so that scrolling shows no gap. */
const BEYOND = 12
/** Edges move by so many rows at once, so that not every step draws. */
const STEP = 4

export interface Visible {
  first: number
  /** The first one that is not drawn any more. */
  last: number
}

/** `onSight` is told the same, whenever it changes. */
export function useVisibleRows(list: RefObject<HTMLElement | null>, count: number, rowHeight: number, onSight: (first: number, last: number) => void): Visible {
  const [visible, setVisible] = useState<Visible>({ first: 0, last: Math.min(count, 40) })
  useEffect(() => {
    let frame = 0
    const look = () => {
      frame = 0
      const element = list.current
      if (!element) return
      const top = element.getBoundingClientRect().top
      const first = Math.max(0, Math.floor((Math.floor(-top / rowHeight) - BEYOND) / STEP) * STEP)
      const last = Math.min(count, Math.ceil((Math.ceil((window.innerHeight - top) / rowHeight) + BEYOND) / STEP) * STEP)
      const next = { first: Math.min(first, Math.max(0, last - 1)), last: Math.max(last, 0) }
      setVisible((before) => (before.first === next.first && before.last === next.last ? before : next))
    }
    const soon = () => { frame ||= requestAnimationFrame(look) }
    look()
    window.addEventListener('scroll', soon, { passive: true })
    window.addEventListener('resize', soon)
    return () => {
      window.removeEventListener('scroll', soon)
      window.removeEventListener('resize', soon)
      cancelAnimationFrame(frame)
    }
  }, [list, count, rowHeight])
  useEffect(() => { onSight(visible.first, Math.min(visible.last, count)) }, [visible, count, onSight])
  return visible
}

/** Whether the page is wide enough for every column, as in `ui/Table`. */
export function useIsWide(): boolean {
  const [isWide, setWide] = useState(() => window.matchMedia(WIDE).matches)
  useEffect(() => {
    const query = window.matchMedia(WIDE)
    const follow = () => { setWide(query.matches) }
    query.addEventListener('change', follow)
    return () => { query.removeEventListener('change', follow) }
  }, [])
  return isWide
}

const WIDE = '(min-width: 80rem)'
