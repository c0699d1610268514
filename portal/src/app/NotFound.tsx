/** The answer to an address that no page has. */

import { Link } from '@tanstack/react-router'

import { links } from '../links'

export function NotFound() {
  return (
    <section>
      <h1 className="text-xl font-semibold">There is no such page</h1>
      <p className="mt-2">
        Go to the <Link {...links.overview({})} className="text-accent underline">overview</Link>.
      </p>
    </section>
  )
}
