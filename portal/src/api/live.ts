/**
 * New records as they are written, over one event stream for the page.
 *
 * `EventSource` resumes by itself after a cut, with `Last-Event-ID`; only a refusal ends it, and then we ask again.
 */

import { apiLinks } from '../links'
import type { Schemas } from './client'

export type LiveState = 'connecting' | 'live' | 'lost'

interface Listener {
  onRecord: (record: Schemas['RecordView']) => void
  onState: (state: LiveState) => void
  /** The stream could not promise to have shown everything; how many it is known to have skipped. */
  onGap: (skipped: number) => void
}

const ASK_AGAIN_MS = 5_000

/** Follows the stream of the records that the query asks for until the returned function is called. */
export function followRecords(listener: Listener, query = ''): () => void {
  let source: EventSource | undefined
  let timer: ReturnType<typeof setTimeout> | undefined

  const connect = () => {
    listener.onState('connecting')
    source = new EventSource(query === '' ? apiLinks.liveRecords : `${apiLinks.liveRecords}?${query}`)
    source.addEventListener('open', () => {
      listener.onState('live')
      listener.onGap(0)
    })
    source.addEventListener('record', (event: MessageEvent<string>) => {
      const record = parse(event.data)
      if (record) listener.onRecord(record)
    })
    source.addEventListener('dropped', (event: MessageEvent<string>) => { listener.onGap(droppedOf(event.data)) })
    source.addEventListener('error', () => {
      listener.onState('lost')
      if (source?.readyState === EventSource.CLOSED) timer = setTimeout(connect, ASK_AGAIN_MS)
    })
  }

  connect()
  return () => {
    clearTimeout(timer)
    source?.close()
  }
}

function droppedOf(data: string): number {
  try {
    return (JSON.parse(data) as { count: number }).count
  } catch {
    return 0
  }
}

function parse(data: string): Schemas['RecordView'] | null {
  try {
    return JSON.parse(data) as Schemas['RecordView']
  } catch {
    return null
  }
}
