import { cleanup, screen, within } from '@testing-library/react'
import { afterEach, expect, test } from 'vitest'

import type { useNewestRecords } from '../../api/newest'
import { record } from '../../record.fixture'
import { renderPage } from '../../router.fixture'
import { NewestRecords } from './NewestRecords'

type Newest = ReturnType<typeof useNewestRecords>

const shown = async (...rows: Newest['rows']) => {
  const listed = { isPending: false, isError: false, isSuccess: true } as Newest['listed']
  await renderPage(<NewestRecords newest={{ listed, rows, arrivedIds: new Set(), state: 'live' }} />)
  return within(screen.getByRole('table'))
}

afterEach(cleanup)

test('a record is shown with model, provider, status, tokens, cost and times', async () => {
  const table = await shown(record({}))
  for (const text of ['model-a', 'demo', '$0.0123', '812 ms']) table.getByText(text)
  // In a column of their own, and in the second line of a narrow screen.
  for (const text of ['web', 'tests', '97 ms']) expect(table.getAllByText(text)).toHaveLength(2)
  expect(table.getAllByText(/200 ok/)[0]).toBeDefined()
})

test('what is unknown is said to be unknown and is not 0', async () => {
  const unknown = record({ cost_microcents: null, ttft_ms: null, input_tokens: null, output_tokens: null, source: null })
  const table = await shown(unknown)
  expect(table.getAllByText('unknown').length).toBeGreaterThanOrEqual(4)
  expect(table.queryByText(/\$0|^0/)).toBeNull()
})

test('words from outside stay text', async () => {
  const hostile = '<img src=x onerror=alert(1)>'
  const table = await shown(record({ model: hostile, project: hostile, source: hostile, provider: hostile }))
  expect(table.getAllByText(hostile)).toHaveLength(6)
  expect(document.querySelector('img')).toBeNull()
})

test('an outcome that this page does not know yet is shown by its name', async () => {
  expect((await shown(record({ outcome: 'parked' }))).getAllByText(/parked/)[0]).toBeDefined()
})
