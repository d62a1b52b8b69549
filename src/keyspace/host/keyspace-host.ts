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
import { type Random, ShardloomError, type TimerHandle } from '../../base/index.ts'
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
import { moveSlots, shardLoads } from '../client/shard-admin.ts'
import type { ShardMessages } from '../shard/shard-messages.ts'
import type { ShardArgs } from '../shard/shard-options.ts'
import type { ShardLoad } from '../shard/slot-messages.ts'
import { KeyspaceMemory } from '../shared/keyspace-memory.ts'
import { chooseMove, loadBetween } from './balance.ts'
import type { KeyspaceSettings } from './keyspace-options.ts'

const SHARD_MODULE = new URL('../shard/shard-actor.js', import.meta.url)
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
}

/** A keyspace, as its runtime holds it. */
export class KeyspaceHost {
  readonly memory: KeyspaceMemory
  readonly settings: KeyspaceSettings
  readonly #runtime: HostRuntime
  readonly #random: Random
  readonly #channel: string
  /** In owners of locks, which may outlive the process. */
  readonly #name: string
  readonly #hashSeed: readonly [number, number]

  constructor(runtime: HostRuntime, settings: KeyspaceSettings, random: Random) {
    this.#runtime = runtime
    this.#random = random
    this.settings = settings
    this.memory = KeyspaceMemory.allocate(settings.shards)
    this.#channel = `shardloom-keyspace-${random.below(2 ** 32)}-${random.below(2 ** 32)}`
    this.#name = [0, 1].map(() => random.below(2 ** 32).toString(36)).join('')
    // Where clients choose keys, a hash that is known could be flooded.
    this.#hashSeed = [random.below(2 ** 32), random.below(2 ** 32)]
  }

  /** Attaches a thread: from then on it has the keyspace among its services. */
  async attach(thread: number): Promise<void> {
    const args: AgentArgs = {
      memory: this.memory.buffer,
      channel: this.#channel,
      name: this.#name,
      pendingMax: this.settings.pendingMax,
      timeoutMs: this.settings.timeoutMs,
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
    // Together: each takes the time that a module takes to load.
    await Promise.all(shards.map((shard) => tree.add(driverChild(`shard-${shard}`, this.#driver(shard)))))
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

  #driver(shard: number): ChildDriver {
    let lives = 0
    return {
      start: async (signal): Promise<RunningChild> => {
        const runtime = this.#runtime
        const life = ++lives
        const ref = await runtime.spawnOn(
          this.#threadFor(shard),
          spawnRequest(SHARD_MODULE, 'shardActor', `keyspace-shard-${shard}`, this.#shardArgs(shard, life)),
        )
        if (signal.aborted) {
          runtime.sendStop(ref, 'kill')
          throw new ShardloomError('SHL_SHARD_DOWN', { shard, reason: 'its start was given up' })
        }
        this.memory.setAddress(shard, ref)
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

  /** What a shard coordinated must be settled by the others, without it; then its decisions are forgotten. */
  async #onShardEnded(lost: number, life: number): Promise<void> {
    const { memory } = this
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
      settings: this.settings.shard,
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
