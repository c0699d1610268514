import { expect, test } from 'vitest'

import { addCalls, bodyOf, type ToolCall } from './chat'

const asked = { model: 'm', system: '', prompt: 'Hi', tools: '', virtualKey: '' }

test('the body holds what was typed and nothing else', () => {
  expect(bodyOf(asked)).toEqual({ model: 'm', messages: [{ role: 'user', content: 'Hi' }], stream: true })
  expect(bodyOf({ ...asked, system: 'Be brief', tools: '[{"type":"function"}]' })).toMatchObject({ messages: [{ role: 'system' }, { role: 'user' }], tools: [{ type: 'function' }] })
  for (const tools of ['{', '{}', '"x"']) expect(() => bodyOf({ ...asked, tools })).toThrow('not a list')
})

test('calls of tools are put together from their pieces, whatever a stream holds', () => {
  const calls: ToolCall[] = []
  addCalls(calls, [{ index: 0, function: { name: 'look', arguments: '{"c' } }])
  addCalls(calls, [{ index: 1, function: { name: 'other', arguments: '{}' } }, { index: 0, function: { arguments: 'ity":1}' } }, null, { index: 0 }])
  expect(calls).toEqual([{ name: 'look', arguments: '{"city":1}' }, { name: 'other', arguments: '{}' }])
})
