/** The head of a page: its name, and what can be done with the whole of it. */

import type { ReactNode } from 'react'

export function PageHead({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="flex flex-wrap items-center justify-between gap-3">
      <h1 className="min-w-0 truncate text-xl font-semibold">{title}</h1>
      {children !== undefined && <div className="flex min-w-0 flex-wrap items-center gap-2 break-all">{children}</div>}
    </div>
  )
}

export function Empty({ children }: { children: ReactNode }) {
  return <p className="py-6 text-sm text-muted">{children}</p>
}

/** Text to be read and copied as it is: code, JSON, a command. */
export function Code({ text, label }: { text: string; label: string }) {
  return (
    <pre
      role="region"
      aria-label={label}
      // A region that scrolls must be reachable by keyboard.
      // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
      tabIndex={0}
      className="my-2 max-h-[30rem] overflow-auto rounded bg-raised p-3 font-mono text-xs"
    >
      <code>{text}</code>
    </pre>
  )
}
