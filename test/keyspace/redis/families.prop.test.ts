/**
 * Random commands of every family give the same replies as on a real Redis: values, errors, and what is left
 * at the end.
 *
 * An engine runs them with a clock that stands still, so that times are generous and far apart. A sequence
 * that differs is made shorter before it is shown. `SHL_SEED=n` runs others.
 */
import { afterAll, describe, expect, test } from 'vitest'
import { seededRandom } from '../../../src/base/index.ts'
import { commandTable } from '../../../src/keyspace/commands/index.ts'
import { type Caller, type Reply, ShardEngine } from '../../../src/keyspace/engine/index.ts'
import type { Run } from '../../support/redis/compare.ts'
import { FAMILIES, sequenceOf } from '../../support/redis/families.ts'
import { startRedis } from '../../support/redis/redis-server.ts'
import { runSequence, shrink, textOf } from '../../support/redis/sequences.ts'
import { resp2Form } from '../../support/resp2.mjs'

const SEQUENCES = process.env['SHL_SOAK'] ? 5000 : 60
const LENGTH = 60
const SEED = Number(process.env['SHL_SEED'] ?? 1)
const CALLER: Caller = { id: 'test', resp: 2, db: 0 }
const KEYS: Readonly<Record<string, readonly string[]>> = {
  mixed: ['a', 'b', 'c', ''],
  keys: ['a', 'b', 'c', 'key\xff', 'd'],
}

const redis = await startRedis()
afterAll(() => redis?.stop())

function makeRun(): Run {
  const nowMs = Date.now()
  let revision = 0
  const engine = new ShardEngine({
    commands: commandTable,
    clock: { wallMs: () => nowMs, monotonicMs: () => nowMs },
    random: seededRandom(SEED),
    nextRevision: () => ++revision,
  })
  return (argv) => resp2Form(engine.execute(CALLER, argv) as Reply)
}

test('every command that Redis 7.0 has as well is drawn', () => {
  const drawn = Object.values(FAMILIES).flatMap((family) => Object.keys(family))
  const others = commandTable.rows.filter(({ name }) => !drawn.includes(name))
  const isNewer = (since: string): boolean => since.startsWith('Shardloom') || Number.parseFloat(since) > 7
  expect(others.filter(({ since }) => !isNewer(since)).map(({ name }) => name)).toEqual([])
})

describe.skipIf(redis === undefined)('as Redis answers', () => {
  test.each([...Object.keys(FAMILIES).filter((name) => name !== 'publish'), 'mixed'])(
    'random commands of the family: %s',
    async (family) => {
      const keys = KEYS[family] ?? ['a', 'b', 'c']
      const { client } = redis!
      for (let i = 0; i < SEQUENCES; i++) {
        const sequence = sequenceOf(family, SEED * 1_000_003 + i, LENGTH, keys)
        const found = await runSequence(client, makeRun, sequence, keys)
        if (found === undefined) continue
        expect.fail(`sequence ${i}:\n${textOf(await shrink(client, makeRun, found, keys))}`)
      }
    },
  )
})
