// Fails when the portal grows beyond its budgets (KiB, gzip -9), which are what a reader waits for.
import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'

const budgets = { entry: 200, 'first load': 350, 'lazy chunk': 120 }
const first = ['src/pages/OverviewPage.tsx', 'uplot']

const dist = new URL('../dist/', import.meta.url)
const manifest = JSON.parse(readFileSync(new URL('.vite/manifest.json', dist), 'utf8'))
const kib = (file) => gzipSync(readFileSync(new URL(file, dist)), { level: 9 }).length / 1024

/** A chunk's own files and those of everything it imports at once. */
function load(key, seen = new Set(), files = new Set()) {
  if (seen.has(key)) return files
  seen.add(key)
  const chunk = manifest[key]
  for (const file of [chunk.file, ...(chunk.css ?? []), ...(chunk.assets ?? [])]) files.add(file)
  for (const next of chunk.imports ?? []) load(next, seen, files)
  return files
}

const total = (files) => [...files].reduce((sum, file) => sum + kib(file), 0)
const entry = load('index.html')
const opening = new Set(entry)
for (const key of Object.keys(manifest)) {
  if (first.some((name) => key.includes(name))) for (const file of load(key)) opening.add(file)
}
const lazy = Object.values(manifest).filter((chunk) => chunk.isDynamicEntry)

const measured = [
  ['entry', total(entry), 'entry'],
  ['first load', total(opening), 'first load'],
  ...lazy.map((chunk) => [`lazy chunk ${chunk.src ?? chunk.file}`, kib(chunk.file), 'lazy chunk']),
]
for (const [name, size, budget] of measured) {
  const over = size > budgets[budget]
  console.log(`${over ? 'OVER ' : 'ok   '} ${name}: ${size.toFixed(1)} of ${budgets[budget]} KiB`)
  if (over) process.exitCode = 1
}
