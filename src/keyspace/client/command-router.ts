/**
 * Sends each command of a thread to the shard that owns its slot, and keeps their order when slots move.
 *
 * Usually a command goes straight into the pipeline of the owner. When the slot map has changed, or a shard
 * answers that a slot is no longer its own, new commands are held back until all that are on their way have
 * been answered; then what was refused is sent again, first, and in its order, and what was held back
 * follows. So two commands for one key never overtake each other, at the price of one round trip whenever
 * slots move.
 *
 * What goes another way than a pipeline (transactions, and commands that may wait) stands in one line with
 * the commands on its slots: it begins when those before it are done, and those behind it wait for their
 * turn. The line is a `ShardSchedule`, which keeps the order of arrival for any two that have a slot in
 * common; a promise per waiting command would not, since whoever comes between the promise and its callback
 * would go first.
 *
 * Invariants
 *   1. Commands of this thread for one key take effect in the order in which they were given.
 *   2. A command is answered once.
 *   3. Who has had its turn in the line comes before everybody who stands in it.
 *
 * Tests: test/keyspace/slots.race.test.ts, test/keyspace/consistency/keyspace.prop.test.ts,
 * test/keyspace/slots.race.test.ts
 */
import { type Clock, ShardloomError } from '../../base/index.ts'
import { shardError } from '../shard/shard-error.ts'
import { type KeyspaceMemory, UNSETTLED } from '../shared/keyspace-memory.ts'
import { type Intents, ShardSchedule, type TransactionId, WHOLE_SHARD } from '../transactions/index.ts'
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
  atTurnEnd(flush: () => void): void
  /** Shows shards what was sent so far. */
  publish(): void
}

/** The commands of one thread. */
export class CommandRouter {
  readonly #parts: RouterParts
  readonly #pipelines: ShardPipeline[]
  #epoch: number
  /** Refused by shards that no longer own their slots, in the order of their answers. */
  #moved: PendingCommand[] = []
  /** Came while slots moved; undefined while none do. */
  #held: PendingCommand[] | undefined
  /** Wait until nothing is held back. */
  #whenFree: (() => void)[] = []
  /** One that was sent again is over several shards now, and runs by itself before all that is held. */
  #isOver = false
  /** How often what was held back was let go. */
  #releases = 0
  #pending = 0
  #routed = 0
  /** Who waits for whom, while something runs alone. */
  readonly #line = new ShardSchedule()
  readonly #turns = new Map<TransactionId, () => void>()

  constructor(parts: RouterParts) {
    this.#parts = parts
    this.#epoch = parts.memory.settledEpoch
    this.#pipelines = Array.from({ length: parts.memory.shardCount }, (_, shard) => {
      return new ShardPipeline({
        clock: parts.clock,
        send: (batch) => parts.send(shard, batch),
        errorOf: (error) => shardError(shard, error),
        onMoved: (command) => this.#onMoved(command),
        onSettled: (count) => this.#onSettled(count),
        atTickEnd: parts.atTickEnd,
        atTurnEnd: parts.atTurnEnd,
        publish: parts.publish,
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
    if (command.slots !== undefined) return this.#sendOfSeveral(command, command.slots)
    if (this.#line.size === 0 || !this.#isBlocked([command.slot])) {
      this.#route(command, shard)
      return
    }
    command.keep?.()
    const id = this.#stand(intentsOf([command.slot]), () => {
      this.#route(command, shard)
      this.#line.finish(id)
    })
    this.#pump()
  }

  /**
   * One with keys in several slots of one shard keeps those behind it waiting until it is answered: when one
   * of its slots has gone it is refused, while a command behind it for another one would be run.
   */
  #sendOfSeveral(command: PendingCommand, slots: readonly number[]): void {
    const done = (): void => {
      this.#line.finish(id)
      this.#pump()
    }
    const held: PendingCommand = {
      ...command,
      resolve(reply) {
        command.resolve(reply)
        done()
      },
      reject(error) {
        command.reject(error)
        done()
      },
      runOver: () => command.runOver!().finally(done),
    }
    const id = this.#stand(intentsOf(slots), () => this.#route(held, -1))
    this.#pump()
  }

  /**
   * Runs a task that has keys, or all, to itself among the commands of this thread: those before it are
   * answered first, those after it on the same keys wait.
   */
  alone<T>(keys: readonly { readonly slot: number }[], isWhole: boolean, task: () => Promise<T>): Promise<T> {
    const slots = [...new Set(keys.map(({ slot }) => slot))]
    return new Promise((resolve, reject) => {
      const run = async (): Promise<void> => {
        try {
          await this.#allBefore(slots, isWhole)
          resolve(await task())
        } catch (error) {
          reject(error as Error)
        } finally {
          this.#line.finish(id)
          this.#pump()
        }
      }
      const id = this.#stand(isWhole ? WHOLE_SHARD : intentsOf(slots), () => void run())
      this.#pump()
    })
  }

  /**
   * Lets something be sent by itself, in its turn: what was given before for these slots is with its shard by
   * then, and what comes later follows, without waiting for the answer.
   */
  async inTurn<T>(slots: readonly number[], send: () => Promise<T>): Promise<T> {
    this.flush()
    if (this.#isClear(slots)) return send()
    let sent: Promise<T> | undefined
    await this.alone(
      slots.map((slot) => ({ slot })),
      false,
      async () => {
        sent = send()
        sent.catch(() => undefined)
      },
    )
    return sent as Promise<T>
  }

  /** Sends what was given so far, without waiting for the end of the tick. */
  flush(): void {
    for (const pipeline of this.#pipelines) pipeline.flush()
  }

  /** Whether everything before is with the shards already. */
  #isClear(slots: readonly number[]): boolean {
    const { memory } = this.#parts
    if (this.#held !== undefined || (this.#line.size > 0 && this.#isBlocked(slots))) return false
    const owners = slots.map((slot) => this.#ownerOf(slot))
    return memory.epoch === this.#epoch && owners.every((owner) => !this.#pipelines[owner]!.isQueued)
  }

  /** Resolves when all that was given before has been answered. */
  allBefore(): Promise<void> {
    return this.#allBefore([], true)
  }

  /** Resolves when all that was given before, and may be for these slots, has been answered. */
  async #allBefore(slots: readonly number[], isWhole: boolean): Promise<void> {
    const { memory } = this.#parts
    for (;;) {
      while (this.#held !== undefined) {
        await new Promise<void>((resolve) => void this.#whenFree.push(resolve))
      }
      const owners = new Set(slots.map((slot) => this.#ownerOf(slot)))
      // Where slots have moved since, what is on its way may be on its way to who had them before.
      const isKnown = !isWhole && memory.epoch === this.#epoch
      const concerned = isKnown ? this.#pipelines.filter((_, shard) => owners.has(shard)) : this.#pipelines
      this.flush()
      const answers = concerned.flatMap((pipeline) => pipeline.answered() ?? [])
      if (answers.length === 0) return
      const releases = this.#releases
      await Promise.all(answers)
      // What has come meanwhile is none of ours; but what was refused is sent again, and waited for again.
      if (this.#held === undefined && releases === this.#releases) return
    }
  }

  /** What has no key, and is sent by itself, goes to the first shard. */
  #ownerOf(slot: number): number {
    return slot === NO_SLOT ? 0 : this.#parts.memory.ownerOf(slot)
  }

  #isBlocked(slots: readonly number[]): boolean {
    return this.#line.isBlocked(slots.map(String), true)
  }

  #stand(intents: Intents, turn: () => void): TransactionId {
    const id = this.#line.scheduleLocal(intents)
    this.#turns.set(id, turn)
    return id
  }

  #pump(): void {
    for (let id = this.#line.next(); id !== undefined; id = this.#line.next()) {
      const turn = this.#turns.get(id)
      this.#turns.delete(id)
      turn?.()
    }
  }

  #route(command: PendingCommand, shard: number): void {
    if (this.#held !== undefined && command.slot !== NO_SLOT) {
      command.keep?.()
      this.#held.push(command)
    } else if (!this.#add(command, shard)) {
      command.keep?.()
      this.#held = [command]
      this.#release()
    }
  }

  /** Puts it into the pipeline of its owner; false: slots have moved. */
  #add(command: PendingCommand, shard: number): boolean {
    const { memory } = this.#parts
    const isKeyed = command.slot !== NO_SLOT
    const owner = isKeyed ? memory.ownerOf(command.slot) : shard
    // Read after the owner: see KeyspaceMemory.setOwner.
    if (isKeyed && memory.epoch !== this.#epoch) return false
    command.place = ++this.#routed
    this.#pipelines[owner]!.add(command)
    return true
  }

  #onMoved(command: PendingCommand): void {
    this.#moved.push(command)
    this.#held ??= []
  }

  /** An answer has come: whoever was held back may be next. */
  #onSettled(count: number): void {
    this.#pending -= count
    if (this.#held !== undefined) this.#release()
  }

  get #isIdle(): boolean {
    return this.#pipelines.every((pipeline) => pipeline.isIdle)
  }

  /** Sends what was refused, and what was held back, when nothing is on its way any more. */
  #release(): void {
    while (this.#held !== undefined && !this.#isOver && this.#isIdle) {
      this.#epoch = this.#parts.memory.settledEpoch
      if (this.#epoch === UNSETTLED) return this.#parts.atTickEnd(() => this.#release())
      // Batches may be answered out of order; they went out in this one.
      const moved = this.#moved.sort((a, b) => a.place! - b.place!)
      const next = [...moved, ...this.#held]
      this.#moved = []
      const sent = this.#sendSome(next)
      this.#held = sent === next.length ? undefined : next.slice(sent)
    }
    if (this.#held !== undefined) return
    this.#releases++
    for (const resume of this.#whenFree.splice(0)) resume()
  }

  /** Sends from the front, up to what has to wait for those before it; how many. */
  #sendSome(commands: readonly PendingCommand[]): number {
    for (const [at, command] of commands.entries()) {
      if (command.isOver?.() === true) {
        if (!this.#isIdle) return at
        this.#isOver = true
        void command.runOver?.().finally(() => {
          this.#isOver = false
          this.#onSettled(1)
        })
        return at + 1
      }
      if (!this.#add(command, -1)) return at
    }
    return commands.length
  }
}

function intentsOf(slots: readonly number[]): Intents {
  return slots.map((slot) => ({ key: String(slot), exclusive: true }))
}
