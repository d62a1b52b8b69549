/**
 * Bugs that are planted into what makes a keyspace durable, and that histories over crashes find: without
 * this, that none is found in a keyspace as it is would prove little.
 *
 * Each replaces a method of a prototype while its test runs; the product knows nothing of it.
 */
import { describe, expect, test, vi } from 'vitest'
import { PartLog } from '../../../src/keyspace/durability/part-log.ts'
import { Replay } from '../../../src/keyspace/durability/replay.ts'
import { ShardJournal } from '../../../src/keyspace/durability/shard-journal.ts'
import { ShardDurability } from '../../../src/keyspace/shard/shard-durability.ts'
import type { LogRecord } from '../../../src/storage/index.ts'
import { SimulatedFile } from '../../../src/testkit/simulated-file.ts'
import { judgeLives } from '../../support/histories/judge-lives.ts'
import { judgePrefixes } from '../../support/histories/judge-prefixes.ts'
import { type LivesPlan, simulateLives } from '../../support/histories/lives.ts'
import { firstFinding, plant } from '../../support/planted-bugs.ts'

vi.mock('../../../src/storage/directory-lock.ts', async () => ({
  lockDirectory: (await import('../../support/histories/no-lock.ts')).noLock,
}))

const TIMEOUT_MS = 120_000
const CUT: LivesPlan = { level: 'fsync', death: 'power cut', lives: 2 }
const KILLED: LivesPlan = { level: 'os', lives: 2 }
/** Nothing is promised but whole transactions, and tokens. */
const LEAST: LivesPlan = { level: 'memory', death: 'power cut', lives: 2 }
const BUSY: LivesPlan = { ...LEAST, kinds: ['transaction', 'transaction', 'token', 'register'] }

/** Judges lives by what is promised for them. */
function lives(plan: LivesPlan): (seed: number) => Promise<readonly string[]> {
  const judge = plan.level === 'memory' ? judgePrefixes : judgeLives
  return async (seed) => judge(await simulateLives(seed, plan))
}

describe('histories find', { timeout: TIMEOUT_MS }, () => {
  test('a disk that says it has synced, and has not', async () => {
    plant(SimulatedFile.prototype, 'sync', () => () => undefined)
    expect(await firstFinding(10, lives(CUT))).toMatch(
      /linearizable|lost append|log is damaged|directory cannot be opened/,
    )
  })

  test('replies that wait for no disk', async () => {
    plant(ShardJournal.prototype, 'settled', () => () => undefined)
    expect(await firstFinding(10, lives(CUT))).toMatch(/linearizable|lost append|realtime/)
  })

  test('replies that wait for less than they were asked to', async () => {
    plant(ShardJournal.prototype, 'settled', () => {
      return function (this: ShardJournal) {
        return this.log.reached('os', this.log.appended)
      }
    })
    expect(await firstFinding(20, lives(CUT))).toMatch(/linearizable|lost append|realtime|token/)
  })

  test('a replay that leaves out the last record', async () => {
    const before = new WeakMap<Replay, LogRecord>()
    plant(Replay.prototype, 'take', (take) => {
      return function (this: Replay, record) {
        const last = before.get(this)
        before.set(this, { ...record, payload: record.payload.slice() })
        if (last !== undefined) take.call(this, last)
      }
    })
    expect(await firstFinding(20, lives(KILLED))).toMatch(/./)
  })

  test('decisions that nobody waits for', async () => {
    plant(PartLog.prototype, 'decide', (decide) => {
      return async function (this: PartLog, revision, atMs) {
        decide.call(this, revision, atMs).catch(() => undefined)
      }
    })
    expect(await firstFinding(60, lives(BUSY))).toMatch(/half of|tokens|was synced|linearizable/)
  })

  test('parts of transactions that are forgotten by a recovery', async () => {
    plant(ShardDurability.prototype, 'resolve', (resolve) => {
      return function (this: ShardDurability) {
        resolve.call(this, [])
      }
    })
    expect(await firstFinding(40, lives(BUSY))).toMatch(/half of|tokens|was synced|linearizable/)
  })

  test('tokens that are handed out before they are on the disk', async () => {
    plant(ShardJournal.prototype, 'add', (add) => {
      return function (this: ShardJournal, commit) {
        const { needsSync: _, ...rest } = commit
        add.call(this, rest)
      }
    })
    expect(await firstFinding(60, lives({ ...LEAST, kinds: ['lock', 'lock', 'register'] }))).toMatch(/token/)
  })
})
