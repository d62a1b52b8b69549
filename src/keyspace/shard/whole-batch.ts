/**
 * A batch of several commands of which some are over all keys (FLUSHALL, SWAPDB, KEYS …), while its
 * transaction holds all shards: one after the other, on copies of the keys that they name (`scratch.ts`).
 *
 * Nothing is changed before its end. What is left then is the commands that empty or exchange databases, in
 * their order, and behind them what has become of the keys that were written: no key is in both, since the
 * latter say all of a key, by the name that it has at the end. Each shard is given both, as one part.
 *
 * Commands that look at all keys ask the shards what they have, without the keys that are known here, and add
 * those.
 *
 * Cost: a message to each shard with keys, or to all of them, per command.
 * Tests: test/keyspace/shard/whole-batch.prop.test.ts, test/keyspace/durability/transactions.crash.test.ts
 */
import { commandTable } from '../commands/index.ts'
import {
  type ByteString,
  byteString,
  type CommandSpec,
  ErrorReply,
  type Guest,
  type KeyPatch,
  type Reply,
} from '../engine/index.ts'
import { ReplyReader } from '../wire/index.ts'
import type { Scratch } from './scratch.ts'
import { mergeReplies, wholeCommands } from './split-command.ts'
import type { TransactionKey } from './transaction-messages.ts'
import { keysUsedBy, type PlannedCommand } from './transaction-plan.ts'

/** What a batch needs of its coordinator. */
export interface WholeBatchShards {
  /** Keys as they are, in the order in which they were asked for. */
  gather(keys: readonly TransactionKey[]): Promise<readonly Guest[]>
  /** The replies of all shards to a command that only looks, the coordinator's first. */
  look(batch: Uint8Array): Promise<readonly Uint8Array[]>
}

/** Where SCAN begins, and what it answers at the end. */
const SCAN_START = '0'
const KEYS = commandTable.get('keys') as CommandSpec
const ALL_KEYS = { spec: KEYS, row: commandTable.rowOf(KEYS), argv: ['KEYS', '*'] }

/** One batch. */
export class WholeBatch {
  readonly #scratch: Scratch
  readonly #shards: WholeBatchShards
  readonly #revision: number
  /** Commands that have emptied or exchanged databases. */
  readonly #done: PlannedCommand[] = []

  constructor(scratch: Scratch, shards: WholeBatchShards, revision: number) {
    this.#scratch = scratch
    this.#shards = shards
    this.#revision = revision
  }

  /** Runs one command. */
  async run(command: PlannedCommand): Promise<Reply> {
    const { spec, db } = command
    if (spec instanceof ErrorReply) return spec
    if (!spec.flags.includes('all_shards')) {
      await this.#bring(command)
      return this.#runHere(command)
    }
    if (spec.flags.includes('write')) {
      const reply = this.#runHere(command)
      if (!(reply instanceof ErrorReply)) this.#onDone(command)
      return reply
    }
    const replies = await this.#look(command)
    const failed = replies.find((reply) => reply instanceof ErrorReply)
    if (failed !== undefined) return failed
    switch (spec.name) {
      case 'keys':
        return [...this.#unknown(db, replies.flat()), ...(this.#runHere(command) as Reply[])]
      case 'dbsize': {
        const there = replies.reduce<number>((sum, reply) => sum + (reply as number), 0)
        // Keys whose time has come are counted until somebody looks at them.
        return Math.max(0, there - this.#scratch.baseKeysKnown(db)) + (this.#runHere(command) as number)
      }
      case 'randomkey':
        return this.#randomKey(command, replies)
      case 'scan':
        return this.#scan(command, replies[0])
      default: {
        const rule = spec.split
        const parts = replies.map((reply) => ({ reply, places: [] }))
        return rule === undefined ? this.#runHere(command) : mergeReplies(rule, parts)
      }
    }
  }

  /** What each shard is to do before it takes the patches; undefined: nothing. */
  get first(): Uint8Array | undefined {
    if (this.#done.length === 0) return undefined
    return wholeCommands(this.#done)
  }

  get patches(): readonly KeyPatch[] {
    return this.#scratch.patches()
  }

  async #bring(command: PlannedCommand): Promise<void> {
    const scratch = this.#scratch
    const wanted = keysUsedBy([command]).filter(({ db, key }) => !scratch.knows(db, key))
    const asked = wanted.flatMap((use) => {
      const base = scratch.baseOf(use.db)
      return base === undefined ? [] : { ...use, db: base, as: use.db }
    })
    const guests = await this.#shards.gather(asked)
    guests.forEach((guest, i) => {
      scratch.bring(asked[i]!.as, guest)
    })
  }

  #runHere({ spec, argv, db }: PlannedCommand): Reply {
    const { engine } = this.#scratch
    const run = (): Reply =>
      engine.run(spec as CommandSpec, { id: 'transaction', resp: 2, db }, argv) as Reply
    return this.#scratch.run(run, this.#revision)
  }

  #onDone(command: PlannedCommand): void {
    const { spec, argv, db } = command
    const { name } = spec as CommandSpec
    this.#done.push(command)
    if (name === 'swapdb') this.#scratch.onSwapped(Number(argv[1]), Number(argv[2]))
    else this.#scratch.onFlushed(name === 'flushall' ? undefined : db)
  }

  /** What the shards say to a command over all keys. */
  async #look(command: PlannedCommand): Promise<readonly Reply[]> {
    const base = this.#scratch.baseOf(command.db)
    const { group } = command.spec as CommandSpec
    // Channels are in no database.
    if (base === undefined && group !== 'pubsub') return []
    const batch = wholeCommands([{ ...command, db: base ?? command.db }])
    return (await this.#shards.look(batch)).map((bytes) => new ReplyReader(bytes).next() as Reply)
  }

  /** Keys of the shards that nothing here hides. */
  #unknown(db: number, keys: readonly Reply[]): ByteString[] {
    return keys.map((key) => byteString(key as ByteString)).filter((key) => !this.#scratch.knows(db, key))
  }

  async #randomKey(command: PlannedCommand, replies: readonly Reply[]): Promise<Reply> {
    const { db } = command
    const { random } = this.#scratch.engine
    const drawn = replies.filter((key) => key !== null)
    let there = this.#unknown(db, drawn)
    // Those that were drawn are known here: perhaps there are others.
    if (there.length === 0 && drawn.length > 0) {
      there = this.#unknown(db, (await this.#look({ ...ALL_KEYS, db })).flat())
    }
    const here = this.#runHere(command)
    const found = here === null ? there : [...there, here]
    return found.length === 0 ? null : found[random.below(found.length)]!
  }

  /** As without a transaction around it: the keys of this shard. Those that are new come at the beginning. */
  #scan(command: PlannedCommand, reply: Reply | undefined): Reply {
    const { argv, db } = command
    const [cursor, keys] = (reply ?? [SCAN_START, []]) as readonly [string, readonly Reply[]]
    const found = this.#unknown(db, keys)
    if (argv[1] === SCAN_START) {
      for (let at: string = SCAN_START; ; ) {
        const step = this.#runHere({ ...command, argv: [argv[0]!, at, ...argv.slice(2)] })
        if (step instanceof ErrorReply) return step
        found.push(...(step as [string, ByteString[]])[1])
        at = (step as [string, ByteString[]])[0]
        if (at === SCAN_START) break
      }
    }
    return [cursor, found]
  }
}
