/**
 * The engine on which the callback of a transaction runs: it holds nothing but the keys that were named.
 *
 * One engine serves all transactions of its thread, since a callback is synchronous; it is emptied after
 * each. Nothing leaves it but what the callback returned and what became of the keys: as patches, and as the
 * commands that a log would have.
 * Tests: test/keyspace/transaction.race.test.ts, test/client/remote-transaction.test.ts
 */
import { ShardloomError, seededRandom } from '../../base/index.ts'
import { KeyTableWriter } from '../../memory/index.ts'
import { commandTable } from '../commands/index.ts'
import {
  type Argument,
  byteString,
  type Effect,
  type EngineClock,
  ErrorReply,
  type Guest,
  type KeyPatch,
  patchesOf,
  putGuests,
  type Reply,
  ShardEngine,
} from '../engine/index.ts'

/** What a callback works on. */
export interface ScratchRun {
  /** In database 0 unless another one is named. */
  run(argv: readonly Argument[], db?: number): Reply
}

/** A key that a callback may use. */
export interface NamedKey {
  readonly db: number
  readonly key: string
}

/** What a callback has done. */
export interface ScratchOutcome<T> {
  readonly value: T
  readonly patches: readonly KeyPatch[]
  readonly effects: readonly Effect[]
}

const SCRATCH_STRIPES = 64
const SCRATCH_SEGMENT_BYTES = 1024 * 1024
const SCRATCH_REVISION = 1

/** Runs callbacks of one thread. */
export class TransactionScratch {
  readonly #clock: EngineClock
  #engine: ShardEngine | undefined

  /** `clock` is that of the shards: what has expired there has expired here. */
  constructor(clock: EngineClock) {
    this.#clock = clock
  }

  /**
   * Runs `body`, which may use `keys` and no others, over what they hold.
   *
   * @throws SHL_TRANSACTION_KEY, SHL_OPTION_INVALID, and what `body` throws
   */
  run<T>(
    keys: readonly NamedKey[],
    guests: readonly Guest[],
    body: (scratch: ScratchRun) => T,
  ): ScratchOutcome<T> {
    const names = new Set(keys.map(({ db, key }) => `${db}:${key}`))
    const engine = this.#open()
    try {
      engine.capture(() => putGuests(engine, guests))
      const done = engine.capture(() => body({ run: (argv, db = 0) => runOn(engine, names, argv, db) }))
      if (isThenable(done.value)) {
        // Its own failure is of no interest any more, and must not end the process.
        void Promise.resolve(done.value).catch(() => undefined)
        throw new ShardloomError('SHL_OPTION_INVALID', {
          option: 'transaction callback',
          value: 'an async function',
          allowed: 'a synchronous function: the keys are held while it runs',
        })
      }
      const { value, commit } = done
      if (commit === undefined) return { value, patches: [], effects: [] }
      return { value, patches: patchesOf(engine, commit.changes), effects: commit.effects }
    } finally {
      for (const db of engine.openDatabases()) db.clear()
      // Times at which what was brought in would have expired.
      if (engine.hasBackgroundWork) engine.tick(1)
    }
  }

  #open(): ShardEngine {
    this.#engine ??= new ShardEngine({
      commands: commandTable,
      clock: this.#clock,
      random: seededRandom(Math.floor(this.#clock.monotonicMs() * 1000) >>> 0),
      nextRevision: () => SCRATCH_REVISION,
      makeTable: () => new KeyTableWriter({ stripes: SCRATCH_STRIPES, segmentBytes: SCRATCH_SEGMENT_BYTES }),
    })
    return this.#engine
  }
}

function runOn(
  engine: ShardEngine,
  names: ReadonlySet<string>,
  argv: readonly Argument[],
  index: number,
): Reply {
  const spec = commandTable.find(argv)
  if (spec instanceof ErrorReply) return spec
  const stranger = commandTable
    .keysOf(spec, argv)
    .map((use) => ({ db: use.db ?? index, key: byteString(argv[use.index]!) }))
    .find(({ db, key }) => !names.has(`${db}:${key}`))?.key
  if (stranger !== undefined || spec.flags.includes('all_shards') || spec.group === 'lock') {
    throw new ShardloomError('SHL_TRANSACTION_KEY', { command: spec.name, key: stranger ?? 'all keys' })
  }
  return engine.run(spec, { id: 'transaction', resp: 2, db: index }, argv) as Reply
}

function isThenable(value: unknown): boolean {
  return typeof (value as { readonly then?: unknown } | null | undefined)?.then === 'function'
}
