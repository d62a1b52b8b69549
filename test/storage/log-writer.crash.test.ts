/**
 * Crashes of a log: at every call and every byte, by a kill and by a power cut, once and again and again.
 *
 * What the next process reads is an exact prefix of what was appended, `LogWorld` sees to that. It holds all
 * that was acknowledged as `os` after a kill, and as `fsync` after a power cut; and it can be opened.
 */
import { expect, test } from 'vitest'
import { type Random, seededRandom } from '../../src/base/index.ts'
import { type DiskCall, type DiskFault, SimulatedDisk } from '../../src/testkit/simulated-disk.ts'
import { FOLDER, keyOf, LogWorld, settled, untilStopped } from '../support/log-world.ts'
import { NonceBook } from '../support/nonce-book.ts'
import { rejection } from '../support/runtime.ts'

const isSoak = process.env['SHL_SOAK'] !== undefined

/** A kind of log, and how much less of it is tried than of the first. */
interface Kind {
  readonly options: ConstructorParameters<typeof LogWorld>[1] & { readonly reserveBytes: number }
  readonly fewer: number
}

const SIZES = { segmentBytes: 420, syncEveryMs: 1000, reserveBytes: 100 }
const CLEAR: Kind = { options: SIZES, fewer: 1 }
const SEALED: Kind = { options: { ...SIZES, segmentBytes: 900, key: keyOf(1) }, fewer: isSoak ? 1 : 6 }
const kinds: [string, Kind][] = [
  ['in the clear', CLEAR],
  ['encrypted', SEALED],
]

/** A short life of a log: several segments, each level, participants, zeros, an old segment removed. */
async function live(world: LogWorld): Promise<void> {
  await world.open()
  for (let i = 0; i < 9; i++) {
    world.append((i * 29) % 70, i % 4 === 1 ? [1, 3, 7] : [])
    if (i === 2) world.append(0)
    await world.wait(i % 3 === 0 ? 'fsync' : 'os')
    if (i === 5) world.clock.advance(1000)
  }
  const kept = world.nextSegment()
  world.append(40)
  await world.wait('fsync')
  await world.removeBefore(kept)
  // Longer than a sector, and zeros.
  world.append(700)
  await world.wait('os')
  world.append(3)
  await world.log.close()
}

/** What `live` calls when nothing happens to it. */
async function callsOfLife({ options }: Kind): Promise<readonly DiskCall[]> {
  const disk = new SimulatedDisk()
  await live(new LogWorld(disk, options))
  return disk.calls
}

/** Lives until a call meets its fault. */
async function livedUntil({ options }: Kind, index: number, fault: DiskFault): Promise<LogWorld> {
  const disk = new SimulatedDisk({ onCall: (call) => (call.index === index ? fault : undefined) })
  const world = new LogWorld(disk, options)
  await untilStopped(disk, () => live(world))
  expect(disk.isStopped).toBe(true)
  return world
}

/** The next process opens it, goes on, closes; and the one after that reads all of it. */
async function expectGoesOn(next: LogWorld): Promise<void> {
  await next.open()
  next.append(20)
  next.append(600)
  await next.wait('fsync')
  await next.log.close()
  const last = next.after(next.disk.afterPowerCut(1), 'fsync')
  expect((await last.examine()).tail).toBeUndefined()
}

test.each(kinds)(
  '%s: a kill at every byte leaves an exact prefix, and all that was written',
  async (_, kind) => {
    const writes = (await callsOfLife(kind)).filter(({ operation }) => operation === 'write')
    let bytes = 0
    for (const { index, sizeBytes = 0 } of writes) {
      for (let taken = 0; taken <= sizeBytes; taken += kind.fewer) {
        const world = await livedUntil(kind, index, { type: 'stop', sizeBytes: taken })
        const next = world.after(world.disk.afterKill(), 'os')
        if (taken % (16 * kind.fewer) === 0) await expectGoesOn(next)
        else await next.open()
        bytes++
      }
    }
    expect(bytes).toBeGreaterThan(2000 / kind.fewer)
  },
)

test.each(kinds)('%s: a kill before and after every call of the disk does, too', async (_, kind) => {
  const operations = new Set<string>()
  for (const { index, operation } of await callsOfLife(kind)) {
    operations.add(operation)
    for (const type of ['stop', 'stop_after'] as const) {
      const world = await livedUntil(kind, index, { type })
      await expectGoesOn(world.after(world.disk.afterKill(), 'os'))
    }
  }
  const expected = ['close', 'list', 'open', 'remove', 'size', 'sync', 'syncFolder', 'write']
  expect([...operations].sort()).toEqual(expected)
})

test.each(kinds)(
  '%s: a power cut at every call leaves an exact prefix, and all that was synced',
  async (_, kind) => {
    const seeds = isSoak ? 500 : Math.ceil(8 / kind.fewer)
    for (const { index, operation, sizeBytes = 0 } of await callsOfLife(kind)) {
      const faults: DiskFault[] = [{ type: 'stop' }, { type: 'stop_after' }]
      if (operation === 'write') faults.push({ type: 'stop', sizeBytes: Math.floor(sizeBytes / 2) })
      for (const fault of faults) {
        const world = await livedUntil(kind, index, fault)
        for (let seed = 0; seed < seeds; seed++) {
          const next = world.after(world.disk.afterPowerCut(seed), 'fsync')
          if (seed % 6 === 0) await expectGoesOn(next)
          else await next.open()
        }
      }
    }
  },
)

test('crash after crash with another key each time, or with none: nothing is lost', async () => {
  const keys = [undefined, keyOf(1), keyOf(2), keyOf(3)]
  const nonces = new NonceBook()
  let changes = 0
  for (let seed = 0; seed < (isSoak ? 3000 : 40); seed++) {
    const random = seededRandom(seed)
    const next = () => ({ ...SEALED.options, key: keys[random.below(4)], isSealedBefore: true })
    let world = new LogWorld(stopping(random, new SimulatedDisk()), next())
    for (let crash = 0; crash < 6; crash++) {
      await untilStopped(world.disk, () => liveAtRandom(world, random))
      const isKill = random.below(2) === 0
      const left = isKill ? world.disk.afterKill() : world.disk.afterPowerCut(random.below(1e9))
      nonces.read(left, FOLDER)
      // Whoever only reads has all keys, whatever is written with.
      const level = isKill ? 'os' : 'fsync'
      const { segments } = await world.after(left.afterKill(), level, next()).examine()
      changes += new Set(segments.map(({ info }) => info.sealing?.key)).size - 1
      world = world.after(stopping(random, left), level, next())
    }
  }
  expect(changes).toBeGreaterThan(10)
})

/** A disk that stops at some call, soon or late, in the middle of a write perhaps; some writes are short. */
function stopping(random: Random, disk: SimulatedDisk): SimulatedDisk {
  const last = random.below(random.below(2) === 0 ? 15 : 60)
  const hasShorts = random.below(2) === 0
  disk.onCall = ({ index, operation, sizeBytes = 0 }) => {
    if (index >= last) {
      if (random.below(2) === 0) return { type: 'stop_after' }
      return { type: 'stop', sizeBytes: random.below(sizeBytes + 1) }
    }
    const isShort = hasShorts && operation === 'write' && sizeBytes > 1 && random.below(4) === 0
    return isShort ? { type: 'short', sizeBytes: 1 + random.below(sizeBytes - 1) } : undefined
  }
  return disk
}

/** Whatever a log is used for, for ever. */
async function liveAtRandom(world: LogWorld, random: Random): Promise<void> {
  await world.open()
  let number = 0
  for (;;) {
    for (let count = random.below(4); count >= 0; count--) {
      world.append(random.below(random.below(6) === 0 ? 2500 : 120))
    }
    const levels = ['memory', 'os', 'fsync'] as const
    await world.wait(levels[random.below(3)]!)
    if (random.below(6) === 0) number = world.nextSegment()
    if (random.below(4) === 0 && number > 0) {
      await world.wait('fsync')
      await world.removeBefore(number)
    }
    if (random.below(5) === 0) world.clock.advance(1000)
    // Lets timers and groups come between.
    if (random.below(3) === 0) await settled()
  }
}

test.each(kinds)(
  '%s: crash after crash, of either kind, at any moment: nothing is lost, nothing refused',
  async (_, kind) => {
    const lives = isSoak ? 6000 : Math.ceil(150 / kind.fewer)
    const nonces = new NonceBook()
    const counts = { kills: 0, cuts: 0, tails: 0, records: 0 }
    for (let seed = 0; seed < lives; seed++) {
      const random = seededRandom(seed)
      let world = new LogWorld(stopping(random, new SimulatedDisk()), kind.options)
      for (let crash = 0; crash < 5; crash++) {
        await untilStopped(world.disk, () => liveAtRandom(world, random))
        const isKill = random.below(2) === 0
        const left = isKill ? world.disk.afterKill() : world.disk.afterPowerCut(random.below(1e9))
        // A look that leaves no trace.
        const { tail } = await world.after(left.afterKill(), isKill ? 'os' : 'fsync').examine()
        world = world.after(stopping(random, left), isKill ? 'os' : 'fsync')
        counts[isKill ? 'kills' : 'cuts']++
        if (tail !== undefined) counts.tails++
        counts.records += world.expectedCount
        nonces.read(left, FOLDER)
      }
    }
    // Something did happen.
    for (const count of Object.values(counts)) expect(count).toBeGreaterThan(lives)
    if (kind === SEALED) expect(nonces.count).toBeGreaterThan(4 * lives)
  },
)

test.each(kinds)(
  '%s: a log whose sync has failed keeps what was synced, also when it is gone on with',
  async (_, kind) => {
    for (let seed = 0; seed < (isSoak ? 3000 : Math.ceil(60 / kind.fewer)); seed++) {
      const random = seededRandom(seed)
      const world = new LogWorld(new SimulatedDisk(), kind.options)
      await world.open()
      const failing = world.disk.calls.length + random.below(25)
      world.disk.onCall = ({ index, operation }) =>
        index >= failing && operation === 'sync' ? { type: 'fail', code: 'EIO' } : undefined
      const error = await rejection(
        (async () => {
          for (;;) {
            world.append(random.below(200))
            await world.wait(random.below(2) === 0 ? 'os' : 'fsync')
          }
        })(),
      )
      expect(error['code']).toBe('SHL_LOG_FAILED')
      const cut = world.after(world.disk.afterPowerCut(seed), 'fsync')
      await cut.open()
      // The machine goes on, and so does what its cache takes for written.
      const next = world.after(world.disk.afterKill(), 'os')
      await next.open()
      next.append(300)
      await next.wait('fsync')
      const last = next.after(next.disk.afterPowerCut(seed), 'fsync')
      await last.open()
      expect(last.entries).toHaveLength(next.entries.length)
    }
  },
)

test.each(kinds)(
  '%s: a disk that is full at some byte loses nothing, and is gone on with later',
  async (_, kind) => {
    for (const reserveBytes of [0, 300]) {
      const step = (isSoak ? 1 : reserveBytes === 0 ? 2 : 11) * kind.fewer
      for (let room = 0; room < (isSoak ? 3000 : 900); room += step) {
        const disk = new SimulatedDisk()
        const world = new LogWorld(disk, { ...kind.options, reserveBytes })
        await world.open()
        disk.capacityBytes = disk.usedBytes + room
        const writing = (async () => {
          for (let i = 0; i < 6; i++) {
            world.append(90)
            world.append(i)
            await world.wait(i % 2 === 0 ? 'os' : 'fsync')
          }
        })()
        await settled()
        const { log } = world
        const wasFull = room < 800
        if (wasFull) expect(log.isFull, `${room} bytes`).toBe(true)
        expect(log.failure).toBeUndefined()
        await world.after(disk.afterKill(), 'os').open()
        await world.after(disk.afterPowerCut(room), 'fsync').open()
        disk.capacityBytes = Number.POSITIVE_INFINITY
        for (let i = 0; i < 3; i++) {
          world.clock.advance(100)
          await settled()
        }
        await writing
        expect(log.isFull).toBe(false)
        world.append(50)
        await log.close()
        const next = world.after(disk.afterPowerCut(room), 'fsync')
        next.expectedCount = 13
        await next.open()
      }
    }
  },
)
