/**
 * Transactions as a client sees them: batches of commands, and callbacks over copies of the keys.
 *
 * A batch is sent to one of the shards that it concerns, which coordinates. A callback runs here, on an
 * engine of its own that holds nothing but the keys that were named; what it made of them is sent back. The
 * shards hold the keys meanwhile, so that the callback must be short, and has a deadline.
 *
 * Order: what this thread has sent before to the shards concerned is answered first, and what it sends
 * afterwards to the same keys waits. So a transaction stands in the order of its thread's commands.
 * Tests: test/keyspace/transaction.race.test.ts
 */
import type { ActorRef } from '../../actor/index.ts'
import { type Clock, ShardloomError } from '../../base/index.ts'
import { commandTable } from '../commands/index.ts'
import { type Argument, byteString, ErrorReply, type KeyPatch, type Reply } from '../engine/index.ts'
import { hashSlotOf } from '../hash-slot.ts'
import { askShard } from '../shard/shard-error.ts'
import type { ShardMessages } from '../shard/shard-messages.ts'
import type { TransactAnswer, TransactionKey } from '../shard/transaction-messages.ts'
import type { KeyspaceMemory } from '../shared/keyspace-memory.ts'
import { ReplyReader, RequestWriter } from '../wire/index.ts'
import type { CommandRouter } from './command-router.ts'
import { sortOverShards } from './sort-over-shards.ts'
import { type ScratchRun, TransactionScratch } from './transaction-scratch.ts'

/** A key that must not have changed: its revision when it was read, 0 for a key that was not there. */
export interface WatchedKey {
  readonly db: number
  readonly key: string
  readonly revision: number
}

/** How long a transaction may wait for its turn. */
export interface WaitLimits {
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
  /** The durability that is asked for, by number. */
  readonly level?: number
}

/** A command of a batch. */
export interface BatchCommand {
  readonly argv: readonly Argument[]
  readonly db: number
  /** The version of the protocol in whose form the reply is wanted. Default 2. */
  readonly resp?: 2 | 3
  /** The client whose command it is. Default: nobody's in particular. */
  readonly by?: number
}

/** What transactions need of their thread. */
export interface TransactionParts {
  readonly memory: KeyspaceMemory
  readonly clock: Clock
  readonly router: CommandRouter
  readonly timeoutMs: number
  ref(shard: number): Promise<ActorRef<ShardMessages>>
}

/** Transactions of one thread. */
export class TransactionClient {
  readonly #parts: TransactionParts
  readonly #scratch: TransactionScratch

  constructor(parts: TransactionParts) {
    this.#parts = parts
    const { memory, clock } = parts
    const wallMs = (): number => memory.wallMs(clock.wallMs())
    this.#scratch = new TransactionScratch({ wallMs, monotonicMs: () => clock.nowMs() })
  }

  /** Runs commands as one; undefined: a watched key has changed, and none of them ran. */
  async batch(
    commands: readonly BatchCommand[],
    watched: readonly WatchedKey[] = [],
    options: WaitLimits = {},
  ): Promise<readonly Reply[] | undefined> {
    const keys = this.#keysOf(commands)
    for (const { db, key } of watched) addKey(keys, db, key)
    const all = [...keys.values()]
    return this.#parts.router.alone(all, this.#isWhole(commands), () =>
      this.#transact(commands, watched, all, options),
    )
  }

  /** The same, whatever this thread has under way: for what the router itself gives in its turn. */
  async now(commands: readonly BatchCommand[]): Promise<readonly Reply[]> {
    const replies = await this.#transact(commands, [], [...this.#keysOf(commands).values()], {})
    return replies as readonly Reply[]
  }

  async #transact(
    commands: readonly BatchCommand[],
    watched: readonly WatchedKey[],
    keys: readonly TransactionKey[],
    options: WaitLimits,
  ): Promise<readonly Reply[] | undefined> {
    const writer = new RequestWriter()
    for (const { argv, db, resp, by } of commands) {
      const spec = commandTable.find(argv)
      if (spec instanceof ErrorReply) {
        const command = byteString(argv[0] ?? '')
        throw new ShardloomError('SHL_COMMAND_REFUSED', { reply: spec.text, command })
      }
      writer.begin(commandTable.rowOf(spec), db, 0, argv.length - 1, 0, resp, by)
      for (let i = 1; i < argv.length; i++) writer.argument(argv[i]!)
    }
    const home = this.#homeOf(keys)
    const ref = await this.#parts.ref(home)
    const message = { batch: writer.take(), watched, level: options.level ?? 0 }
    const answer: TransactAnswer = await askShard(home, () =>
      ref.ask('transact', message, this.#limits(options)),
    )
    if (answer.type === 'aborted') return undefined
    const reader = new ReplyReader(answer.replies)
    return commands.map(() => reader.next() as Reply)
  }

  /**
   * Runs `body` over the keys, which nobody else changes meanwhile; what it throws undoes everything.
   *
   * @throws SHL_TRANSACTION_LATE, SHL_TRANSACTION_KEY, and what `body` throws
   */
  async callback<T>(
    names: readonly { readonly db: number; readonly key: string }[],
    holdMs: number,
    options: WaitLimits,
    body: (scratch: ScratchRun) => T,
  ): Promise<T> {
    const keys = new Map<string, TransactionKey>()
    for (const { db, key } of names) addKey(keys, db, key)
    const wanted = [...keys.values()].map((one) => ({ ...one, isWritten: true }))
    return this.#parts.router.alone(wanted, false, () => this.#hold(wanted, holdMs, options, body))
  }

  /** A SORT with patterns, over all shards. */
  sort(argv: readonly Argument[], db: number): Promise<Reply> {
    const run = async (words: readonly Argument[], index: number): Promise<Reply> =>
      (await this.now([{ argv: words, db: index }]))[0]!
    return this.#parts.router.alone([], true, () =>
      sortOverShards(argv, db, {
        run,
        hold: (names, body) => {
          const wanted = names.map((one) => ({ ...one, slot: hashSlotOf(one.key), isWritten: true }))
          return this.#hold(wanted, this.#parts.timeoutMs, {}, body)
        },
      }),
    )
  }

  async #hold<T>(
    wanted: readonly TransactionKey[],
    holdMs: number,
    options: WaitLimits,
    body: (scratch: ScratchRun) => T,
  ): Promise<T> {
    const home = this.#homeOf(wanted)
    const ref = await this.#parts.ref(home)
    const { timeoutMs } = this.#parts
    const { tx, guests } = await askShard(home, () =>
      ref.ask('begin', { keys: wanted, holdMs }, this.#limits(options)),
    )
    let value: T
    let patches: readonly KeyPatch[]
    try {
      ;({ value, patches } = this.#scratch.run(wanted, guests, body))
    } catch (error) {
      ref.tell('abort', tx)
      throw error
    }
    if (
      !(await askShard(home, () =>
        ref.ask('commit', { tx, patches, level: options.level ?? 0 }, { timeoutMs }),
      ))
    ) {
      throw new ShardloomError('SHL_TRANSACTION_LATE', { keys: wanted.length, holdMs })
    }
    return value
  }

  #limits({ timeoutMs = this.#parts.timeoutMs, signal }: WaitLimits): WaitLimits & { timeoutMs: number } {
    return signal === undefined ? { timeoutMs } : { timeoutMs, signal }
  }

  #keysOf(commands: readonly BatchCommand[]): Map<string, TransactionKey> {
    const keys = new Map<string, TransactionKey>()
    for (const { argv, db } of commands) {
      const spec = commandTable.find(argv)
      if (spec instanceof ErrorReply) continue
      for (const use of commandTable.keysOf(spec, argv)) {
        addKey(keys, use.db ?? db, byteString(argv[use.index]!))
      }
    }
    return keys
  }

  #isWhole(commands: readonly BatchCommand[]): boolean {
    return commands.some(({ argv }) => {
      const spec = commandTable.find(argv)
      return !(spec instanceof ErrorReply) && spec.flags.includes('all_shards')
    })
  }

  /** The shard that coordinates: one that is concerned. */
  #homeOf(keys: readonly TransactionKey[]): number {
    const [first] = keys
    return first === undefined ? 0 : this.#parts.memory.ownerOf(first.slot)
  }
}

function addKey(keys: Map<string, TransactionKey>, db: number, key: string): void {
  const name = `${db}:${key}`
  if (!keys.has(name)) keys.set(name, { db, key, slot: hashSlotOf(key), isWritten: false })
}
