/** What keys do everywhere: the palette, `g` and a letter, and the one-letter keys of what is on the page. */

import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { lazy, Suspense, useEffect, useRef, useState } from 'react'

import { PAGES } from '../links'
import { Check } from '../ui/Field'
import { Dialog } from '../ui/Dialog'
import { useFilters } from './FilterBar'
import { areShortcutsOn, isTyping, switchShortcuts } from './shortcuts'

const Palette = lazy(async () => ({ default: (await import('./Palette')).Palette }))

/** How long after `g` a letter still counts. */
const SEQUENCE_MS = 1_500

const KEYS: readonly [string, string][] = [
  ['⌘K, Ctrl-K', 'go to anything'],
  ['/', 'search'],
  ['f', 'add a filter'],
  ['t', 'another stretch of time'],
  ['l', 'live tail'],
  ['r', 'ask again for what is shown'],
  ['j, k', 'next and previous row'],
  ['[, ]', 'newer and older record, on the page of one'],
  ['Alt + click', 'on a value of a list: all but it'],
  ['Esc', 'close what is open; from a record back to its list'],
  ['?', 'these keys'],
]

export function Keyboard() {
  const [open, setOpen] = useState<'palette' | 'help' | null>(null)
  const navigate = useNavigate()
  const client = useQueryClient()
  const filters = useFilters()
  const pressed = useRef(0)

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k' && areShortcutsOn()) {
        event.preventDefault()
        setOpen('palette')
        return
      }
      if (isTyping(event)) return
      if (Date.now() - pressed.current < SEQUENCE_MS) {
        pressed.current = 0
        const page = PAGES.find((page) => page.key === event.key)
        if (page) void navigate(page.link(filters))
        return
      }
      if (event.key === 'g') pressed.current = Date.now()
      else if (event.key === '?') setOpen('help')
      else if (event.key === 'r') void client.invalidateQueries()
      else {
        const target = document.querySelector<HTMLElement>(`[data-shortcut="${CSS.escape(event.key)}"]`)
        if (!target) return
        event.preventDefault()
        if (target instanceof HTMLInputElement) target.focus()
        else target.click()
      }
    }
    document.addEventListener('keydown', onKey)
    return () => { document.removeEventListener('keydown', onKey) }
  }, [client, filters, navigate])

  const close = () => { setOpen(null) }
  if (open === 'palette') return <Suspense><Palette onClose={close} /></Suspense>
  if (open === 'help') return <Help onClose={close} />
  return null
}

function Help({ onClose }: { onClose: () => void }) {
  const [isOn, setOn] = useState(areShortcutsOn)
  const all: readonly [string, string][] = [...KEYS, ...PAGES.map((page): [string, string] => [`g ${page.key}`, page.title])]
  return (
    <Dialog title="Keys" onClose={onClose}>
      <dl className="grid grid-cols-[8rem_1fr] gap-y-1 text-sm">
        {all.map(([key, what]) => (
          <div key={key} className="contents">
            <dt><kbd>{key}</kbd></dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <Check label="use these keys" className="mt-3" checked={isOn} onChange={(event) => { switchShortcuts(event.target.checked); setOn(event.target.checked) }} />
    </Dialog>
  )
}
