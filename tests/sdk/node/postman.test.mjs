// The API document becomes a Postman collection, by Postman's own converter.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import converter from 'openapi-to-postmanv2'

const GATEWAY = process.env.GATEWAY_URL

test('the document imports into Postman', async () => {
  const document = await (await fetch(`${GATEWAY}/openapi.json`)).json()
  const options = { folderStrategy: 'Tags', requestParametersResolution: 'Example' }
  const converted = await new Promise((resolve, reject) => {
    converter.convertV2({ type: 'json', data: document }, options, (error, result) => (error ? reject(error) : resolve(result)))
  })
  assert.equal(converted.result, true, converted.reason)
  const collection = converted.output.find((part) => part.type === 'collection').data
  const requests = []
  const walk = (items) => items.forEach((item) => (item.item ? walk(item.item) : requests.push(item)))
  walk(collection.item)
  const operations = Object.values(document.paths).flatMap((item) => Object.keys(item).filter((key) => /^(get|post|put|patch|delete)$/.test(key)))
  assert.equal(requests.length, operations.length)
  assert.equal(collection.info.name, document.info.title)
  const chat = requests.find((item) => item.request.method === 'POST' && item.request.url.path.join('/') === 'v1/chat/completions')
  assert.ok(chat, 'a chat completion is among them')
})
