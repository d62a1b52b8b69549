/**
 * The keyspace on the main thread: starts its shards, each supervised, and attaches every thread to it.
 *
 * Shards are children of one tree, so that one that crashes is started again by the rules that hold for any
 * child. Where it lives is written to shared memory, from where all threads take it. What a shard held is
 * lost with it: memory is all it has until there is a log.
 *
 * Writer of shard addresses and of the slot map. Tests: test/keyspace/keyspace.race.test.ts
 */
import type { ActorAddress, ActorRef, TerminationReason } from '../../actor/index.ts'
import { describeReason, isAbnormal } from '../../actor/index.ts'
import { type Clock, type Random, ShardloomError, type TimerHandle, toError } from '../../base/index.ts'
import type { SpawnRequest } from '../../runtime/index.ts'
import {
  type ChildDriver,
  driverChild,
  type RunningChild,
  type SuperviseOptions,
  type SupervisionTree,
} from '../../supervise/index.ts'
import type { AgentArgs } from '../client/agent-actor.ts'
import type { KeyspaceClient } from '../client/keyspace-client.ts'
import { changeShards, moveSlots, shardLoads } from '../client/shard-admin.ts'
import type { RecoveryReport } from '../durability/index.ts'
import { HASH_SLOTS } from '../hash-slot.ts'
import { changedSettings, type ShardChange } from '../shard/shard-change.ts'
import { isGone } from '../shard/shard-error.ts'
import type { ShardMessages } from '../shard/shard-messages.ts'
import type { ShardArgs, ShardSettings } from '../shard/shard-options.ts'
import type { ShardLoad } from '../shard/slot-messages.ts'
import { KeyspaceMemory } from '../shared/keyspace-memory.ts'
import { chooseMove, loadBetween } from './balance.ts'
import type { DataDirectory } from './data-directory.ts'
import type { KeyspaceSettings } from './keyspace-options.ts'
import { applyMoves, endMoves } from './slot-recovery.ts'
import { planSpread } from './spread.ts'

const SHARD_MODULE = new URL('../shard/shard-actor.js', import.meta.url)
/** However long it takes: the longest that a timer can wait. */
const RECOVERY_MS_MAX = 2 ** 31 - 1
/** A transaction that somebody still works at is over by then. */
const OUTCOME_MS = 60_000
const PROGRESS_MS = 100
/** More than a process can draw between two syncs. */
const REVISION_GAP = 2 ** 30
const SPREAD_AGAIN_MS = 1000
/** Between two looks at a shard that is lost. */
const PAUSE_MS = 5
const AGENT_MODULE = new URL('../client/agent-actor.js', import.meta.url)

/** What the host needs of its runtime. */
export interface HostRuntime {
  /** Shared threads that run. */
  readonly sharedThreads: readonly number[]
  spawnOn(thread: number, request: SpawnRequest): Promise<ActorRef>
  sendStop(ref: ActorAddress, mode: 'stop' | 'kill' | 'drain'): void
  refTo(address: ActorAddress): ActorRef<ShardMessages>
  watch(ref: ActorRef, options: { readonly unref: boolean }): Promise<TerminationReason>
  supervise(options: SuperviseOptions): Promise<SupervisionTree>
  readonly clock: Clock
  warn(text: string): void
}

/** A keyspace, as its runtime holds it. */
export class KeyspaceHost {
  readonly memory: KeyspaceMemory
  readonly settings: KeyspaceSettings
  /** Of each shard that starts from now on. */
  #shardSettings: ShardSettings
  readonly #runtime: HostRuntime
  readonly #random: Random
  readonly #channel: string
  /** In owners of locks, which may outlive the process. */
  readonly #name: string
  readonly #hashSeed: readonly [number, number]
  readonly #directory: DataDirectory | undefined
  /** Shards whose first start is under way: none serves before all have their keys. */
  #unrecovered: number
  readonly #recovered: Promise<void>
  /** Shards that were lost, and do not serve again yet: what their logs have decided, when they are read. */
  readonly #down = new Map<number, readonly number[] | 'unread'>()
  /** Transactions over several shards that some log had decided when the shards first started. */
  readonly #decided = new Set<number>()
  readonly #reports: RecoveryReport[] = []
  #onRecovered: (failure?: unknown) => void = () => undefined

  constructor(runtime: HostRuntime, settings: KeyspaceSettings, random: Random, directory?: DataDirectory) {
    this.#runtime = runtime
    this.#directory = directory
    this.#random = random
    this.settings = settings
    this.#shardSettings = settings.shard
    this.#unrecovered = settings.shards
    this.#recovered = new Promise((resolve, reject) => {
      this.#onRecovered = (failure) => (failure === undefined ? resolve() : reject(failure))
    })
    // Shards hear of it when they wait; until then nobody does.
    this.#recovered.catch(() => undefined)
    this.memory = KeyspaceMemory.allocate(settings.shards, directory?.manifest.dealt)
    this.#channel = `shardloom-keyspace-${random.below(2 ** 32)}-${random.below(2 ** 32)}`
    this.#name = [0, 1].map(() => random.below(2 ** 32).toString(36)).join('')
    // Where clients choose keys, a hash that is known could be flooded.
    this.#hashSeed = directory?.manifest.hashSeed ?? [random.below(2 ** 32), random.below(2 ** 32)]
  }

  /** Attaches a thread: from then on it has the keyspace among its services. */
  async attach(thread: number): Promise<void> {
    const args: AgentArgs = {
      memory: this.memory.buffer,
      channel: this.#channel,
      name: this.#name,
      pendingMax: this.settings.pendingMax,
      timeoutMs: this.settings.timeoutMs,
      isDurable: this.#directory !== undefined,
    }
    await this.#runtime.spawnOn(thread, spawnRequest(AGENT_MODULE, 'agentActor', 'keyspace-agent', args))
  }

  /** Starts the shards, all ready when it resolves. */
  async start(): Promise<void> {
    const shards = Array.from({ length: this.settings.shards }, (_, shard) => shard)
    const tree = await this.#runtime.supervise({
      id: 'keyspace',
      // A thread that is lost takes all its shards along: each counts.
      restarts: { intensity: 10 * this.settings.shards, periodMs: 10_000 },
    })
    const stop = this.#tellProgress()
    // A log takes as long as it takes.
    const limits = this.#directory === undefined ? {} : { startMs: RECOVERY_MS_MAX }
    // Together: each takes the time that a module takes to load.
    try {
      await Promise.all(
        shards.map((shard) => tree.add(driverChild(`shard-${shard}`, this.#driver(shard), limits))),
      )
    } finally {
      stop()
    }
  }

  /** Changes all shards, and those that are started again. */
  async change(client: KeyspaceClient, change: ShardChange): Promise<void> {
    this.#shardSettings = changedSettings(this.#shardSettings, change)
    await changeShards(client, change)
  }

  /** Measures and moves, when the options say so, until what it returns is called. */
  balance(client: KeyspaceClient): () => void {
    const { rebalance } = this.settings
    if (rebalance === undefined) return () => undefined
    let before: readonly ShardLoad[] = []
    let timer: TimerHandle
    let isStopped = false
    const look = async (): Promise<void> => {
      try {
        const now = await shardLoads(client, rebalance.slotsMax * 4)
        const move = chooseMove(loadBetween(before, now), rebalance)
        before = now
        if (move !== undefined && !isStopped) await moveSlots(client, move.slots, move.to)
      } catch {
        // A shard is down: its load is not what it was. The next look finds what there is then.
        before = []
      }
      if (!isStopped) timer = client.clock.after(rebalance.intervalMs, () => void look(), { unref: true })
    }
    timer = client.clock.after(rebalance.intervalMs, () => void look(), { unref: true })
    return () => {
      isStopped = true
      timer.cancel()
    }
  }

  /**
   * Gives shards that were added their share, if there are some, until what it returns is called. What is
   * left to do then is done the next time.
   */
  spread(client: KeyspaceClient): () => void {
    const directory = this.#directory
    if (directory?.manifest.isSpreading !== true) return () => undefined
    let isStopped = false
    const { memory } = this
    const run = async (): Promise<void> => {
      const owners = Array.from({ length: HASH_SLOTS }, (_, slot) => memory.ownerOf(slot))
      for (const { slots, to } of planSpread(owners, memory.shardCount)) {
        if (isStopped) return
        try {
          await moveSlots(client, slots, to)
        } catch (error) {
          if (isStopped) return
          // A shard is down, and comes back; what it has got by then is seen the next time.
          this.#runtime.warn(`shardloom: slots stay where they are for now: ${toError(error).message}`)
          client.clock.after(SPREAD_AGAIN_MS, begin, { unref: true })
          return
        }
      }
      if (!isStopped) await directory.endSpreading()
    }
    const begin = (): void => {
      run().catch((error) => this.#runtime.warn(`shardloom: ${toError(error).message}`))
    }
    begin()
    return () => {
      isStopped = true
    }
  }

  #driver(shard: number): ChildDriver {
    let lives = 0
    return {
      start: async (signal): Promise<RunningChild> => {
        const runtime = this.#runtime
        const life = ++lives
        this.memory.setLife(shard, life)
        const ref = await runtime.spawnOn(
          this.#threadFor(shard),
          spawnRequest(SHARD_MODULE, 'shardActor', `keyspace-shard-${shard}`, this.#shardArgs(shard, life)),
        )
        if (signal.aborted) {
          runtime.sendStop(ref, 'kill')
          throw new ShardloomError('SHL_SHARD_DOWN', { shard, reason: 'its start was given up' })
        }
        await this.#recover(shard, ref as ActorRef<ShardMessages>, life)
        this.memory.setAddress(shard, ref)
        this.#down.delete(shard)
        // A thread that came meanwhile listened too late for the first time, and asked too early: the shard
        // had no address. It listens by now.
        ;(ref as ActorRef<ShardMessages>).tell('tellTables')
        return {
          ended: runtime.watch(ref, { unref: true }).then((reason) => {
            void this.#onShardEnded(shard, life)
            return endOf(shard, reason)
          }),
          drain: () => runtime.sendStop(ref, 'drain'),
          stop() {
            ;(ref as ActorRef<ShardMessages>).tell('endWaits')
            runtime.sendStop(ref, 'stop')
          },
          kill: () => runtime.sendStop(ref, 'kill'),
        }
      },
    }
  }

  /**
   * A shard has its keys when it serves. At the first start all wait for each other: revisions and tokens go
   * on above those of the last one.
   */
  async #recover(shard: number, ref: ActorRef<ShardMessages>, life: number): Promise<void> {
    if (this.#directory === undefined) return
    const timeoutMs = RECOVERY_MS_MAX
    try {
      const report = await ref.ask('recover', undefined, { timeoutMs })
      if (report !== undefined) this.#reports[shard] = report
      if (report?.tail !== undefined) this.#warnOfTail(report.tail)
      for (const revision of report?.decided ?? []) this.#decided.add(revision)
      if (life > 1) this.#down.set(shard, report?.decided ?? [])
      if (life > 1) endMoves(this.memory, shard, report?.slots ?? [])
      if (life === 1 && --this.#unrecovered === 0) {
        const newest = Math.max(0, ...this.#reports.map(({ revision }) => revision))
        // What was drawn by the process before and is in no log may have been told of: to a watcher, by a
        // GET.
        if (newest > 0) this.memory.raiseRevision(newest + REVISION_GAP)
        applyMoves(
          this.memory,
          this.#reports.flatMap(({ slots }) => slots),
        )
        this.#onRecovered()
      }
      await this.#recovered
      const inDoubt = report?.inDoubt ?? []
      const others = life === 1 ? this.#decided : await this.#outcomesOf(shard, inDoubt)
      // Its own log may have the decision, too.
      const decided = new Set([...others, ...(report?.decided ?? [])])
      await ref.ask(
        'resolveParts',
        inDoubt.filter((revision) => decided.has(revision)),
        { timeoutMs },
      )
    } catch (error) {
      this.#onRecovered(error)
      throw error
    }
  }

  /** Tells of the first recovery until what it returns is called. */
  #tellProgress(): () => void {
    const onRecovery = this.#directory?.onRecovery
    if (onRecovery === undefined) return () => undefined
    const { shards } = this.settings
    const { clock } = this.#runtime
    let timer: TimerHandle
    const tell = (): void => {
      let sum = 0
      for (let shard = 0; shard < shards; shard++) sum += this.memory.progressOf(shard)
      onRecovery({ fraction: sum / shards, isDone: false, shards: [] })
      timer = clock.after(PROGRESS_MS, tell, { unref: true })
    }
    tell()
    return () => {
      timer.cancel()
      if (this.#unrecovered === 0) onRecovery({ fraction: 1, isDone: true, shards: this.#reports })
    }
  }

  #warnOfTail({ file, offset, bytes, reason }: NonNullable<RecoveryReport['tail']>): void {
    const text = `${bytes} bytes were cut off the end of ${file}, at ${offset}: ${reason}`
    this.#runtime.warn(`shardloom: ${text}. They were being written when the last process stopped.`)
  }

  /** What the other shards know of transactions that this one has a part of. */
  async #outcomesOf(recovering: number, revisions: readonly number[]): Promise<ReadonlySet<number>> {
    const decided = new Set<number>()
    if (revisions.length === 0) return decided
    const { memory } = this
    const { clock } = this.#runtime
    const others = Array.from({ length: this.settings.shards }, (_, shard) => shard)
    const endMs = clock.nowMs() + OUTCOME_MS
    const askOne = async (shard: number): Promise<readonly number[]> => {
      for (;;) {
        const address = shard === recovering ? undefined : memory.addressOf(shard)
        if (address === undefined) return []
        // Lost as well, perhaps with the same thread: it decides nothing but what its log says.
        const read = this.#down.get(shard)
        if (read !== undefined && read !== 'unread') return read
        try {
          const ref = this.#runtime.refTo({ ...address, name: `keyspace-shard-${shard}` })
          if (read === undefined) return await ref.ask('outcomesOf', revisions, { timeoutMs: OUTCOME_MS })
        } catch (error) {
          if (!isGone(error)) throw error
        }
        if (clock.nowMs() > endMs) throw new ShardloomError('SHL_SHARD_DOWN', { shard, reason: 'it is lost' })
        await new Promise<void>((resolve) => void clock.after(PAUSE_MS, resolve, { unref: true }))
      }
    }
    for (const known of await Promise.all(others.map(askOne))) for (const one of known) decided.add(one)
    return decided
  }

  /** What a shard coordinated must be settled by the others, without it; then its decisions are forgotten. */
  async #onShardEnded(lost: number, life: number): Promise<void> {
    const { memory } = this
    this.#down.set(lost, 'unread')
    const decisions = memory.decisionsOf(lost)
    const others = Array.from({ length: this.settings.shards }, (_, shard) => shard).filter(
      (one) => one !== lost,
    )
    await Promise.all(others.map((shard) => this.#tellLost(shard, lost, life)))
    for (const [at, tx] of decisions) memory.forgetDecision(at, tx)
  }

  /** Until it is told, or is gone itself: keys that it holds for a lost shard are locked as long. */
  async #tellLost(shard: number, lost: number, life: number): Promise<void> {
    const { memory } = this
    const address = memory.addressOf(shard)
    if (address === undefined) return
    const ref = this.#runtime.refTo({ ...address, name: `keyspace-shard-${shard}` })
    while (memory.incarnationOf(shard) === address.incarnation) {
      try {
        await ref.ask('shardLost', { shard: lost, life })
        return
      } catch (error) {
        if ((error as { code?: string }).code !== 'SHL_ASK_TIMEOUT') return
      }
    }
  }

  /** Shards are dealt out over the shared threads; without any, they live on the main thread. */
  #threadFor(shard: number): number {
    const threads = this.#runtime.sharedThreads
    return threads[shard % threads.length] ?? 0
  }

  #shardArgs(id: number, life: number): ShardArgs {
    return {
      id,
      life,
      memory: this.memory.buffer,
      channel: this.#channel,
      seed: this.#random.below(2 ** 32),
      hashSeed: this.#hashSeed,
      settings: this.#shardSettings,
      store: this.#directory?.storeOf(id),
    }
  }
}

function spawnRequest(module: URL, exportName: string, name: string, args: unknown): SpawnRequest {
  return { module: module.href, exportName, args, name, mailbox: undefined, placement: undefined }
}

function endOf(shard: number, reason: TerminationReason): Error | undefined {
  if (!isAbnormal(reason)) return undefined
  const cause = reason.type === 'failed' || reason.type === 'thread_lost' ? reason.error : undefined
  return new ShardloomError('SHL_SHARD_DOWN', { shard, reason: describeReason(reason) }, { cause })
}
