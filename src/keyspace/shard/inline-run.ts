/**
 * Commands of the shard's own thread, run at once: no message, no copy of the request, the reply where the
 * caller wants it.
 *
 * Whoever reads requests from a socket on the thread of a shard has the shard in hand. What it reads at a
 * time is one stretch: `begin`, commands, `end`, with nothing awaited in between. The rules are those of
 * `Shard.run`: a slot must be the shard's, a transaction in the way goes first, and what was done is told
 * when it is as durable as an acknowledgement is. The alternative, a message to oneself, costs the encoding
 * of request and reply, a promise each, and a turn of the pump.
 *
 * Invariants: 1. What is run here stands in one line with what comes by message, since both run to their end.
 * 2. Nothing is run here before the shard has its keys, nor after it has ended: a shard that was started
 * again has an address from the life before, which says nothing.
 * Cost: bench/resp.ts. Tests: test/server/connection/pipeline.prop.test.ts, test/keyspace/slots.race.test.ts
 */
import {
  type Argument,
  type BulkSink,
  type ByteString,
  type CommandSpec,
  hotAdd,
  hotChange,
  hotFind,
  hotGet,
  hotSet,
  type InPlace,
  keepTime,
  type Reply,
  TRAIT_FAST,
  TRAIT_SEVERAL_KEYS,
  timePassed,
  traitsOf,
} from '../engine/index.ts'
import { MOVED } from '../wire/index.ts'
import type { Shard } from './shard.ts'

/** Draws revisions for so many commands at most at a time. */
const COMMANDS_EXPECTED = 64

/** Arguments, or items of a reply, from which on a fast command takes time. */
const LONG = 32

/** Quick commands that may run at the time of one look at the clock. */
const COMMANDS_AT_ONE_TIME = 16

/** The shards of one thread, by number; among the thread's services. */
export const LOCAL_SHARDS_SERVICE: string = 'keyspace-local-shards'

/** A shard whose callers live on its thread. */
export class InlineRun {
  readonly #shard: Shard
  readonly #life: number
  /** Of the life before: it grows when this one has its keys, and is told to all. */
  readonly #incarnation: number
  #isEnded = false
  #isHot = false
  #appended = 0

  constructor(shard: Shard, life: number) {
    this.#shard = shard
    this.#life = life
    this.#incarnation = shard.memory.incarnationOf(shard.id)
  }

  /** Whether it is the shard that serves: it has its keys, and no other has come in its place. */
  get isServing(): boolean {
    const { memory, id } = this.#shard
    return (
      !this.#isEnded && memory.lifeOf(id) === this.#life && memory.incarnationOf(id) !== this.#incarnation
    )
  }

  /** The shard has ended. */
  close(): void {
    this.#isEnded = true
  }

  /** Begins a stretch. */
  begin(commands: number = COMMANDS_EXPECTED): void {
    const shard = this.#shard
    this.#appended = shard.durability.appended
    // While a slot is handed over its writes wait, and so must what comes behind them.
    this.#isHot = shard.beginInline(commands) && shard.schedule.size === 0 && !shard.slots.isFreezing
    keepTime(shard.engine, COMMANDS_AT_ONE_TIME)
  }

  /** Whether the shard owns a slot: read for each command, since slots move. */
  owns(slot: number): boolean {
    return this.#shard.owns(slot)
  }

  /** GET in database 0 for a key of this shard, from bytes to bytes; false: take the long way. */
  get(slot: number, bytes: Uint8Array, offset: number, length: number, sink: BulkSink): boolean {
    const shard = this.#shard
    if (!this.#isHot || !hotGet(shard.engine, bytes, offset, length, sink)) return false
    shard.commands++
    shard.slotLoad[slot]!++
    return true
  }

  /** SET in database 0 without options, the same way; false: take the long way. */
  set(
    slot: number,
    bytes: Uint8Array,
    keyOffset: number,
    keyLength: number,
    valueOffset: number,
    valueLength: number,
  ): boolean {
    const shard = this.#shard
    if (!this.#isHot) return false
    if (!hotSet(shard.engine, bytes, keyOffset, keyLength, valueOffset, valueLength)) return false
    shard.commands++
    shard.slotLoad[slot]!++
    return true
  }

  /** INCR and its kin in database 0, the same way: the sum; NaN: take the long way. */
  add(slot: number, bytes: Uint8Array, offset: number, length: number, step: number): number {
    const shard = this.#shard
    if (!this.#isHot) return Number.NaN
    const sum = hotAdd(shard.engine, bytes, offset, length, step)
    if (Number.isNaN(sum)) return sum
    shard.commands++
    shard.slotLoad[slot]!++
    return sum
  }

  /** Finds a collection of database 0 for `change`, which is called next; false: take the long way. */
  find(bytes: Uint8Array, offset: number, length: number, inPlace: InPlace): boolean {
    return this.#isHot && hotFind(this.#shard.engine, bytes, offset, length, inPlace)
  }

  /** What a command does to what was found: its reply; NaN: take the long way. */
  change(slot: number, inPlace: InPlace, argv: readonly ByteString[]): number {
    const shard = this.#shard
    const reply = hotChange(shard.engine, inPlace, argv)
    if (Number.isNaN(reply)) return reply
    shard.commands++
    shard.slotLoad[slot]!++
    return reply
  }

  /** Any command that does not wait, and whose keys are of one slot or of this shard; MOVED: they are not. */
  run(
    spec: CommandSpec,
    argv: readonly Argument[],
    slot: number,
    db: number,
    resp: 2 | 3,
  ): Reply | typeof MOVED | Promise<Reply | typeof MOVED> {
    const shard = this.#shard
    shard.commands++
    shard.slotLoad[slot]!++
    const { engine } = shard
    const traits = traitsOf(spec)
    const caller = shard.callerOf(db, resp)
    // The slot was found to be this shard's in this turn.
    const isFree = shard.schedule.size === 0 && !shard.slots.isFreezing && (traits & TRAIT_SEVERAL_KEYS) === 0
    const reply = isFree
      ? (shard.durability.refusalOf(spec) ?? (engine.run(spec, caller, argv) as Reply))
      : shard.runSpec(spec, argv, caller, slot)
    const isLong = argv.length > LONG || (Array.isArray(reply) && reply.length > LONG)
    if ((traits & TRAIT_FAST) === 0 || isLong) timePassed(engine)
    return reply instanceof Promise ? this.#acknowledged(reply) : reply
  }

  /** Who waits for a transaction is told later, behind the end of this stretch. */
  async #acknowledged(waiting: Promise<Reply | typeof MOVED>): Promise<Reply | typeof MOVED> {
    const appended = this.#appended
    const reply = await waiting
    // Nothing was done here: it neither waits for this shard's disk nor fails with it.
    return reply === MOVED ? reply : this.#shard.durability.acknowledged(reply, appended)
  }

  /** Ends a stretch; a promise: when what was done may be told. @throws SHL_LOG_FAILED by the promise */
  end(): Promise<void> | undefined {
    const shard = this.#shard
    keepTime(shard.engine, 0)
    shard.endInline()
    const { journal } = shard.durability
    return journal?.settled(this.#appended, 0, true)
  }
}
