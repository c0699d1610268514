import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { record } from '../record.fixture'
import { followRecords } from './live'

class FakeSource extends EventTarget {
  static readonly CLOSED = 2
  static all: FakeSource[] = []
  readyState = 1

  constructor(readonly url: string) {
    super()
    FakeSource.all.push(this)
  }

  close() {
    this.readyState = FakeSource.CLOSED
  }

  say(type: string, data: string) {
    this.dispatchEvent(new MessageEvent(type, { data }))
  }
}

const listener = () => ({ onRecord: vi.fn(), onState: vi.fn(), onGap: vi.fn() })

beforeEach(() => {
  FakeSource.all = []
  vi.stubGlobal('EventSource', FakeSource)
  vi.useFakeTimers()
})

afterEach(() => {
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

test('records are handed on, and what is not one is left out', () => {
  const heard = listener()
  followRecords(heard)
  const [source] = FakeSource.all
  expect(source?.url).toBe('/v1/records/live')
  source?.say('record', JSON.stringify(record({ id: 'r1' })))
  source?.say('record', 'not json')
  expect(heard.onRecord).toHaveBeenCalledExactlyOnceWith(record({ id: 'r1' }))
})

test('after a new connection, and when the server had to skip, the list is asked again', () => {
  const heard = listener()
  followRecords(heard)
  FakeSource.all[0]?.dispatchEvent(new Event('open'))
  expect(heard.onState).toHaveBeenLastCalledWith('live')
  FakeSource.all[0]?.say('dropped', '{"count":12}')
  expect(heard.onGap.mock.calls).toEqual([[0], [12]])
})

test('a cut is left to the browser, a refusal is tried again later', () => {
  const heard = listener()
  followRecords(heard)
  FakeSource.all[0]?.dispatchEvent(new Event('error'))
  vi.runAllTimers()
  expect(FakeSource.all).toHaveLength(1)
  expect(heard.onState).toHaveBeenLastCalledWith('lost')

  FakeSource.all[0]?.close()
  FakeSource.all[0]?.dispatchEvent(new Event('error'))
  vi.runAllTimers()
  expect(FakeSource.all).toHaveLength(2)
})

test('who stops listening leaves nothing behind', () => {
  const stop = followRecords(listener())
  FakeSource.all[0]?.close()
  FakeSource.all[0]?.dispatchEvent(new Event('error'))
  stop()
  vi.runAllTimers()
  expect(FakeSource.all).toHaveLength(1)
})
