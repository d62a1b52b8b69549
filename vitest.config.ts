/**
 * How the tests run. Nothing needs a flag: `npm test`, or `npx vitest run test/memory` while working.
 *
 * Tests of one layer import its sources (`../../src/memory/index.ts`). Tests of the whole import `shardloom`,
 * which is `dist/`, built before: worker threads load compiled files, so that the same program has to run on
 * both sides. `dist/` is therefore left to Node and not transformed. Forks, not threads: a test may kill
 * threads, run out of memory, or end its process.
 *
 * Files with real threads and processes, simulated worlds, and what takes long (`OWN_PROCESS`) have a process
 * each: in one that is tired the same simulation takes fifteen times as long, and threads start more slowly.
 * All others share one per worker, and the sources that they load: a third of the time went into that. Those
 * that put something in the place of `Atomics` and of typed arrays (`INSTRUMENTED`) share processes of their
 * own: what V8 has learnt of these globals it forgets for good.
 */
import { defineConfig } from 'vitest/config'

const SOAK_TIMEOUT_MS = 600_000
const TIMEOUT_MS = 120_000
const NEVER = ['**/node_modules/**', 'test/package/fixtures/**']
const OWN_PROCESS = [
  'test/**/*.{race,crash,fuzz}.test.ts',
  'test/{bench,chaos,examples,keyspace/consistency,package,spec}/**/*.test.ts',
  'test/cli/{*,serve/*,storage/*,portable/*}.test.ts',
  'test/keyspace/durability/{histories*,offline/{copy,repair,verify}*}.test.ts',
  'test/keyspace/watch/watch-simulated.test.ts',
  'test/keyspace/{lock-kin,locks}.prop.test.ts',
  'test/testkit/{explore,faults,probe,simulate,simulation}*.test.ts',
]

const INSTRUMENTED = [
  'test/**/*.model.test.ts',
  'test/keyspace/shared/keyspace-memory.test.ts',
  'test/memory/histogram.test.ts',
]
/** One process a worker for many files, which frees what they leave. */
const SHARED = { isolate: false, setupFiles: ['test/support/free-memory.ts'] }

export default defineConfig({
  test: {
    projects: [
      { extends: true, test: { name: 'own', include: OWN_PROCESS, exclude: NEVER } },
      {
        extends: true,
        test: {
          ...{ name: 'instrumented', include: INSTRUMENTED, exclude: NEVER, ...SHARED },
          env: { SHL_INSTRUMENTED: '1' },
        },
      },
      {
        extends: true,
        test: {
          ...{ name: 'shared', include: ['test/**/*.test.ts'], ...SHARED },
          exclude: [...NEVER, ...OWN_PROCESS, ...INSTRUMENTED],
        },
      },
    ],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: process.env['SHL_SOAK'] ? SOAK_TIMEOUT_MS : TIMEOUT_MS,
    hookTimeout: TIMEOUT_MS,
    teardownTimeout: TIMEOUT_MS,
    server: { deps: { external: [/\/dist\//] } },
  },
})
