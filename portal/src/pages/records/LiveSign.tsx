/** Whether the page shows what happens as it happens. */

import type { LiveState } from '../../api/live'

const SIGNS: Record<LiveState, { sign: string; words: string; look: string }> = {
  connecting: { sign: '○', words: 'Connecting…', look: 'text-muted' },
  live: { sign: '●', words: 'Live', look: 'text-good' },
  lost: { sign: '▲', words: 'Connection lost, trying again…', look: 'text-warn' },
}

export function LiveSign({ state }: { state: LiveState }) {
  const { sign, words, look } = SIGNS[state]
  return (
    <span role="status" className={`text-sm ${look}`}>
      <span aria-hidden="true">{sign}</span> {words}
    </span>
  )
}
