/**
 * How the tests run. Nothing needs a flag: `npm test`, or `npx vitest run test/memory` while working.
 *
 * Tests of one layer import its sources (`../../src/memory/index.ts`). Tests of the whole import `shardloom`,
 * which is `dist/`, built before: worker threads load compiled files, so that the same program has to run on
 * both sides. `dist/` is therefore left to Node and not transformed. Forks, not threads: a test may kill
 * threads, run out of memory, or end its process.
 */
import { defineConfig } from 'vitest/config'

const SOAK_TIMEOUT_MS = 600_000
const TIMEOUT_MS = 30_000

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'test/package/fixtures/**'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: process.env['SHL_SOAK'] ? SOAK_TIMEOUT_MS : TIMEOUT_MS,
    hookTimeout: TIMEOUT_MS,
    teardownTimeout: TIMEOUT_MS,
    server: { deps: { external: [/\/dist\//] } },
  },
})
