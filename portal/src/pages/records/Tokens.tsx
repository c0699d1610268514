/** Prompt and completion tokens of a record. */

import type { Schemas } from '../../api/client'
import { count } from '../../format'
import { Value } from '../../ui/Value'

export function Tokens({ row }: { row: Schemas['RecordView'] }) {
  const [input, output] = [count(row.input_tokens), count(row.output_tokens)]
  if (input === null && output === null) return <Value of={null} />
  return (
    <span title={row.usage_estimated ? 'estimated in part' : undefined}>
      {row.usage_estimated && '≈ '}
      <Value of={input} /> → <Value of={output} />
    </span>
  )
}
