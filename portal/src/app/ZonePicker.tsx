/** The time zone that all times are shown in, and the way to another one. */

import { useId } from 'react'

import { allZones, BROWSER_ZONE, chooseZone, useTimeZone } from '../zone'

export function ZonePicker() {
  const id = useId()
  const zone = useTimeZone()
  const known = allZones()
  return (
    <div className="w-full px-2 text-xs text-muted">
      <label htmlFor={id}>Times in</label>
      <select
        id={id}
        className="mt-1 block min-h-8 w-full rounded border border-muted bg-page px-1 text-sm text-ink"
        value={zone}
        onChange={(event) => { chooseZone(event.target.value === BROWSER_ZONE ? null : event.target.value) }}
      >
        {!known.includes(zone) && <option value={zone}>{zone}</option>}
        {known.map((name) => <option key={name} value={name}>{name}{name === BROWSER_ZONE ? ' (this browser)' : ''}</option>)}
      </select>
    </div>
  )
}
