/** `j` and `k` go from row to row of a list; Enter opens, because the focus stands on the row's link. */

import { useEffect, useRef } from 'react'

import { isTyping } from '../../app/shortcuts'

export function useRowKeys() {
  const list = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (isTyping(event) || (event.key !== 'j' && event.key !== 'k')) return
      const rows = [...(list.current?.querySelectorAll<HTMLElement>('[data-record]') ?? [])]
      const current = rows.findIndex((row) => row === document.activeElement)
      const next = event.key === 'j' ? current + 1 : Math.max(0, current - 1)
      rows[Math.min(next, rows.length - 1)]?.focus()
    }
    document.addEventListener('keydown', onKey)
    return () => { document.removeEventListener('keydown', onKey) }
  }, [])
  return list
}
