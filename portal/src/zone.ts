/** The time zone that all times are shown in: the browser's, until another was chosen. */

import { useSyncExternalStore } from 'react'

const STORAGE_KEY = 'time-zone'
const listeners = new Set<() => void>()

export const BROWSER_ZONE = new Intl.DateTimeFormat().resolvedOptions().timeZone

let chosen = stored()

function stored(): string | null {
  try {
    const name = localStorage.getItem(STORAGE_KEY)
    return name !== null && isZone(name) ? name : null
  } catch {
    return null
  }
}

export function isZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en-GB', { timeZone: name })
    return true
  } catch {
    return false
  }
}

export function timeZone(): string {
  return chosen ?? BROWSER_ZONE
}

/** `null` is the browser's own. */
export function chooseZone(name: string | null): void {
  chosen = name
  try {
    if (name === null) localStorage.removeItem(STORAGE_KEY)
    else localStorage.setItem(STORAGE_KEY, name)
  } catch {
    // Storage is switched off: the choice lasts as long as the page.
  }
  for (const listener of listeners) listener()
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => { listeners.delete(listener) }
}

export function useTimeZone(): string {
  return useSyncExternalStore(subscribe, timeZone)
}

/** Every zone that the browser knows. */
export function allZones(): readonly string[] {
  return ['UTC', ...Intl.supportedValuesOf('timeZone').filter((name) => name !== 'UTC')]
}

/** A moment as the clocks of the chosen zone show it: `2026-11-21T14:05`, as a field for date and time wants it. */
export function wallTime(at: Date): string {
  // Swedish writes dates as ISO 8601 does.
  const parts = new Intl.DateTimeFormat('sv-SE', { timeZone: timeZone(), dateStyle: 'short', timeStyle: 'short' }).format(at)
  return parts.replace(' ', 'T')
}

/** The moment at which the clocks of the chosen zone show this; `null` for what is no time. */
export function momentOf(wall: string): Date | null {
  const asUtc = Date.parse(`${wall}Z`)
  if (Number.isNaN(asUtc)) return null
  // The offset at the guess is right but within hours of a change of the clocks; the second look is right there too.
  let at = asUtc
  for (let look = 0; look < 2; look += 1) at = asUtc - offsetAt(at)
  return new Date(at)
}

function offsetAt(at: number): number {
  const minute = Math.floor(at / 60_000) * 60_000
  return Date.parse(`${wallTime(new Date(minute))}Z`) - minute
}

/** Midnight of so many days ago, in the chosen zone. */
export function midnight(now: Date, daysAgo: number): Date {
  const today = Date.parse(`${wallTime(now).slice(0, 10)}T00:00Z`)
  const day = new Date(today - daysAgo * 86_400_000).toISOString().slice(0, 10)
  return momentOf(`${day}T00:00`) ?? now
}
