/** Shards in one place, with their coordinators, and a hook at each message between them. */
import type { ActorRef } from '../../src/actor/index.ts'
import { ShardloomError, seededRandom } from '../../src/base/index.ts'
import { commandTable } from '../../src/keyspace/commands/index.ts'
import { type Argument, byteString, type Reply } from '../../src/keyspace/engine/index.ts'
import { hashSlotOf } from '../../src/keyspace/hash-slot.ts'
import { keyspaceSettings } from '../../src/keyspace/host/index.ts'
import { Coordinator } from '../../src/keyspace/shard/coordinator.ts'
import { Shard } from '../../src/keyspace/shard/shard.ts'
import type { ShardMessages } from '../../src/keyspace/shard/shard-messages.ts'
import { SlotExporter } from '../../src/keyspace/shard/slot-export.ts'
import { KeyspaceMemory } from '../../src/keyspace/shared/keyspace-memory.ts'
import { MOVED, NO_SLOT, ReplyReader, RequestWriter } from '../../src/keyspace/wire/index.ts'
import { type Plain, plain } from './engine.ts'
import { ManualClock } from './manual-clock.ts'

export type Words = readonly string[]

/** Shards of one keyspace. */
export class ShardLab {
  readonly clock = new ManualClock()
  readonly memory: KeyspaceMemory
  readonly shards: Shard[]
  readonly coordinators: Coordinator[]
  readonly exporters: SlotExporter[]
  /** Shards that answer nobody any more. */
  readonly down = new Set<number>()
  /** Called before each message; may throw, or take its time. */
  onAsk: (to: number, type: string, payload: unknown) => void | Promise<void> = () => undefined

  constructor(count: number) {
    this.memory = KeyspaceMemory.allocate(count)
    const settings = keyspaceSettings({ shards: count, segmentBytes: 1 << 20 }, count).shard
    const broadcast = { post: () => undefined, receive: () => undefined, close: () => undefined }
    this.shards = Array.from({ length: count }, (_, id) => {
      this.memory.setAddress(id, { thread: id, slot: 2, generation: 1 })
      const random = seededRandom(id + 1)
      const { clock, memory } = this
      return new Shard({ id, memory, clock, random, broadcast, hashSeed: [1, 2], settings })
    })
    const peer = (to: number) => this.#ref(to)
    this.coordinators = this.shards.map((shard) => new Coordinator(shard, 1, peer))
    this.exporters = this.shards.map((shard) => new SlotExporter(shard, peer))
  }

  /** A key that lies on a shard. */
  keyOn(shard: number, nth = 0): string {
    for (let i = 0, left = nth; ; i++) {
      const key = `key${i}`
      if (this.memory.ownerOf(hashSlotOf(key)) === shard && left-- === 0) return key
    }
  }

  /** Runs a batch of commands on one shard, as a client sends it. */
  async run(shard: number, ...commands: Words[]): Promise<(Plain | typeof MOVED)[]> {
    return repliesOf(await this.shards[shard]!.run(batchOf(commands)), commands.length)
  }

  /** Runs commands as one, coordinated by a shard; undefined: a watched key has changed. */
  async transact(
    by: number,
    commands: readonly Words[],
    watched: readonly { readonly db: number; readonly key: string; readonly revision: number }[] = [],
    db = 0,
  ): Promise<(Plain | typeof MOVED)[] | undefined> {
    const message = { batch: batchOf(commands, db), watched }
    const answer = await this.settle(this.coordinators[by]!.transact(message, new AbortController().signal))
    return answer.type === 'aborted' ? undefined : repliesOf(answer.replies, commands.length)
  }

  /** Waits for something while time passes. */
  async settle<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false
    const settle = (): void => {
      isSettled = true
    }
    promise.then(settle, settle)
    for (let i = 0; i < 2000 && !isSettled; i++) {
      await new Promise((resolve) => void setImmediate(resolve))
      if (!isSettled && i > 2) this.clock.advance(1)
    }
    if (!isSettled) throw new Error('it never settles')
    return promise
  }

  /** Nobody holds, or waits for, anything on these shards. */
  areFree(...ids: number[]): boolean {
    return ids.every((id) => {
      const { schedule, participant } = this.shards[id]!
      return schedule.size === 0 && participant.count === 0
    })
  }

  /** A shard is lost: the others are told. */
  lose(lost: number): void {
    this.down.add(lost)
    for (const shard of this.shards) if (shard.id !== lost) shard.participant.onCoordinatorLost(lost, 1)
  }

  #ref(to: number): ActorRef<ShardMessages> {
    const { participant, slots } = this.shards[to]!
    const handlers: Record<string, (payload: never) => unknown> = {
      schedule: (message) => participant.schedule(message),
      gather: (message) => participant.gather(message),
      runPart: (message) => participant.run(message),
      stage: (message) => participant.stage(message),
      apply: (message) => participant.apply(message),
      applyStaged: (tx) => participant.applyStaged(tx),
      release: (tx) => participant.release(tx),
      importKeys: (message) => slots.importKeys(message),
      dropImported: (from) => slots.dropImported(from),
    }
    const ask = async (type: string, payload: unknown): Promise<unknown> => {
      await this.onAsk(to, type, payload)
      if (this.down.has(to)) {
        throw new ShardloomError('SHL_ACTOR_NOT_FOUND', { actor: `shard ${to}`, reason: 'it is down' })
      }
      return handlers[type]!(payload as never)
    }
    const tell = (type: string, payload: unknown): void => void ask(type, payload).catch(() => undefined)
    return { ask, tell } as unknown as ActorRef<ShardMessages>
  }
}

/** Commands as a batch. */
export function batchOf(commands: readonly Words[], db = 0): Uint8Array {
  const writer = new RequestWriter()
  for (const argv of commands) {
    const spec = commandTable.find(argv)
    const row = commandTable.rows.indexOf(spec as (typeof commandTable.rows)[number])
    const [use] = 'handler' in spec ? commandTable.keysOf(spec, argv) : []
    const slot = use === undefined ? NO_SLOT : hashSlotOf(byteString(argv[use.index] as Argument))
    writer.begin(row, db, slot, argv.length - 1)
    for (const word of argv.slice(1)) writer.argument(word)
  }
  return writer.take()
}

function repliesOf(bytes: Uint8Array, count: number): (Plain | typeof MOVED)[] {
  const reader = new ReplyReader(bytes)
  return Array.from({ length: count }, () => {
    const reply = reader.next()
    return reply === MOVED ? MOVED : plain(reply as Reply)
  })
}
