/** A formatted value, or the sign for an unknown one, which is never mistaken for 0. */

export function Value({ of }: { of: string | null }) {
  if (of !== null) return <>{of}</>
  return (
    <span className="text-muted" title="unknown">
      <span aria-hidden="true">–</span>
      <span className="sr-only">unknown</span>
    </span>
  )
}

/**
 * A word that came from a client or a provider: shown as it is, as text, kept from turning its neighbours around
 * (`bdi`), and cut where it is too long.
 */
export function Foreign({ text }: { text: string | null | undefined }) {
  if (text == null) return <Value of={null} />
  return <bdi title={text} className="block truncate">{text}</bdi>
}
