/** How an application is moved over: what to set, in the words of the tool that is used. */

import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'

import { useNewestRecords } from '../api/newest'
import { modelNamesQuery } from '../api/queries'
import { useFilters } from '../app/FilterBar'
import { links } from '../links'
import { Card } from '../ui/Card'
import { Copy } from '../ui/Copy'
import { Field, Select } from '../ui/Field'
import { Code, PageHead } from '../ui/Page'
import { FirstRequest } from './overview/FirstRequest'
import { LiveSign } from './records/LiveSign'
import { NewKey } from './start/NewKey'
import { SNIPPETS } from './start/snippets'

export function StartPage() {
  const filters = useFilters()
  const models = useQuery(modelNamesQuery)
  const newest = useNewestRecords()
  const [key, setKey] = useState('')
  const [model, setModel] = useState('default')
  const [tool, setTool] = useState('curl')
  const snippet = SNIPPETS.find((known) => known.name === tool) ?? SNIPPETS[0]
  const code = snippet.code({ origin: window.location.origin, key: key.trim() === '' ? 'not-needed' : key.trim(), model })
  const first = newest.rows[0]
  return (
    <>
      <PageHead title="Getting started" />
      <Card title="1. A key">
        <p className="text-sm">
          Every application gets a key of its own on <Link {...links.keys(filters)} className="underline underline-offset-2">Keys</Link>; paste it here, and it stands in the examples. On this
          machine alone a gateway without <code>require_key</code> takes any.
        </p>
        <div className="mt-3"><NewKey onSecret={setKey} /></div>
        <Field label="Key for the examples" className="mt-3 max-w-md" autoComplete="off" value={key} onChange={(event) => { setKey(event.target.value) }} placeholder="not-needed" hint="It stays in this page." />
      </Card>
      <Card title="2. A base URL">
        <div className="flex flex-wrap gap-3">
          <Select label="Tool" value={tool} onChange={(event) => { setTool(event.target.value) }}>
            {SNIPPETS.map(({ name }) => <option key={name}>{name}</option>)}
          </Select>
          <Select label="Model" value={model} onChange={(event) => { setModel(event.target.value) }}>
            <option>default</option>
            {models.data?.map((name) => <option key={name}>{name}</option>)}
          </Select>
        </div>
        <Code label={`${snippet.name}: what to write`} text={code} />
        <Copy text={code} />
      </Card>
      {newest.listed.isSuccess && first === undefined ? (
        <FirstRequest state={newest.state} />
      ) : (
        <Card title="3. The first request" aside={<LiveSign state={newest.state} />}>
          {first && (
            <p className="text-sm text-good">
              <span aria-hidden="true">●</span> Requests arrive: the newest is <Link {...links.record(first.id, filters)} className="underline underline-offset-2">{first.id}</Link>.
            </p>
          )}
        </Card>
      )}
    </>
  )
}
