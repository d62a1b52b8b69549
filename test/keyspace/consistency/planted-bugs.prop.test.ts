/**
 * Bugs that are planted into the protocol, and what finds them: a history that no checker rejects proves
 * little unless the checkers reject those of a keyspace that is broken.
 *
 * Each bug replaces a method of a prototype while its test runs; the product knows nothing of it.
 */
import { describe, expect, test } from 'vitest'
import { ShardPipeline } from '../../../src/keyspace/client/shard-pipeline.ts'
import { commandTable } from '../../../src/keyspace/commands/index.ts'
import { Participant } from '../../../src/keyspace/shard/participant.ts'
import { Shard } from '../../../src/keyspace/shard/shard.ts'
import { SlotExporter } from '../../../src/keyspace/shard/slot-export.ts'
import { SlotKeeper } from '../../../src/keyspace/shard/slot-keeper.ts'
import { Turns } from '../../../src/keyspace/shard/turns.ts'
import { KeyspaceMemory } from '../../../src/keyspace/shared/keyspace-memory.ts'
import { ShardSchedule } from '../../../src/keyspace/transactions/index.ts'
import { IntentTable } from '../../../src/keyspace/transactions/intent-table.ts'
import { ReplyWriter, RequestReader } from '../../../src/keyspace/wire/index.ts'
import { judge } from '../../support/consistency/judge.ts'
import { judgeLosses } from '../../support/consistency/losses.ts'
import { type Chaos, simulateClients } from '../../support/consistency/simulated-clients.ts'
import { firstFinding, plant } from '../../support/planted-bugs.ts'

const TIMEOUT_MS = 120_000
const ROW_SET = commandTable.rows.findIndex(({ name }) => name === 'set')

/** Judges clients that meet no faults: they must not see an error either. */
function clients(chaos: Chaos): (seed: number) => Promise<readonly string[]> {
  return async (seed) => {
    const { notes } = await simulateClients(seed, { timeoutMs: 2000, ...chaos })
    return [...judge(notes), ...notes.flatMap(({ errors }) => errors.map(({ text }) => `error: ${text}`))]
  }
}

const busy: Chaos = {
  kinds: ['transaction', 'transaction', 'register', 'counter', 'set', 'token'],
  steps: 24,
}

describe('a checker finds', () => {
  test('a schedule that lets everybody in at once', { timeout: TIMEOUT_MS }, async () => {
    plant(ShardSchedule.prototype, 'schedule', (schedule) => {
      return function (this: ShardSchedule, id) {
        return schedule.call(this, id, [])
      }
    })
    expect(await firstFinding(20, clients(busy))).toMatch(
      /G-single|G2|G1|G0|lost append|not linearizable|tokens/,
    )
  })

  test('commands that do not look whether a transaction is in the way', { timeout: TIMEOUT_MS }, async () => {
    plant(ShardSchedule.prototype, 'isBlocked', () => () => false)
    expect(await firstFinding(40, clients(busy))).toMatch(
      /G-single|G2|G1|lost append|not linearizable|tokens/,
    )
  })

  test('a schedule that opens its order gates before all shards have said yes', {
    timeout: TIMEOUT_MS,
  }, async () => {
    const { arm } = ShardSchedule.prototype
    plant(ShardSchedule.prototype, 'schedule', (schedule) => {
      return function (this: ShardSchedule, id, intents) {
        const outcome = schedule.call(this, id, intents)
        if (outcome === 'granted' || outcome === 'queued') arm.call(this, id)
        return outcome
      }
    })
    plant(ShardSchedule.prototype, 'nextAcknowledged', (next) => {
      return function (this: ShardSchedule) {
        const id = next.call(this)
        if (id !== undefined) arm.call(this, id)
        return id
      }
    })
    plant(ShardSchedule.prototype, 'arm', () => () => undefined)
    // It runs before the shard is told what.
    plant(Turns.prototype, 'onTurn', (onTurn) => {
      return function (this: Turns, id, run) {
        if (this.schedule.stateOf(id) === 'running') run()
        else onTurn.call(this, id, run)
      }
    })
    expect(await firstFinding(40, clients(busy))).toBeDefined()
  })

  test('a schedule that refuses nobody: they wait for each other', { timeout: TIMEOUT_MS }, async () => {
    plant(IntentTable.prototype, 'floor', () => () => 0)
    expect(await firstFinding(60, clients(busy))).toMatch(/timed out/)
  })

  test('a transaction that changes some of its shards and not others', { timeout: TIMEOUT_MS }, async () => {
    plant(Participant.prototype, 'applyStaged', () => {
      return function (this: Participant, tx) {
        this.release(tx)
      }
    })
    expect(await firstFinding(20, clients(busy))).toMatch(/lost append|G-single|G1|tokens|not linearizable/)
  })

  test('commands that run on slots which are frozen', { timeout: TIMEOUT_MS }, async () => {
    plant(SlotKeeper.prototype, 'isFrozen', () => () => false)
    expect(await firstFinding(80, clients({ moves: true }))).toMatch(/./)
  })

  test('a move that leaves out what was changed meanwhile', { timeout: TIMEOUT_MS }, async () => {
    plant(Shard.prototype, 'onTouched', () => () => () => undefined)
    expect(await firstFinding(80, clients({ moves: true }))).toMatch(/./)
  })

  test('a move that waits for no transaction', { timeout: TIMEOUT_MS }, async () => {
    plant(Shard.prototype, 'isInUse', () => () => false)
    expect(await firstFinding(80, clients({ moves: true }))).toMatch(/./)
  })

  test('moves that run into each other', { timeout: TIMEOUT_MS }, async () => {
    plant(SlotKeeper.prototype, 'isIncoming', () => () => false)
    expect(SlotExporter.prototype.move).toBeTypeOf('function')
    expect(await firstFinding(80, clients({ moves: true, steps: 24 }))).toMatch(/./)
  })

  test('transactions that overtake the commands before them', { timeout: TIMEOUT_MS }, async () => {
    plant(ShardPipeline.prototype, 'answered', () => () => undefined)
    expect(await firstFinding(30, clients({ kinds: ['own'] }))).toMatch(/order of process/)
  })

  test('a shard that answers before it has written', { timeout: TIMEOUT_MS }, async () => {
    plant(Shard.prototype, 'run', (run) => {
      return function (this: Shard, batch) {
        const reader = new RequestReader(batch)
        const writer = new ReplyWriter()
        while (reader.next()) {
          if (reader.row !== ROW_SET || reader.argumentCount !== 2) return run.call(this, batch)
          writer.ok()
        }
        this.clock.after(0.2, () => void run.call(this, batch))
        return writer.take()
      }
    })
    expect(await firstFinding(30, clients({ kinds: ['memory'], steps: 30 }))).toMatch(/stale/)
    expect(await firstFinding(30, clients({ kinds: ['register'], steps: 30 }))).toMatch(/not linearizable/)
  })

  test('participants that do not look what a lost coordinator had decided', {
    timeout: TIMEOUT_MS,
  }, async () => {
    plant(KeyspaceMemory.prototype, 'isDecided', () => () => false)
    expect(await firstFinding(80, (seed) => judgeLosses(seed, { atDecision: true }))).toMatch(
      /half applied|G/,
    )
  })

  test('participants that keep the keys of a lost coordinator', { timeout: TIMEOUT_MS }, async () => {
    plant(Participant.prototype, 'onCoordinatorLost', () => () => undefined)
    expect(await firstFinding(80, (seed) => judgeLosses(seed, {}))).toMatch(/timed out/)
  })
})
