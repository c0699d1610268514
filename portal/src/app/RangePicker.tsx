/** The stretch of time that a page shows, as links: each is an address of its own. */

import { Link } from '@tanstack/react-router'

import { RANGE_LABELS, RANGES, readFilters, type Range } from '../filters'
import { links } from '../links'

export function RangePicker({ selected }: { selected: Range }) {
  return (
    <nav aria-label="Range">
      <ul className="flex rounded border border-line bg-surface">
        {RANGES.map((range) => (
          <li key={range}>
            <Link
              {...links.overview(readFilters({ t: range }))}
              aria-current={range === selected ? 'true' : undefined}
              className={`block px-3 py-1.5 text-sm hover:bg-raised ${range === selected ? 'bg-raised font-medium' : ''}`}
            >
              {RANGE_LABELS[range]}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  )
}
