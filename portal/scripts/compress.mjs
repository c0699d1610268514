// Leaves a .br and a .gz beside each file of dist that gets smaller by it: the gateway embeds and serves them as they are.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'

const dist = new URL('../dist/', import.meta.url)
const compressible = /\.(html|js|css|svg|json|txt)$/

for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
  const path = `${entry.parentPath}/${entry.name}`
  if (!entry.isFile() || !compressible.test(entry.name) || path.includes('/.vite/')) continue
  const plain = readFileSync(path)
  const forms = {
    '.br': brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: plain.length } }),
    '.gz': gzipSync(plain, { level: 9 }),
  }
  for (const [suffix, compressed] of Object.entries(forms)) {
    if (compressed.length < plain.length * 0.95) writeFileSync(path + suffix, compressed)
  }
}

// Vite empties the folder; this file keeps it in the repository, so that cargo has a folder to watch.
writeFileSync(new URL('.gitkeep', dist), '')
