/** The newest records. On narrow screens a record takes two lines, and the second one is its details. */

import type { Schemas } from '../../api/client'
import type { useNewestRecords } from '../../api/newest'
import { count, duration, exactTime, money, recordTime, timeZone } from '../../format'
import { Card } from '../../ui/Card'
import { Failure, Loading } from '../../ui/states'
import { Foreign, Value } from '../../ui/Value'
import { LiveSign } from './LiveSign'
import { OutcomeSign } from './OutcomeSign'

type Row = Schemas['RecordView']

const head = 'px-1 py-2 xl:px-2 text-left text-xs font-medium text-muted'
const cell = 'px-1 py-1.5 xl:px-2'
const wide = 'hidden xl:table-cell'
const number = 'text-right whitespace-nowrap'

export function NewestRecords({ newest }: { newest: ReturnType<typeof useNewestRecords> }) {
  const { listed, rows, arrivedIds, state } = newest
  return (
    <Card title="Newest records" aside={<LiveSign state={state} />}>
      {listed.isPending && <Loading what="newest records" />}
      {listed.isError && <Failure what="list of records" error={listed.error} onRetry={() => void listed.refetch()} />}
      {rows.length > 0 && <RecordTable rows={rows} arrivedIds={arrivedIds} />}
    </Card>
  )
}

function RecordTable({ rows, arrivedIds }: { rows: readonly Row[]; arrivedIds: ReadonlySet<string> }) {
  const now = new Date()
  return (
    <table className="w-full table-fixed text-sm">
      <caption className="sr-only">The newest records, newest first; times in {timeZone()}</caption>
      <thead className="border-b border-line">
        <tr>
          <th scope="col" className={`${head} w-[4.5rem] xl:w-24`}>Time</th>
          <th scope="col" className={`${head} xl:w-[20%]`}>Model</th>
          <th scope="col" className={`${head} ${wide}`}>Project</th>
          <th scope="col" className={`${head} ${wide}`}>Source</th>
          <th scope="col" className={`${head} ${wide} w-28`}>Status</th>
          <th scope="col" className={`${head} ${wide} ${number} w-28`}>Tokens in → out</th>
          <th scope="col" className={`${head} ${number} w-24 xl:w-28`}>Cost</th>
          <th scope="col" className={`${head} ${number} w-16 xl:w-20`}>Latency</th>
          <th scope="col" className={`${head} ${wide} ${number} w-20`}>First token</th>
        </tr>
      </thead>
      {rows.map((row) => (
        <RecordRows key={row.id} row={row} now={now} isNew={arrivedIds.has(row.id)} />
      ))}
    </table>
  )
}

function RecordRows({ row, now, isNew }: { row: Row; now: Date; isNew: boolean }) {
  return (
    <tbody className={`border-b border-line last:border-0 ${isNew ? 'arrive' : ''}`}>
      <tr className="align-top">
        <td className={cell}>
          <time dateTime={row.started_at} title={exactTime(row.started_at)}>{recordTime(row.started_at, now)}</time>
        </td>
        <td className={cell}>
          <Foreign text={row.model ?? row.model_requested} />
          <div className="text-xs text-muted"><Foreign text={row.provider} /></div>
        </td>
        <td className={`${cell} ${wide}`}><Foreign text={row.project} /></td>
        <td className={`${cell} ${wide}`}><Foreign text={row.source} /></td>
        <td className={`${cell} ${wide}`}><OutcomeSign row={row} /></td>
        <td className={`${cell} ${wide} ${number}`}><Tokens row={row} /></td>
        <td className={`${cell} ${number}`}><Value of={money(row.cost_microcents)} /></td>
        <td className={`${cell} ${number}`}><Value of={duration(row.latency_ms)} /></td>
        <td className={`${cell} ${wide} ${number}`}><Value of={duration(row.ttft_ms)} /></td>
      </tr>
      <tr className="xl:hidden">
        <td colSpan={4} className="px-1 pb-1.5 text-xs">
          <div className="flex flex-wrap gap-x-3">
            <OutcomeSign row={row} />
            <span><Tokens row={row} /> tokens</span>
            {row.project != null && <span className="min-w-0"><Foreign text={row.project} /></span>}
            {row.source != null && <span className="min-w-0"><Foreign text={row.source} /></span>}
          </div>
        </td>
      </tr>
    </tbody>
  )
}

function Tokens({ row }: { row: Row }) {
  const [input, output] = [count(row.input_tokens), count(row.output_tokens)]
  if (input === null && output === null) return <Value of={null} />
  return (
    <span title={row.usage_estimated ? 'estimated in part' : undefined}>
      {row.usage_estimated && '≈ '}
      <Value of={input} /> → <Value of={output} />
    </span>
  )
}
