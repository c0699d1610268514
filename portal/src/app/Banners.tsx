/** What somebody must know on whatever page he is: an open door, a failed reload, lost records, clients that suffer, unknown prices. */

import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'

import { openIncidentsQuery, sessionQuery, settingsQuery } from '../api/queries'
import { exactCount, exactTime } from '../format'
import { links } from '../links'
import { useFilters } from './FilterBar'

const FOLLOW_MS = 15_000

export function Banners() {
  const filters = useFilters()
  const session = useQuery(sessionQuery)
  const settings = useQuery({ ...settingsQuery, refetchInterval: FOLLOW_MS })
  const incidents = useQuery({ ...openIncidentsQuery, refetchInterval: FOLLOW_MS })
  const open = incidents.data?.data ?? []
  const felt = open.filter((incident) => incident.impact === 'customer_impacting')
  const unpriced = open.filter((incident) => incident.kind === 'unknown_price')
  const { last_reload: reload, started_at: startedAt, storage } = settings.data ?? {}
  const link = 'underline underline-offset-2'
  return (
    <>
      {session.data?.credential_required === false && (
        <Banner label="Warning: open admin side">
          <strong>The admin side is open:</strong> everyone on this machine can see and change everything. Set <code>admin_password</code> or <code>admin_token</code> under{' '}
          <code>[auth]</code> in <code>config.toml</code> to close it.
        </Banner>
      )}
      {felt.length > 0 && (
        <Banner label="Warning: incidents" isBad>
          <strong>{felt.length === 1 ? 'An incident hits' : `${felt.length} incidents hit`} clients right now.</strong>{' '}
          <Link {...(felt.length === 1 && felt[0] ? links.incident(felt[0].id, filters) : links.incidents(filters))} className={link}>See what happens</Link>
        </Banner>
      )}
      {reload != null && !reload.accepted && reload.at > (startedAt ?? '') && (
        <Banner label="Warning: config file" isBad>
          <strong>The last change of the config file was refused</strong> ({exactTime(reload.at)}); what was before is still in force. <Link {...links.settings(filters)} className={link}>See what is wrong with it</Link>
        </Banner>
      )}
      {storage !== undefined && storage.dropped_records > 0 && (
        <Banner label="Warning: lost records" isBad>
          <strong>{storage.dropped_records === 1 ? '1 record was' : `${exactCount(storage.dropped_records) ?? ''} records were`} lost since the start:</strong> the store was too slow or refused them. Sums and lists lack them.{' '}
          <Link {...links.settings(filters)} className={link}>See the storage</Link>
        </Banner>
      )}
      {storage?.is_low === true && (
        <Banner label="Warning: disk" isBad>
          <strong>The disk is nearly full.</strong> <Link {...links.settings(filters)} className={link}>See the storage</Link>
        </Banner>
      )}
      {unpriced.length > 0 && (
        <Banner label="Warning: unknown price">
          <strong>A price is unknown</strong> for {unpriced.slice(0, 3).map(({ subject }, place) => <span key={subject ?? ''}>{place > 0 && ', '}<bdi>{subject ?? 'a model'}</bdi></span>)}
          {unpriced.length > 3 && ` and ${unpriced.length - 3} more`}: its cost is in no sum. State it under <code>[[catalog]]</code> in <code>config.toml</code>.{' '}
          {unpriced[0] && <Link {...links.incident(unpriced[0].id, filters)} className={link}>See the requests</Link>}
        </Banner>
      )}
    </>
  )
}

function Banner({ label, isBad = false, children }: { label: string; isBad?: boolean; children: ReactNode }) {
  return (
    <aside aria-label={label} className={`border-b border-line bg-warn-surface px-4 py-2 text-sm break-words lg:px-8 ${isBad ? 'text-bad' : 'text-warn'}`}>
      {children}
    </aside>
  )
}
