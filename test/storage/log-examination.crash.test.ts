/**
 * Damage to a log, of every byte (in a soak of every bit), and a cut at every byte: it is refused, or it is a
 * tail with nothing behind it. Sealed logs are cut at some bytes.
 *
 * Never is a record handed on that was not appended, and never is one left out before another: `LogWorld`
 * compares. The logs have zeros in them, which is what a lost sector looks like, synced records and records
 * that nobody was told are synced, and one of them was closed, the other killed.
 */
import { beforeAll, describe, expect, test } from 'vitest'
import { seededRandom } from '../../src/base/index.ts'
import { type LogKey, readSegment } from '../../src/storage/index.ts'
import { claimedBytesAt } from '../../src/storage/log-format.ts'
import { areaOf } from '../../src/storage/record-area.ts'
import { SimulatedDisk } from '../../src/testkit/simulated-disk.ts'
import { keyOf, LogWorld, segmentPath } from '../support/log-world.ts'

const isSoak = process.env['SHL_SOAK'] !== undefined

interface Segment {
  readonly number: number
  readonly bytes: Buffer
  /** Where its records begin, those that tell of syncs too, and where the last one ends. */
  readonly offsets: readonly number[]
}

/** What examining a changed log came to. */
type Outcome = 'refused' | 'whole' | { readonly tailAt: number; readonly path: string }

/** A log, and what becomes of it when its files are changed. */
class Victim {
  readonly segments: Segment[] = []
  readonly world: LogWorld

  constructor(world: LogWorld) {
    this.world = world
  }

  static async of(world: LogWorld, count: number): Promise<Victim> {
    const victim = new Victim(world)
    for (let number = 1; number <= count; number++) {
      const bytes = Buffer.from(world.disk.contentOf(segmentPath(number))!)
      const offsets = [16]
      for (let at = 16; at < bytes.length; at += claimedBytesAt(areaOf(bytes), at))
        offsets.push(at + claimedBytesAt(areaOf(bytes), at))
      expect(offsets.at(-1)).toBe(bytes.length)
      victim.segments.push({ number, bytes, offsets: [...new Set(offsets)] })
    }
    return victim
  }

  get last(): Segment {
    return this.segments.at(-1)!
  }

  /** Examines the log with one file changed. @throws unless what was handed on is an exact prefix */
  async with(number: number, bytes: Uint8Array): Promise<Outcome> {
    const disk = new SimulatedDisk()
    for (const segment of this.segments) {
      disk.putFile(segmentPath(segment.number), segment.number === number ? bytes : segment.bytes)
    }
    const next = this.world.after(disk, 'os')
    next.expectedCount = 0
    try {
      const { tail } = await next.examine()
      return tail === undefined ? 'whole' : { tailAt: tail.offset, path: tail.path }
    } catch (error) {
      const { code } = error as { code?: unknown }
      if (code === 'SHL_LOG_DAMAGED' || code === 'SHL_LOG_FOREIGN') return 'refused'
      throw error
    }
  }
}

async function opened(key?: LogKey): Promise<LogWorld> {
  const world = new LogWorld(new SimulatedDisk(), { segmentBytes: 1e9, key })
  await world.open()
  return world
}

/** Three segments; everything is synced, and the log says so. */
async function closedLog(key?: LogKey): Promise<Victim> {
  const world = await opened(key)
  for (const sizes of [[0, 30], [5, 60], [17]]) {
    for (const sizeBytes of sizes) {
      world.append(sizeBytes, sizeBytes === 60 ? [2, 900] : [])
      if (sizeBytes === 5) await world.wait('fsync')
    }
    if (world.entries.length < 5) world.log.nextSegment()
  }
  await world.log.close()
  return await Victim.of(world, 3)
}

/** Two segments; the end of the second was written, and nobody was told that it was synced. */
async function killedLog(key?: LogKey): Promise<Victim> {
  const world = await opened(key)
  world.append(20)
  world.log.nextSegment()
  world.append(10)
  world.append(70)
  world.append(40)
  await world.wait('fsync')
  world.append(8)
  // Every third payload is zeros: here sectors of them.
  world.append(1100)
  world.append(25)
  await world.wait('os')
  return await Victim.of(world, 2)
}

/** Of how many bits one is flipped, some of every byte; and of how many bytes it is cut at one. */
interface Steps {
  readonly bits: number
  readonly cuts: number
}

const CLEAR: Steps = { bits: isSoak ? 1 : 3, cuts: 1 }
const SEALED: Steps = isSoak ? CLEAR : { bits: 7, cuts: 3 }

/** What was done to a log. */
const cases: [string, () => Promise<Victim>, Steps][] = [
  ['closed', () => closedLog(), CLEAR],
  ['killed', () => killedLog(), CLEAR],
  ['encrypted, and closed', () => closedLog(keyOf(1)), SEALED],
  ['encrypted, and killed', () => killedLog(keyOf(1)), SEALED],
]

describe.each(cases)('a log that was %s', (name, make, { bits, cuts }) => {
  let victim: Victim

  beforeAll(async () => {
    victim = await make()
  })

  test('is whole as it is', async () => {
    expect(await victim.with(1, victim.segments[0]!.bytes)).toBe('whole')
  })

  test('is refused with any bit flipped, unless it is one of the last record, which is cut', async () => {
    let flips = 0
    for (const { number, bytes, offsets } of victim.segments) {
      const isLast = number === victim.last.number
      for (let bit = 0; bit < 8 * bytes.length; bit += bits) {
        const flipped = Buffer.from(bytes)
        flipped[bit >> 3]! ^= 1 << (bit & 7)
        const outcome = await victim.with(number, flipped)
        const isInLastRecord = isLast && bit >> 3 >= offsets.at(-2)!
        const expected = isInLastRecord ? { tailAt: offsets.at(-2), path: segmentPath(number) } : 'refused'
        expect(outcome, `segment ${number}, bit ${bit}`).toEqual(expected)
        flips++
      }
    }
    expect(flips).toBeGreaterThan(5000 / bits)
  })

  test('cut at any byte is refused, unless it is the last segment, which is a prefix', async () => {
    for (const { number, bytes, offsets } of victim.segments) {
      for (let length = 0; length < bytes.length; length += cuts) {
        const outcome = await victim.with(number, bytes.subarray(0, length))
        const message = `segment ${number}, ${length} bytes`
        if (number !== victim.last.number) expect(outcome, message).toBe('refused')
        else if (length > 16 && offsets.includes(length)) expect(outcome, message).toBe('whole')
        else expect(outcome, message).toMatchObject({ path: segmentPath(number) })
      }
    }
  })

  test('is refused or a prefix whatever is done to a stretch of it', async () => {
    const random = seededRandom(name.length)
    const outcomes = { refused: 0, tails: 0 }
    for (let i = 0; i < (isSoak ? 50_000 : 600); i++) {
      const { number, bytes } = victim.segments[random.below(victim.segments.length)]!
      const changed = Buffer.from(bytes)
      const from = random.below(bytes.length)
      const count = 1 + random.below(random.below(2) === 0 ? 16 : 700)
      const kind = random.below(3)
      if (kind === 0) changed.fill(0, from, Math.min(from + count, bytes.length))
      else if (kind === 1) bytes.copy(changed, from, random.below(bytes.length), bytes.length)
      else
        for (let at = from; at < Math.min(from + count, bytes.length); at++) changed[at] = random.below(256)
      if (changed.equals(bytes)) continue
      const outcome = await victim.with(number, changed)
      if (outcome === 'refused') outcomes.refused++
      else outcomes.tails++
      expect(outcome).not.toBe('whole')
    }
    expect(outcomes.refused).toBeGreaterThan(150)
    expect(outcomes.tails).toBeGreaterThan(5)
  })
})

test('a log that is cut and one that is refused are read as far as they are whole', async () => {
  const { segments } = await killedLog()
  const { bytes, offsets } = segments[1]!
  const flipped = Buffer.from(bytes)
  flipped[offsets[3]! + 50]! ^= 1
  const disk = new SimulatedDisk()
  disk.putFile('/f', flipped)
  const revisions: number[] = []
  const end = await readSegment(
    await disk.open('/f', 'read'),
    ({ revision }) => void revisions.push(revision),
  )
  expect(end.offset).toBe(offsets[3])
  expect(revisions).toEqual([0, 2, 3])
})
