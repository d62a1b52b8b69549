/**
 * A log on a disk whose calls end in any order, checked at each moment at which somebody is told something.
 *
 * When `reached` resolves for `fsync`, a power cut at that very moment keeps what it was asked for; for `os`,
 * a kill does. Those who wait are told in the order of their positions. At any other moment, too, a crash
 * leaves a log that opens. The disk is looked at by copies that leave it alone.
 */
import { expect, test } from 'vitest'
import { type Random, seededRandom } from '../../src/base/index.ts'
import { SimulatedDisk } from '../../src/testkit/simulated-disk.ts'
import { LogWorld, settled } from '../support/log-world.ts'

const isSoak = process.env['SHL_SOAK'] !== undefined
const CUTS = 3

/** Looks at what a crash would leave now; the reading comes later. */
type Look = () => Promise<void>

class Run {
  readonly random: Random
  readonly world: LogWorld
  readonly looks: Look[] = []
  readonly told = { os: 0, fsync: 0 }
  readonly waiting: Promise<void>[] = []

  constructor(seed: number) {
    this.random = seededRandom(seed)
    const segmentBytes = this.random.below(2) === 0 ? 400 : 1e6
    this.world = new LogWorld(new SimulatedDisk(), { segmentBytes, syncEveryMs: 10 })
  }

  /** Waits for a position, and looks at the disk at the moment at which it is told. */
  wait(level: 'os' | 'fsync', position: number): void {
    const { world, looks, told, random } = this
    const reached = world.log.reached(level, position)
    const note = (): void => {
      expect(position, 'told in order').toBeGreaterThanOrEqual(told[level])
      expect(level === 'os' ? world.log.written : world.log.synced).toBeGreaterThanOrEqual(position)
      world.acknowledged[level] = Math.max(world.acknowledged[level], position)
      if (level === 'os') {
        looks.push(this.#lookAt(world.disk.afterKill(), 'os'))
        return
      }
      for (let cut = 0; cut < CUTS; cut++)
        looks.push(this.#lookAt(world.disk.afterPowerCut(random.below(1e9)), 'fsync'))
    }
    if (reached === undefined) note()
    else {
      this.waiting.push(
        reached.then(() => {
          note()
          told[level] = position
        }),
      )
    }
  }

  #lookAt(disk: SimulatedDisk, level: 'os' | 'fsync'): Look {
    const next = this.world.after(disk, level)
    return async () => void (await next.examine())
  }

  /** One thing that may happen; at any moment the machine may stop. */
  step(): void {
    const { random, world } = this
    const { log, disk } = world
    if (random.below(4) === 0) this.looks.push(this.#lookAt(disk.afterPowerCut(random.below(1e9)), 'fsync'))
    if (random.below(16) === 0) this.looks.push(this.#lookAt(disk.afterKill(), 'os'))
    switch (random.below(8)) {
      case 0:
      case 1:
        for (let count = random.below(3); count >= 0; count--) world.append(random.below(150))
        break
      case 2:
        this.wait('os', log.appended)
        break
      case 3:
        this.wait('fsync', log.appended)
        break
      case 4:
        world.clock.advance(random.below(8))
        break
      case 5:
        if (random.below(5) === 0) log.nextSegment()
        break
      default:
        if (disk.held.length > 0) disk.release(disk.held[random.below(disk.held.length)])
    }
  }
}

test('whoever is told, is told the truth, in order, whatever the disk is slow at', async () => {
  let looks = 0
  let waits = 0
  for (let seed = 0; seed < (isSoak ? 3000 : 60); seed++) {
    const run = new Run(seed)
    const { world } = run
    await world.open()
    world.disk.onCall = ({ operation }) =>
      operation === 'write' || operation === 'sync' || operation === 'syncFolder'
        ? { type: 'hold' }
        : undefined
    for (let step = 0; step < 80; step++) {
      run.step()
      if (run.random.below(2) === 0) await settled()
      else await Promise.resolve()
    }
    world.disk.onCall = undefined
    while (world.disk.held.length > 0) {
      world.disk.release()
      await settled()
    }
    await Promise.all(run.waiting)
    for (const look of run.looks) await look()
    looks += run.looks.length
    waits += run.waiting.length
    await world.log.close()
    const last = world.after(world.disk.afterPowerCut(seed), 'fsync')
    last.expectedCount = world.entries.length
    await last.examine()
  }
  expect(looks).toBeGreaterThan(1000)
  expect(waits).toBeGreaterThan(500)
})
