/** Signals: how good answers were, by model and task, from people and from outcomes; and a form to say one more. */

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'

import { api, read, type Schemas } from '../api/client'
import { modelNamesQuery, signalsQuery } from '../api/queries'
import { useFilters } from '../app/FilterBar'
import { exactCount, recordTime } from '../format'
import { links } from '../links'
import { Button } from '../ui/Button'
import { Card } from '../ui/Card'
import { Area, Field, FormError, Select } from '../ui/Field'
import { Empty, PageHead } from '../ui/Page'
import { Failure, Loading } from '../ui/states'
import { Table, type Column } from '../ui/Table'
import { Foreign, Value } from '../ui/Value'

export function QualityPage() {
  const signals = useQuery(signalsQuery)
  return (
    <>
      <PageHead title="Quality" />
      <Card title="By model and task">
        {signals.isPending && <Loading what="signals" />}
        {signals.isError && <Failure what="signals" error={signals.error} onRetry={() => void signals.refetch()} />}
        {signals.data?.models.length === 0 && <Empty>Nothing was said or seen yet; the router goes by benchmarks.</Empty>}
        {signals.data && signals.data.models.length > 0 && (
          <Table caption="Quality by model and task" rows={signals.data.models} columns={qualityColumns} rowKey={(row) => `${row.provider ?? ''} ${row.model} ${row.task ?? ''}`} />
        )}
      </Card>
      <Say />
      <Card title="What was said">
        {signals.data?.data.length === 0 && <Empty>Nothing yet. Applications say it with <code>POST /v1/signals</code> and the id in <code>x-gateway-record</code>.</Empty>}
        {signals.data && signals.data.data.length > 0 && <Said signals={signals.data.data} />}
      </Card>
    </>
  )
}

const qualityColumns: Column<Schemas['QualityView']>[] = [
  {
    title: 'Model',
    narrow: 'main',
    cell: (row) => (
      <>
        <Foreign text={row.model} />
        <span className="block text-xs text-muted"><bdi>{row.provider ?? 'wherever it runs'}</bdi></span>
      </>
    ),
  },
  { title: 'Task', narrow: 'main', width: 'w-24 xl:w-32', cell: (row) => <bdi>{row.task ?? 'all'}</bdi> },
  {
    title: 'Score',
    narrow: 'main',
    width: 'w-28 xl:w-60',
    cell: (row) => (
      <>
        <strong>{row.mean.toFixed(2)}</strong> <span className="text-xs text-muted">{row.interval.map((edge) => edge.toFixed(2)).join('–')}</span>
        <div aria-hidden="true" className="mt-1 h-1.5 rounded bg-raised"><div className="h-full rounded bg-requests" style={{ width: `${row.mean * 100}%` }} /></div>
      </>
    ),
  },
  { title: 'Before any signal', isNumber: true, width: 'xl:w-32', cell: (row) => <Value of={row.prior === null ? null : row.prior.toFixed(2)} /> },
  { title: 'By people', isNumber: true, width: 'xl:w-24', cell: (row) => exactCount(row.human.samples) },
  { title: 'By outcomes', isNumber: true, width: 'xl:w-28', cell: (row) => exactCount(row.automatic.samples) },
]

function Say() {
  const client = useQueryClient()
  const models = useQuery(modelNamesQuery)
  const [record, setRecord] = useState('')
  const [model, setModel] = useState('')
  const [score, setScore] = useState('1')
  const [task, setTask] = useState('')
  const [comment, setComment] = useState('')
  const say = useMutation({
    mutationFn: () => {
      const chosen = model === '' ? models.data?.[0] ?? '' : model
      const [provider, ...name] = chosen.split('/')
      const about = record.trim() === '' ? { model: name.join('/'), provider: provider ?? null } : { record_id: record.trim() }
      return read(api.POST('/v1/signals', { body: { ...about, kind: 'portal', score: Number(score), ...(task.trim() !== '' && { task: task.trim() }), ...(comment.trim() !== '' && { comment }) } }))
    },
    onSuccess: () => { setComment(''); void client.invalidateQueries({ queryKey: signalsQuery.queryKey }) },
  })
  return (
    <Card title="Say how an answer was">
      <form className="grid gap-3" onSubmit={(event) => { event.preventDefault(); say.mutate() }}>
        <div className="flex flex-wrap items-end gap-3">
          <Field label="Record" value={record} onChange={(event) => { setRecord(event.target.value) }} placeholder="none" hint="Or empty, and the model." />
          {record.trim() === '' && (
            <Select label="Model" value={model} onChange={(event) => { setModel(event.target.value) }}>
              {models.data?.map((name) => <option key={name}>{name}</option>)}
            </Select>
          )}
          <Field label="Score, 0 to 1" type="number" min={0} max={1} step="any" required value={score} onChange={(event) => { setScore(event.target.value) }} />
          <Field label="Task" value={task} onChange={(event) => { setTask(event.target.value) }} placeholder="coding" />
        </div>
        <Area label="Comment" rows={2} maxLength={2000} value={comment} onChange={(event) => { setComment(event.target.value) }} />
        <Button type="submit" className="justify-self-start" disabled={say.isPending}>Say it</Button>
        <FormError error={say.error} />
      </form>
    </Card>
  )
}

function Said({ signals }: { signals: readonly Schemas['Signal'][] }) {
  const filters = useFilters()
  const now = new Date()
  const columns: Column<Schemas['Signal']>[] = [
    { title: 'Time', narrow: 'main', width: 'w-20 xl:w-28', cell: (row) => (row.record_id === null ? recordTime(row.at, now) : <Link {...links.record(row.record_id, filters)} className="underline underline-offset-2">{recordTime(row.at, now)}</Link>) },
    { title: 'Model', narrow: 'main', cell: (row) => <Foreign text={row.model} /> },
    { title: 'Score', narrow: 'main', isNumber: true, width: 'w-16', cell: (row) => row.score.toFixed(2) },
    { title: 'Kind', width: 'xl:w-28', cell: (row) => <Foreign text={row.kind} /> },
    { title: 'Task', width: 'xl:w-28', cell: (row) => <Foreign text={row.task} /> },
    { title: 'Comment', cell: (row) => <Foreign text={row.comment} /> },
  ]
  return <Table caption="Signals" rows={signals} columns={columns} rowKey={(row) => row.id} />
}
