/**
 * Shards of one keyspace in one place, each with its log on a disk in memory: for transactions over several
 * of them that are cut off at any call of a disk, or lose one of the shards at any message.
 */
import type { ActorRef } from '../../src/actor/index.ts'
import { ShardloomError, seededRandom } from '../../src/base/index.ts'
import { hashSlotOf } from '../../src/keyspace/hash-slot.ts'
import { applyMoves, endMoves } from '../../src/keyspace/host/slot-recovery.ts'
import { Coordinator } from '../../src/keyspace/shard/coordinator.ts'
import { Shard } from '../../src/keyspace/shard/shard.ts'
import type { ShardMessages } from '../../src/keyspace/shard/shard-messages.ts'
import { SlotExporter, settleIncoming } from '../../src/keyspace/shard/slot-export.ts'
import { KeyspaceMemory } from '../../src/keyspace/shared/keyspace-memory.ts'
import { type DiskCall, type DiskFault, SimulatedDisk } from '../../src/testkit/index.ts'
import { SHARD_SETTINGS, STORE } from './durable-shard.ts'
import { ManualClock } from './manual-clock.ts'
import { stateOf } from './shard-state.ts'
import { batchOf, type Words } from './shards.ts'

const NEVER = new Promise<never>(() => undefined)
const FSYNC = 3
/** Turns after which what has not come will not. */
const TURNS_MAX = 60

/** One shard, in one of its lives. */
export interface Life {
  readonly shard: Shard
  readonly coordinator: Coordinator
  readonly exporter: SlotExporter
  readonly peer: (shard: number) => ActorRef<ShardMessages>
  readonly disk: SimulatedDisk
  readonly life: number
  isLost: boolean
  /** It has all its keys, and none of them in doubt. */
  isServing: boolean
  /** Rejects what it was asked and has not answered. */
  onLost: (() => void)[]
}

/** Shards with logs. */
export class DurableLab {
  readonly clock = new ManualClock()
  readonly memory: KeyspaceMemory
  readonly lives: Life[] = []
  /** Calls of all disks so far. */
  calls = 0
  /** Decides about each call of any disk. */
  onCall: (index: number, shard: number, call: DiskCall) => DiskFault | undefined = () => undefined
  /** Messages between shards so far, and what is called before each. */
  messages = 0
  onMessage: (index: number, to: number, type: string) => void = () => undefined

  private constructor(count: number) {
    this.memory = KeyspaceMemory.allocate(count)
  }

  /** Opens what is on the disks, one for each shard, as a host does. */
  static async open(disks: readonly SimulatedDisk[]): Promise<DurableLab> {
    const lab = new DurableLab(disks.length)
    const reports = []
    for (const [id, disk] of disks.entries()) reports.push(await lab.#start(id, disk, 1))
    const decided = new Set(reports.flatMap((report) => report.decided))
    applyMoves(
      lab.memory,
      reports.flatMap(({ slots }) => slots),
    )
    for (const [id, { inDoubt }] of reports.entries()) {
      lab.lives[id]!.shard.durability.resolve(inDoubt.filter((one) => decided.has(one)))
      lab.#restoreSlots(id)
      lab.lives[id]!.isServing = true
    }
    return lab
  }

  static disks(count: number): SimulatedDisk[] {
    return Array.from({ length: count }, () => {
      const disk = new SimulatedDisk()
      disk.putFolder('/data')
      return disk
    })
  }

  /** A key that lies on a shard. */
  keyOn(shard: number, nth = 0): string {
    for (let i = 0, left = nth; ; i++) {
      const key = `key${i}`
      if (this.memory.ownerOf(hashSlotOf(key)) === shard && left-- === 0) return key
    }
  }

  /** Runs commands as one, acknowledged when it is on the disks; undefined: that never comes. */
  async transact(by: number, commands: readonly Words[]): Promise<'done' | Error | undefined> {
    const { coordinator } = this.lives[by]!
    const message = { batch: batchOf(commands), watched: [], level: FSYNC }
    return this.settle(coordinator.transact(message, new AbortController().signal))
  }

  /** Waits for something while time passes. */
  async settle(promise: Promise<unknown>): Promise<'done' | Error | undefined> {
    let outcome: 'done' | Error | undefined
    promise.then(
      () => {
        outcome = 'done'
      },
      (error: Error) => {
        outcome = error
      },
    )
    for (let i = 0; i < TURNS_MAX && outcome === undefined; i++) {
      await new Promise((resolve) => void setImmediate(resolve))
      if (i > 4) this.clock.advance(1)
    }
    return outcome
  }

  /** All that is in all shards. */
  state(): string[] {
    return this.lives.flatMap(({ shard }, id) =>
      shard.engine.atomically(() => stateOf(shard.engine)).map((line) => `shard ${id}: ${line}`),
    )
  }

  /** Nobody holds, or waits for, anything. */
  get isFree(): boolean {
    return this.lives.every(({ shard }) => shard.schedule.size === 0 && shard.participant.count === 0)
  }

  /** What a kill, or with a seed a power cut, leaves on the disks. */
  disksAfter(seed?: number): SimulatedDisk[] {
    return this.lives.map(({ disk }) => (seed === undefined ? disk.afterKill() : disk.afterPowerCut(seed)))
  }

  /** The thread of a shard is lost. */
  lose(id: number): void {
    const lost = this.lives[id]!
    lost.isLost = true
    lost.disk.onCall = () => ({ type: 'stop' })
    for (const reject of lost.onLost.splice(0)) reject()
  }

  /** The others hear of it, and the shard comes back from its log. */
  async restart(id: number): Promise<void> {
    const lost = this.lives[id]!
    const decisions = this.memory.decisionsOf(id)
    const others = this.lives.filter(({ shard }) => shard.id !== id)
    for (const other of others) {
      other.shard.participant.onCoordinatorLost(id, lost.life)
      if (other.shard.slots.onGiverLost(id)) this.#settle(other, id)
    }
    for (const [at, tx] of decisions) this.memory.forgetDecision(at, tx)
    const report = await this.#start(id, lost.disk.afterKill(), lost.life + 1)
    const { shard } = this.lives[id]!
    const known = new Set(report.decided)
    for (const revision of report.inDoubt) {
      for (const other of others) {
        const outcome = other.shard.durability.parts!.outcomeOf(revision)
        if ((await this.settle(outcome)) === undefined) throw new Error('an outcome that never comes')
        if (await outcome) known.add(revision)
      }
    }
    shard.durability.resolve(report.inDoubt.filter((one) => known.has(one)))
    endMoves(this.memory, id, report.slots)
    this.#restoreSlots(id)
    this.lives[id]!.isServing = true
    this.memory.setAddress(id, { thread: id, slot: 2, generation: lost.life + 1 })
  }

  async #start(id: number, disk: SimulatedDisk, life: number) {
    const { clock, memory } = this
    const broadcast = { post: () => undefined, receive: () => undefined, close: () => undefined }
    const random = seededRandom(id + 1)
    const shard = new Shard({
      id,
      memory,
      clock,
      random,
      broadcast,
      hashSeed: [1, 2],
      settings: SHARD_SETTINGS,
    })
    const folder = `/data/shard-${id}`
    disk.onCall = (call) => this.onCall(this.calls++, id, call)
    const report = await shard.durability.recover(disk, { ...STORE, folder, syncEveryMs: 1000 })
    const made: Life = {
      shard,
      disk,
      life,
      isLost: false,
      isServing: false,
      onLost: [],
      coordinator: undefined as never,
      exporter: undefined as never,
      peer: (to) => this.#ref(made, to),
    }
    const coordinator = new Coordinator(shard, life, made.peer)
    const exporter = new SlotExporter(shard, made.peer)
    this.lives[id] = Object.assign(made, { coordinator, exporter })
    if (life === 1) memory.setAddress(id, { thread: id, slot: 2, generation: 1 })
    return report
  }

  #restoreSlots(id: number): void {
    const life = this.lives[id]!
    const claims = life.shard.durability.slots!.claims.all()
    for (const from of life.shard.slots.restore(claims, life.life > 1)) this.#settle(life, from)
  }

  #settle({ shard, peer }: Life, from: number): void {
    settleIncoming(shard, peer, from).catch(() => undefined)
  }

  /** Another shard, as one of them sees it. Who is lost hears and says nothing any more. */
  #ref(from: Life, to: number): ActorRef<ShardMessages> {
    const ask = async (type: string, payload: unknown): Promise<unknown> => {
      if (from.isLost) return NEVER
      this.onMessage(this.messages++, to, type)
      if (from.isLost) return NEVER
      const life = this.lives[to]!
      if (life.isLost || !life.isServing) throw gone(to)
      const ended = new Promise<never>((_, reject) => void life.onLost.push(() => reject(gone(to))))
      const answer = await Promise.race([handle(life, type, payload as never), ended])
      if (from.isLost) return NEVER
      if (life.isLost) throw gone(to)
      return answer
    }
    const tell = (type: string, payload: unknown): void => void ask(type, payload).catch(() => undefined)
    return { ask, tell } as unknown as ActorRef<ShardMessages>
  }
}

function handle({ shard, exporter }: Life, type: string, payload: never): unknown {
  const { participant, durability, slots } = shard
  const { level, revision } = payload as { readonly level?: number; readonly revision?: number }
  const durable = (work: () => unknown): unknown => {
    const before = durability.appended
    return durability.acknowledged(work(), before, level, level === undefined || level === 0)
  }
  switch (type) {
    case 'gather':
      return level === undefined ? participant.gather(payload) : durable(() => participant.gather(payload))
    case 'runPart':
      return revision === 0 ? durable(() => participant.run(payload)) : participant.run(payload)
    case 'apply':
      return durable(() => participant.apply(payload))
    case 'schedule':
    case 'stage':
    case 'applyStaged':
    case 'release':
      return participant[type](payload)
    case 'importKeys':
      return slots.importKeys(payload)
    case 'takeSlots':
      return slots.take(payload)
    case 'dropImported':
      return slots.dropImported(payload)
    case 'movesEnded':
      return exporter.ended()
    default:
      throw new Error(`nobody takes ${type}`)
  }
}

function gone(shard: number): ShardloomError {
  return new ShardloomError('SHL_ACTOR_NOT_FOUND', { actor: `shard ${shard}`, reason: 'it is down' })
}
