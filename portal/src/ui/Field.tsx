/** Labelled fields of forms: one look, the hint and the error read out with the field. */

import { useId, type ComponentProps, type ReactNode } from 'react'

const box = 'mt-1 w-full rounded border border-muted bg-page px-2 py-1.5 text-sm'

interface Told {
  label: string
  hint?: ReactNode
}

export function Field({ label, hint, className = '', ...rest }: Told & ComponentProps<'input'>) {
  const id = useId()
  return (
    <div className={className}>
      <label htmlFor={id} className="block text-sm">{label}</label>
      <input id={id} aria-describedby={hint === undefined ? undefined : `${id}-hint`} className={box} {...rest} />
      <Hint id={id} hint={hint} />
    </div>
  )
}

export function Area({ label, hint, className = '', ...rest }: Told & ComponentProps<'textarea'>) {
  const id = useId()
  return (
    <div className={className}>
      <label htmlFor={id} className="block text-sm">{label}</label>
      <textarea id={id} aria-describedby={hint === undefined ? undefined : `${id}-hint`} className={`${box} font-mono`} {...rest} />
      <Hint id={id} hint={hint} />
    </div>
  )
}

export function Select({ label, hint, className = '', ...rest }: Told & ComponentProps<'select'>) {
  const id = useId()
  return (
    <div className={className}>
      <label htmlFor={id} className="block text-sm">{label}</label>
      <select id={id} aria-describedby={hint === undefined ? undefined : `${id}-hint`} className={`${box} h-[2.1rem]`} {...rest} />
      <Hint id={id} hint={hint} />
    </div>
  )
}

export function Check({ label, className = '', ...rest }: { label: string } & ComponentProps<'input'>) {
  const id = useId()
  return (
    <div className={`flex min-h-8 items-center gap-2 ${className}`}>
      <input id={id} type="checkbox" className="size-4" {...rest} />
      <label htmlFor={id} className="text-sm">{label}</label>
    </div>
  )
}

function Hint({ id, hint }: { id: string; hint: ReactNode }) {
  return hint === undefined ? null : <p id={`${id}-hint`} className="mt-1 text-xs text-muted">{hint}</p>
}

/** What went wrong when a form was sent. */
export function FormError({ error }: { error: Error | null }) {
  return <p role="alert" className="text-sm text-bad empty:hidden">{error?.message ?? ''}</p>
}
