/** Copies a text; absent where the browser has no clipboard for pages (plain HTTP on a foreign host). */

import { useState } from 'react'

import { Button } from './Button'

export function Copy({ text }: { text: string }) {
  const [said, setSaid] = useState('')
  // The type says it is always there; in an insecure context it is not.
  const clipboard = navigator.clipboard as Clipboard | undefined
  if (!clipboard) return null
  const copy = async () => {
    try {
      await clipboard.writeText(text)
      setSaid('Copied')
    } catch {
      setSaid('The browser did not allow it')
    }
  }
  return (
    <span className="inline-flex items-center gap-2">
      <span role="status" className="text-sm text-muted">{said}</span>
      <Button onClick={() => void copy()}>Copy</Button>
    </span>
  )
}
