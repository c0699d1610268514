/** The one button. */

import type { ComponentProps } from 'react'

export function Button({ className = '', type = 'button', ...rest }: ComponentProps<'button'>) {
  return (
    <button
      type={type}
      className={`min-h-8 rounded border border-line bg-raised px-3 py-1 text-sm hover:border-muted disabled:opacity-60 ${className}`}
      {...rest}
    />
  )
}
