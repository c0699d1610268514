/** What a model can do: words, so that nothing hangs on an icon; what is not known is not claimed. */

import type { Schemas } from '../../api/client'
import { Value } from '../../ui/Value'

export function Abilities({ of }: { of: Schemas['Capabilities'] }) {
  const can = Object.entries(of).filter(([, value]) => value === true).map(([name]) => name.replace('_', ' '))
  if (can.length === 0) return <Value of={null} />
  return (
    <ul className="flex flex-wrap gap-1">
      {can.map((name) => <li key={name} className="rounded bg-raised px-1.5 text-xs whitespace-nowrap">{name}</li>)}
    </ul>
  )
}
