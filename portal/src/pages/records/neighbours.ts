/** Which records stood around one in the list it was opened from, so that `[` and `]` go to the next without the list. */

let shown: readonly string[] = []

/** Rows beyond either edge of what is in sight that are remembered too. */
const AROUND = 200

export function rememberShown(first: number, last: number, row: (index: number) => { id: string } | undefined): void {
  const ids: string[] = []
  for (let index = Math.max(0, first - AROUND); index < last + AROUND; index += 1) {
    const id = row(index)?.id
    if (id !== undefined) ids.push(id)
  }
  if (ids.length > 0) shown = ids
}

/** The ids before and after this one in the list that was shown last. */
export function neighboursOf(id: string): { newer: string | undefined; older: string | undefined } {
  const place = shown.indexOf(id)
  return place < 0 ? { newer: undefined, older: undefined } : { newer: shown[place - 1], older: shown[place + 1] }
}
