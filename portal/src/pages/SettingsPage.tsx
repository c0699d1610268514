/** How this gateway is set up, as it is in force; what can be changed is changed in the config file. */

import { useQuery } from '@tanstack/react-query'

import { sessionQuery, settingsQuery } from '../api/queries'
import { bytes, exactCount, exactTime } from '../format'
import { Card } from '../ui/Card'
import { Copy } from '../ui/Copy'
import { Code, Empty, PageHead } from '../ui/Page'
import { Failure, Loading } from '../ui/states'

export function SettingsPage() {
  const settings = useQuery(settingsQuery)
  const session = useQuery(sessionQuery)
  return (
    <>
      <PageHead title="Settings" />
      {settings.isPending && <Loading what="settings" />}
      {settings.isError && <Failure what="settings" error={settings.error} onRetry={() => void settings.refetch()} />}
      {settings.isSuccess && (
        <>
          <Card title="Config file">
            {settings.data.last_reload === null && <Empty>It has not changed since the start.</Empty>}
            {settings.data.last_reload?.accepted === true && <p className="text-sm text-good">● The change of {exactTime(settings.data.last_reload.at)} is in force.</p>}
            {settings.data.last_reload?.accepted === false && (
              <div role="alert" className="text-sm">
                <p className="font-medium text-bad">■ The change of {exactTime(settings.data.last_reload.at)} was refused; what was before is still in force.</p>
                <ul className="mt-1 list-inside list-disc">{settings.data.last_reload.errors.map((error) => <li key={error}><bdi>{error}</bdi></li>)}</ul>
              </div>
            )}
            {settings.data.warnings.map((warning) => <p key={warning} className="mt-1 text-sm text-warn">▲ <bdi>{warning}</bdi></p>)}
          </Card>
          <Card title="Storage">
            <dl className="grid grid-cols-2 gap-3 text-sm md:grid-cols-4">
              {(
                [
                  ['Directory', settings.data.storage.path],
                  ['Used', bytes(settings.data.storage.used_bytes)],
                  ['Free on the disk', bytes(settings.data.storage.free_bytes)],
                  ['Write-ahead log', bytes(settings.data.storage.wal_bytes)],
                  ['Records are kept', settings.data.storage.retention_days === null ? 'for ever' : `${settings.data.storage.retention_days} days`],
                  ['Records written since the start', exactCount(settings.data.storage.written_records)],
                  ['Records lost', exactCount(settings.data.storage.dropped_records)],
                  ['Signed in', session.data?.via === 'open' ? 'no credential is needed' : (session.data?.via ?? null)],
                ] as const
              ).map(([name, value]) => (
                <div key={name} className="min-w-0">
                  <dt className="text-xs text-muted">{name}</dt>
                  <dd className="break-words">{value}</dd>
                </div>
              ))}
            </dl>
            {settings.data.storage.is_low && <p role="alert" className="mt-2 text-sm text-bad">■ The disk is nearly full.</p>}
          </Card>
          <Card title={`In force, version ${settings.data.version}`} aside={<Copy text={settings.data.config} />}>
            <Code label="The configuration in force" text={settings.data.config} />
          </Card>
        </>
      )}
    </>
  )
}
