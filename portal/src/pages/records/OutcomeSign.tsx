/** How a request ended, by sign, word and colour. */

import type { Schemas } from '../../api/client'

type Row = Pick<Schemas['RecordView'], 'outcome' | 'status' | 'error_kind'>

const SIGNS: Record<string, { sign: string; word: string; look: string } | undefined> = {
  ok: { sign: '●', word: 'ok', look: 'text-good' },
  error: { sign: '✕', word: 'error', look: 'text-bad' },
  refused: { sign: '■', word: 'refused', look: 'text-warn' },
  cancelled: { sign: '○', word: 'given up', look: 'text-muted' },
  client_disconnected: { sign: '◌', word: 'client left', look: 'text-muted' },
}

export function OutcomeSign({ row, isCompact = false }: { row: Row; isCompact?: boolean }) {
  const { sign, word, look } = SIGNS[row.outcome] ?? { sign: '?', word: row.outcome, look: 'text-muted' }
  return (
    <span className={look} title={row.error_kind ?? undefined}>
      <span className="whitespace-nowrap">
        <span aria-hidden="true">{sign}</span> {row.status ?? ''} {word}
      </span>
      {row.error_kind != null && !isCompact && <span className="text-xs text-muted xl:block xl:truncate"> {row.error_kind}</span>}
    </span>
  )
}
