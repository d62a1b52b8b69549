/**
 * Sends each command of a thread to the shard that owns its slot, and keeps their order when slots move.
 *
 * Usually a command goes straight into the pipeline of the owner. When the slot map has changed, or a shard
 * answers that a slot is no longer its own, new commands are held back until all that are on their way have
 * been answered; then what was refused is sent again, first, and in its order, and what was held back follows.
 * So two commands for one key never overtake each other, at the price of one round trip whenever slots move.
 *
 * Invariants
 *   1. Commands of this thread for one key take effect in the order in which they were given.
 *   2. A command is answered once.
 *
 * Tests: test/keyspace/client/command-router.test.ts, test/keyspace/slots.race.test.ts
 */
import { type Clock, ShardloomError } from '../../base/index.ts'
import type { KeyspaceMemory } from '../shared/keyspace-memory.ts'
import { NO_SLOT } from '../wire/index.ts'
import type { PendingCommand } from './pending-command.ts'
import { ShardPipeline } from './shard-pipeline.ts'

/** What routing needs. */
export interface RouterParts {
  readonly memory: KeyspaceMemory
  readonly clock: Clock
  /** Commands that may wait at a time; above, one is refused. */
  readonly pendingMax: number
  send(shard: number, batch: Uint8Array): Promise<Uint8Array>
  atTickEnd(flush: () => void): void
}

/** The commands of one thread. */
export class CommandRouter {
  readonly #parts: RouterParts
  readonly #pipelines: ShardPipeline[]
  #epoch: number
  /** Refused by shards that no longer own their slots. */
  #moved: PendingCommand[] = []
  /** Came while slots moved; undefined while none do. */
  #held: PendingCommand[] | undefined
  #pending = 0
  /** Transactions under way: what they keep to themselves. */
  readonly #alone = new Set<{ slots: ReadonlySet<number>; isWhole: boolean; done: Promise<void> }>()

  constructor(parts: RouterParts) {
    this.#parts = parts
    this.#epoch = parts.memory.epoch
    this.#pipelines = Array.from({ length: parts.memory.shardCount }, (_, shard) => {
      return new ShardPipeline({
        clock: parts.clock,
        send: (batch) => parts.send(shard, batch),
        onMoved: (command) => this.#onMoved(command),
        onSettled: (count) => this.#onSettled(count),
        atTickEnd: parts.atTickEnd,
      })
    })
  }

  /** Commands that were given and not answered. */
  get pendingCount(): number {
    return this.#pending
  }

  /** Sends a command with a key, or, with NO_SLOT, to the shard that is named. */
  send(command: PendingCommand, shard = -1): void {
    const { pendingMax } = this.#parts
    if (this.#pending >= pendingMax) {
      command.reject(new ShardloomError('SHL_KEYSPACE_BUSY', { pending: this.#pending, pendingMax }))
      return
    }
    this.#pending++
    const wait = this.#waitFor(command.slot)
    if (wait === undefined) this.#route(command, shard)
    else void this.#routeAfter(wait, command, shard)
  }

  /** In the order of waiting: each looks again, since the next one may have come meanwhile. */
  async #routeAfter(wait: Promise<void>, command: PendingCommand, shard: number): Promise<void> {
    await wait
    const next = this.#waitFor(command.slot)
    if (next === undefined) this.#route(command, shard)
    else await this.#routeAfter(next, command, shard)
  }

  #route(command: PendingCommand, shard: number): void {
    const { memory } = this.#parts
    if (this.#held !== undefined && command.slot !== NO_SLOT) {
      this.#held.push(command)
      return
    }
    const owner = command.slot === NO_SLOT ? shard : memory.ownerOf(command.slot)
    // Read after the owner: see KeyspaceMemory.setOwner.
    if (memory.epoch !== this.#epoch && command.slot !== NO_SLOT) {
      this.#hold()
      this.#held!.push(command)
      this.#release()
      return
    }
    this.#pipelines[owner]!.add(command)
  }

  /**
   * Runs a task that has keys, or all, to itself among the commands of this thread: those before it are
   * answered first, those after it on the same keys wait.
   */
  async alone<T>(
    keys: readonly { readonly key: string; readonly slot: number }[],
    isWhole: boolean,
    task: () => Promise<T>,
  ): Promise<T> {
    const slots = new Set(keys.map(({ slot }) => slot))
    const before = [...this.#alone].filter((one) => isWhole || one.isWhole || overlaps(one.slots, slots))
    const { memory } = this.#parts
    const shards = isWhole ? this.#pipelines.keys() : new Set([...slots].map((slot) => memory.ownerOf(slot)))
    this.flush()
    const answered = [...shards].map((shard) => this.#pipelines[shard]!.answered())
    let settle: () => void = () => undefined
    const done = new Promise<void>((resolve) => {
      settle = resolve
    })
    const own = { slots, isWhole, done }
    this.#alone.add(own)
    try {
      await Promise.all([...answered, ...before.map((one) => one.done), this.#held && this.#whenFree()])
      return await task()
    } finally {
      this.#alone.delete(own)
      settle()
    }
  }

  /** Resolves when what this command must not overtake is done; undefined when there is no such thing. */
  #waitFor(slot: number): Promise<void> | undefined {
    if (this.#alone.size === 0) return undefined
    for (const { slots, isWhole, done } of this.#alone) {
      if (isWhole || slots.has(slot)) return done
    }
    return undefined
  }

  /** Resolves when no slot is moving. */
  async #whenFree(): Promise<void> {
    while (this.#held !== undefined) {
      await new Promise<void>((resolve) => void this.#parts.clock.after(1, resolve))
    }
  }

  /** Sends what was given so far, without waiting for the end of the tick. */
  flush(): void {
    for (const pipeline of this.#pipelines) pipeline.flush()
  }

  #onMoved(command: PendingCommand): void {
    this.#moved.push(command)
    this.#hold()
  }

  #hold(): void {
    this.#held ??= []
  }

  /** An answer has come: whoever was held back may be next. */
  #onSettled(count: number): void {
    this.#pending -= count
    if (this.#held !== undefined) this.#release()
  }

  #release(): void {
    if (this.#pipelines.some((pipeline) => !pipeline.isIdle)) return
    const again = [...this.#moved, ...(this.#held ?? [])]
    this.#moved = []
    this.#held = undefined
    this.#epoch = this.#parts.memory.epoch
    for (const command of again) {
      if (command.again === undefined) this.#route(command, -1)
      else {
        this.#pending--
        command.again()
      }
    }
  }
}

function overlaps(some: ReadonlySet<number>, others: ReadonlySet<number>): boolean {
  for (const one of some) if (others.has(one)) return true
  return false
}
