/** A titled part of a page. */

import { useId, type ReactNode } from 'react'

export function Card({ title, aside, children }: { title: string; aside?: ReactNode; children: ReactNode }) {
  const heading = useId()
  return (
    <section aria-labelledby={heading} className="mt-5 min-w-0 rounded-lg border border-line bg-surface">
      <div className="flex flex-wrap items-center justify-between gap-2 border-b border-line px-4 py-2">
        <h2 id={heading} className="text-sm font-semibold">{title}</h2>
        {aside}
      </div>
      <div className="p-3 lg:p-4">{children}</div>
    </section>
  )
}
