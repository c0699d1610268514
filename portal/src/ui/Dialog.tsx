/** A modal window: the browser's own, which keeps the focus inside and closes on Escape. */

import { useEffect, useId, useRef, type ReactNode } from 'react'

import { Button } from './Button'

interface Props {
  title: string
  onClose: () => void
  children: ReactNode
  /** Whether it must be closed by a button of its own, because something would be lost else. */
  isFirm?: boolean
}

export function Dialog({ title, onClose, children, isFirm = false }: Props) {
  const element = useRef<HTMLDialogElement>(null)
  const heading = useId()
  useEffect(() => {
    const dialog = element.current
    dialog?.showModal()
    // Where a field is what the window is for, it has the focus and not the button that closes it.
    dialog?.querySelector<HTMLElement>('[data-focus], form input, form textarea, form select')?.focus()
    return () => { dialog?.close() }
  }, [])
  return (
    <dialog
      ref={element}
      aria-labelledby={heading}
      onCancel={(event) => {
        event.preventDefault()
        if (!isFirm) onClose()
      }}
      className="m-auto w-full max-w-xl rounded-lg border border-line bg-surface p-0 text-ink backdrop:bg-[#0008]"
    >
      <div className="flex items-center justify-between gap-3 border-b border-line px-4 py-3">
        <h2 id={heading} className="font-semibold">{title}</h2>
        {!isFirm && <Button onClick={onClose}>Close</Button>}
      </div>
      <div className="max-h-[75dvh] overflow-y-auto p-4">{children}</div>
    </dialog>
  )
}
