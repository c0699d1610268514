import { expect, test } from 'vitest'

import { SNIPPETS } from './snippets'

test('every snippet leads to this gateway, and none holds anything else of anybody', () => {
  expect(new Set(SNIPPETS.map(({ name }) => name)).size).toBe(SNIPPETS.length)
  for (const { name, code } of SNIPPETS) {
    const text = code({ origin: 'http://gateway.test:1', key: 'the-key', model: 'the-model' })
    expect(text, name).toContain('http://gateway.test:1')
    if (name !== 'Ollama clients') expect(text, name).toContain('the-key')
    if (!/Ollama clients|Open WebUI/.test(name)) expect(text, name).toContain('the-model')
  }
})
