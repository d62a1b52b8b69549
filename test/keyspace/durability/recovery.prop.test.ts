/**
 * What is recovered from a log is what the shard was when the log ended there, wherever that is.
 *
 * A shard runs random commands of every family, locks, expiries, evictions, parts of transactions over
 * several shards, and snapshots whose slices come between them. Behind each record the replay of what is in
 * the log by then, from where a recovery would begin, must have just what the shard had. Whole files, and
 * files cut anywhere, are opened as a shard opens them.
 */
import { expect, test } from 'vitest'
import { type Random, seededRandom } from '../../../src/base/index.ts'
import type { KeyPatch } from '../../../src/keyspace/engine/index.ts'
import { guestOf } from '../../../src/keyspace/engine/index.ts'
import type { Shard } from '../../../src/keyspace/shard/shard.ts'
import {
  examineLog,
  KIND_COMMIT,
  KIND_CONCLUDED,
  KIND_SNAPSHOT_BEGIN,
  KIND_SNAPSHOT_END,
} from '../../../src/storage/index.ts'
import { MAGIC_BYTES } from '../../../src/storage/log-format.ts'
import { KeyRing } from '../../../src/storage/log-key.ts'
import { SimulatedDisk } from '../../../src/testkit/index.ts'
import {
  DIRECTORY,
  type DurableShard,
  FOLDER,
  makeReplay,
  openShard,
  turns,
} from '../../support/durable-shard.ts'
import { LogPlaces } from '../../support/log-places.ts'
import { sequenceOf } from '../../support/redis/families.ts'
import { stateOf } from '../../support/shard-state.ts'
import { batchOf } from '../../support/shards.ts'

const SEEDS = process.env['SHL_SOAK'] ? 3000 : 4
const SEED = Number(process.env['SHL_SEED'] ?? 1)
const STEPS = 400
const HOT_KEYS = ['a', 'b', 'c', 'd', 'e']
/** So many that a walk over them takes several slices, between which the hot ones lie. */
const OTHER_KEYS = Array.from({ length: 60 }, (_, i) => `other${i}`)
const LOCKS = ['a', 'l1', 'l2']

/** Every second log is encrypted. */
const KEYS = { current: new Uint8Array(32).fill(7), previous: [] }
const keysOf = (seed: number) => (seed % 2 === 0 ? KEYS : undefined)
const OWNER = { directory: DIRECTORY, shard: 0, keys: KeyRing.of(KEYS) }

/** What a shard was, by the position in its log behind the record that made it so. */
class History {
  readonly states = new Map<number, { readonly state: readonly string[]; readonly nowMs: number }>()
}

/** A part of a transaction that is prepared. */
interface Part {
  readonly revision: number
  readonly keys: readonly string[]
  readonly isBatch: boolean
  readonly batch: Uint8Array
}

/** One run. */
class Run {
  readonly #random: Random
  readonly #durable: DurableShard
  readonly #words: string[][]
  readonly history = new History()
  /** Commands that may be refused for want of memory are never staged. */
  readonly #isBounded: boolean
  readonly lines: string[] = []
  plainSets = 0
  /** Parts of transactions that are coordinated elsewhere, by their number: to be decided. */
  readonly #parts = new Map<number, Part>()

  constructor(durable: DurableShard, seed: number) {
    this.#durable = durable
    this.#random = seededRandom(seed)
    this.#isBounded = durable.shard.engine.memory.maxBytes > 0
    this.#words = sequenceOf('mixed', seed, STEPS, HOT_KEYS)
    const { journal, shard } = durable
    const note = (): void => {
      const { engine, memory } = shard
      const state = [...stateOf(engine), `floor ${memory.token}`]
      this.history.states.set(journal.log.appended, { state, nowMs: engine.nowMs })
    }
    const { parts } = journal
    const add = journal.add.bind(journal)
    journal.add = (commit) => {
      add(commit)
      if (commit.part?.isLogged !== true) note()
    }
    const addPlainSet = journal.addPlainSet.bind(journal)
    journal.addPlainSet = (...plain) => {
      addPlainSet(...plain)
      this.plainSets++
      note()
    }
    for (const end of ['conclude', 'forget'] as const) {
      const endPart = parts[end].bind(parts)
      parts[end] = (revision, atMs) => {
        const changes = endPart(revision, atMs)
        note()
        return changes
      }
    }
    note()
  }

  async run(): Promise<void> {
    for (const key of OTHER_KEYS) this.#execute(['SET', key, key])
    for (let i = 0; i < STEPS; i++) {
      const dice = this.#random.below(100)
      if (dice < 40) this.#execute(this.#words[i]!, this.#random.below(4) === 0 ? 1 : 0)
      else if (dice < 62) this.#execute(this.#otherCommand(), this.#random.below(8) === 0 ? 1 : 0)
      else if (dice < 64) this.#plainSet()
      else if (dice < 68) this.#lock()
      else if (dice < 74) this.#pass()
      else if (dice < 76)
        this.#execute([['SWAPDB', '0', '1'], ['SWAPDB', '1', '2'], ['FLUSHDB']][this.#random.below(3)]!)
      else if (dice < 79) this.#snapshot()
      else if (dice < 84) await this.#beginPart()
      else if (dice < 88) await this.#endPart()
      else await turns(this.#durable.clock)
    }
    while (this.#parts.size > 0) await this.#endPart()
    await turns(this.#durable.clock, 400)
  }

  #execute(argv: string[], db = 0): void {
    const { shard } = this.#durable
    // A shard does not run commands on keys that a transaction holds.
    if (shard.schedule.size > 0 && this.#isHeld(argv)) return
    if (shard.schedule.size > 0 && /^(flush|swapdb|sort|randomkey|lock|rename|copy|move)/i.test(argv[0]!))
      return
    this.lines.push(`${db}: ${argv.join(' ').slice(0, 120)}`)
    shard.engine.execute({ id: 'test', resp: 2, db }, argv)
    shard.afterCommands()
  }

  /** A batch, whose SETs take the short way into the log. */
  #plainSet(): void {
    const [key, other] = [this.#key(), this.#key()]
    if (this.#isHeld([key, other])) return
    this.lines.push(`batch: SET ${key}, SET ${other}`)
    void this.#durable.shard.run(
      batchOf([
        ['SET', key, 'plain'],
        ['GET', key],
        ['SET', other, 'plain too'],
      ]),
    )
  }

  #isHeld(words: readonly string[]): boolean {
    return [...this.#parts.values()].some(({ keys }) => keys.some((key) => words.includes(key)))
  }

  #key(): string {
    return this.#random.below(3) > 0
      ? HOT_KEYS[this.#random.below(HOT_KEYS.length)]!
      : OTHER_KEYS[this.#random.below(OTHER_KEYS.length)]!
  }

  #otherCommand(): string[] {
    const [key, other] = [this.#key(), this.#key()]
    const commands = [
      ['RENAME', key, other],
      ['COPY', key, other, 'REPLACE'],
      ['COPY', key, other, 'DB', '1', 'REPLACE'],
      ['MOVE', key, '2'],
      ['SET', key, 'x', 'PX', String(1 + this.#random.below(3000))],
      ['PEXPIRE', key, String(1 + this.#random.below(3000))],
      ['APPEND', key, 'y'],
      ['DEL', key, other],
      ['RPUSH', key, 'p', 'q'],
      ['LTRIM', key, '0', '0'],
      ['LREM', key, '0', 'q'],
      ['SMOVE', key, other, 'a'],
      ['LMOVE', key, other, 'LEFT', 'RIGHT'],
      ['SUNIONSTORE', key, other, 'a'],
    ]
    return commands[this.#random.below(commands.length)]!
  }

  #lock(): void {
    const name = LOCKS[this.#random.below(LOCKS.length)]!
    const owner = `o${this.#random.below(3)}`
    const holder = this.#durable.shard.engine.locks.info(name)?.holders[0]
    const argv =
      holder !== undefined && this.#random.below(2) === 0
        ? ['LOCK.RELEASE', name, holder.owner, String(holder.token)]
        : ['LOCK.ACQUIRE', name, owner, 'PX', String(1 + this.#random.below(5000))]
    this.#execute(argv)
  }

  /** Time goes on, or the clock on the wall jumps. */
  #pass(): void {
    const { clock, shard } = this.#durable
    if (this.#random.below(4) === 0) clock.wallOffsetMs += this.#random.below(4000) - 2000
    clock.skip(this.#random.below(1500))
    // Leases that are over end before anything else is looked at: looking at them would end them.
    shard.engine.tick(1)
    if (shard.engine.locks.nextDueMs > clock.nowMs() + 1001) clock.advance(1001)
    this.lines.push(`time ${clock.nowMs()} ${clock.wallMs()}`)
  }

  #snapshot(): void {
    this.lines.push('snapshot')
    void this.#durable.shard.durability.snapshot()
  }

  /** A transaction over several shards has its part here prepared. */
  async #beginPart(): Promise<void> {
    const { shard } = this.#durable
    const tx = shard.memory.drawTransaction()
    const keys = [this.#key(), this.#key()].filter((key, i, all) => all.indexOf(key) === i)
    if (this.#isHeld(keys) || this.#parts.size > 2) return
    const uses = keys.map((key) => ({ db: 0, key, slot: 0, isWritten: true }))
    const scheduled = shard.participant.schedule({ tx, by: 0, life: 1, keys: uses })
    if (scheduled !== 'yes') throw new Error(`nothing was in the way, and it was told ${String(scheduled)}`)
    await shard.participant.gather({ tx, keys: [] })
    const revision = shard.memory.drawRevisions(1)
    const isBatch = this.#random.below(2) === 0
    const batch = batchOf([
      this.#isBounded || this.#random.below(2) === 0
        ? ['DEL', ...keys]
        : ['MSET', ...keys.flatMap((key) => [key, `tx${tx}`])],
    ])
    void shard.participant.stage(
      isBatch
        ? { tx, revision, batch, participants: [0, 1] }
        : { tx, revision, patches: patchesFor(shard, keys), participants: [0, 1] },
    )
    this.#parts.set(tx, { revision, keys, isBatch, batch })
    this.lines.push(`prepared ${tx}: ${keys.join(' ')}`)
  }

  async #endPart(): Promise<void> {
    const { shard } = this.#durable
    const [first] = this.#parts
    if (first === undefined) return
    const [tx, { revision, isBatch, batch }] = first
    this.#parts.delete(tx)
    const isDecided = this.#random.below(3) > 0
    this.lines.push(`ended ${tx}: ${isDecided}`)
    if (!isDecided) shard.participant.release(tx)
    else if (isBatch) await shard.participant.run({ tx, batch, revision })
    else shard.participant.applyStaged(tx)
  }
}

/** Each key becomes what another one is. */
function patchesFor({ engine }: Shard, keys: readonly string[]): KeyPatch[] {
  return keys.map((key, i) => {
    const { payload, expireAt } = guestOf(engine, 0, keys.at(i - 1)!)
    return { db: 0, key, payload, expireAt, events: [payload === null ? 'del' : 'set'] }
  })
}

/** What a recovery that ends with a record has, by each record. */
async function checkEveryRecord(disk: SimulatedDisk, { history, lines }: Run, seed: number): Promise<number> {
  let [replayed, sinceBegin] = [makeReplay(), undefined as ReturnType<typeof makeReplay> | undefined]
  let last: { readonly state: readonly string[]; readonly nowMs: number } = { state: ['floor 0'], nowMs: 0 }
  const log: string[] = []
  let [begins, ends, unknown] = [0, 0, 0]
  const places = new LogPlaces()
  await examineLog(disk, FOLDER, OWNER, (record, info) => {
    const position = places.behind(record, info)
    const text = Buffer.from(record.payload.subarray(0, 80)).toString('latin1')
    log.push(`${position} kind ${record.kind} ${record.revision} ${JSON.stringify(text)}`)
    if (record.kind === KIND_SNAPSHOT_BEGIN) {
      sinceBegin = makeReplay()
      begins++
    }
    for (const one of [replayed, sinceBegin]) one?.replay.take(record)
    if (record.kind === KIND_SNAPSHOT_END) {
      ;[replayed, sinceBegin] = [sinceBegin!, undefined]
      ends++
    }
    const known = history.states.get(position)
    if (known === undefined && (record.kind === KIND_COMMIT || record.kind === KIND_CONCLUDED)) {
      // The locks of a snapshot, which change nothing, are a commit, too.
      unknown++
      return
    }
    last = known ?? last
    const expected = last.state
    const found = stateAt(replayed.shard, last.nowMs)
    if (JSON.stringify(found) === JSON.stringify(expected)) return
    const lost = expected.filter((one) => !found.includes(one))
    const wrong = found.filter((one) => !expected.includes(one))
    expect.fail(
      [`seed ${seed}, at ${position}`, ...lost, 'but', ...wrong, ...log.slice(-20), ...lines].join('\n'),
    )
  })
  expect(unknown, 'only the locks of snapshots are commits of no command').toBe(begins)
  return ends
}

/** As `History` notes it; with time standing where it stood. */
function stateAt(shard: Shard, atMs: number): string[] {
  shard.setTime(atMs)
  const state = shard.engine.atomically(() => stateOf(shard.engine))
  shard.setTime(undefined)
  return [...state, `floor ${shard.memory.token}`]
}

/** A disk with all segments that there ever were. */
class KeepingDisk extends SimulatedDisk {
  readonly removed = new Map<string, Uint8Array>()

  override remove(path: string): Promise<void> {
    const bytes = this.contentOf(path)
    if (bytes !== undefined) this.removed.set(path, bytes)
    return super.remove(path)
  }

  everything(): SimulatedDisk {
    const all = this.afterKill()
    for (const [path, bytes] of this.removed) all.putFile(path, bytes)
    return all
  }
}

async function runOf(seed: number): Promise<{ run: Run; disk: KeepingDisk; durable: DurableShard }> {
  const disk = new KeepingDisk()
  // Some evict: a run of the suite has one of them.
  const settings = seed % 4 === 0 ? { maxBytes: 71_000, policy: 'allkeys-random' as const } : {}
  const store = { segmentBytes: 16_384, keys: keysOf(seed) }
  const durable = await openShard(disk, { settings, seed, store })
  const run = new Run(durable, seed)
  await run.run()
  return { run, disk, durable }
}

/** The log as it would be if nothing behind a position had been written. */
async function cutAt(disk: SimulatedDisk, position: number): Promise<SimulatedDisk> {
  const cut = new SimulatedDisk()
  cut.putFolder(FOLDER)
  const { segments } = await examineLog(disk, FOLDER, OWNER, () => undefined)
  for (const { path, info } of segments) {
    const bytes = disk.contentOf(path)!
    if (info.base <= position) cut.putFile(path, bytes.subarray(0, position - info.base + MAGIC_BYTES))
  }
  return cut
}

async function checkOpened(
  disk: SimulatedDisk,
  { history }: Run,
  seed: number,
  position: number,
): Promise<void> {
  const { shard, journal } = await openShard(disk, { store: { keys: keysOf(seed) } })
  // A group that is sealed is there whole or not at all.
  const end = seed % 2 === 0 ? Math.min(position, journal.log.appended) : position
  shard.durability.resolve([])
  const known = [...history.states].filter(([behind]) => behind <= end).at(-1)!
  expect(stateAt(shard, known[1].nowMs), `cut at ${position}, known ${known[0]}`).toEqual(known[1].state)
}

test('behind each record, a replay has what the shard had', async () => {
  let [known, snapshots, plainSets] = [0, 0, 0]
  for (let seed = SEED; seed < SEED + SEEDS; seed++) {
    const { run, disk } = await runOf(seed)
    snapshots += await checkEveryRecord(disk.everything(), run, seed)
    known += run.history.states.size
    plainSets += run.plainSets
  }
  // It was a real check.
  expect(known / SEEDS).toBeGreaterThan(50)
  expect(plainSets).toBeGreaterThan(SEEDS)
  expect(snapshots / SEEDS).toBeGreaterThan(2)
})

test('what a shard opens is what there was, wherever its log is cut', async () => {
  for (let seed = SEED; seed < SEED + Math.ceil(SEEDS / 2); seed++) {
    const { run, disk, durable } = await runOf(seed)
    const everything = disk.everything()
    const random = seededRandom(seed)
    const { appended } = durable.journal.log
    for (let i = 0; i < 12; i++) {
      const position = random.below(appended)
      await checkOpened(await cutAt(everything, position), run, seed, position)
    }
    // As it is, without the segments that snapshots have removed.
    expect(disk.removed.size).toBeGreaterThan(0)
    await checkOpened(disk.afterKill(), run, seed, appended)
    await durable.shard.close()
    await checkOpened(disk.afterPowerCut(seed), run, seed, appended)
  }
})
