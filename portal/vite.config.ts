import tailwind from '@tailwindcss/vite'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'

const gateway = process.env.GATEWAY_URL ?? 'http://127.0.0.1:8930'

export default defineConfig({
  plugins: [react(), tailwind()],
  build: {
    target: 'es2022',
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    // The policy of the gateway allows no data: scripts or fonts, so nothing is inlined.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // Read by scripts/size.mjs; the gateway serves no dot files.
    manifest: true,
  },
  server: {
    proxy: Object.fromEntries(
      ['/v1', '/health', '/readyz', '/openapi.json'].map((path) => [path, { target: gateway, changeOrigin: true }]),
    ),
  },
  test: {
    include: ['src/**/*.test.{ts,tsx}'],
    environment: 'jsdom',
    // Times are shown in the reader's zone: tests say which one that is.
    env: { TZ: 'UTC' },
  },
})
