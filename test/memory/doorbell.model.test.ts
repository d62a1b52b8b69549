/**
 * The doorbell, over every interleaving of one sleeper with one and with two ringers: no wake-up is lost, and
 * a sleep is rung for once at the most.
 *
 * The sleeper sleeps until a ring it has not heard yet, for ever if need be: a lost wake-up shows as a
 * schedule in which it waits for ever. On the weak machine (`test/support/interleavings.ts`) each of the four
 * accesses has to be atomic, and the search says so when one is not.
 */
import { describe, expect, test } from 'vitest'
import { DoorbellRinger, DoorbellSleeper } from '../../src/memory/doorbell.ts'
import type { Access } from '../support/instrumented-memory.ts'
import { type Exploration, explore, type ThreadKit, type ThreadProgram } from '../support/interleavings.ts'

/** Words: the flag, the rings so far, and how much each ringer has published. */
const PARKED = 0
const RINGS = 1
const WORK = 2
const WORDS = 4
/** Ringers, and records of each. The larger ones take half a minute. */
const CASES: [ringers: number, records: number][] = [
  [1, 3],
  [2, 1],
]
const CASES_SOAK: typeof CASES = [
  [1, 5],
  [2, 2],
]

describe.each(['interleaved', 'weak'] as const)('on the %s machine', (machine) => {
  test.each(process.env['SHL_SOAK'] ? CASES_SOAK : CASES)(
    '%d ringers with %d records each wake the sleeper whenever they must',
    (ringers, records) => {
      const { schedules, outcomes } = explore({ ...explorationOf(ringers, records), machine })
      expect(schedules).toBeGreaterThan(10_000)
      expect(outcomes).toContain('never rung')
      expect(outcomes).toContain('rung for each of 2 sleeps')
      expect(outcomes).toContain('rung for 1 of 2 sleeps')
    },
  )
})

describe('a planted bug is found', () => {
  test('looking for work before saying "ring for me"', () => {
    const sleeper = sleeperOf(1, 2, (bell, findWork) => {
      const hasWork = findWork()
      bell.park()
      return hasWork
    })
    expect(() => explore(explorationOf(1, 2, { sleeper }))).toThrow('sleeper waits for ever')
  })

  test('looking whether to ring before publishing', () => {
    const ringer = ringerOf(0, 2, (bell, publish) => {
      bell.ringIfParked()
      publish()
    })
    expect(() => explore(explorationOf(1, 2, { ringer0: ringer }))).toThrow('sleeper waits for ever')
  })

  test('ringing without having won the exchange', () => {
    const ringUnasked = (index: number) =>
      ringerOf(index, 1, (_, publish, words) => {
        publish()
        if (Atomics.load(words, PARKED) === 1) Atomics.add(words, RINGS, 1)
      })
    const exploration = explorationOf(2, 1, { ringer0: ringUnasked(0), ringer1: ringUnasked(1) })
    expect(() => explore(exploration)).toThrow('more rings than sleeps')
  })

  const accesses: [string, (access: Access) => boolean][] = [
    ['the store of the flag', ({ kind, address }) => kind === 'atomic_store' && address === PARKED * 4],
    ['the load of the work', ({ kind, address }) => kind === 'atomic_load' && address >= WORK * 4],
    ['the store of the work', ({ kind, address }) => kind === 'atomic_store' && address >= WORK * 4],
    ['the load of the flag', ({ kind, address }) => kind === 'atomic_load' && address === PARKED * 4],
  ]
  test.each(accesses)('%s, made plain', (_, weaken) => {
    const exploration = { ...explorationOf(1, 2), machine: 'weak' as const, weaken }
    expect(() => explore(exploration)).toThrow('sleeper waits for ever')
  })
})

test('a ringer counts its rings, and rings once per park', () => {
  const words = new Int32Array(new SharedArrayBuffer(8))
  const sleeper = new DoorbellSleeper(words, 1)
  let heard = 0
  const ringer = new DoorbellRinger(words, 1, () => heard++)
  expect(ringer.ringIfParked()).toBe(false)
  sleeper.park()
  expect(sleeper.isParked()).toBe(true)
  expect([ringer.ringIfParked(), ringer.ringIfParked()]).toEqual([true, false])
  expect(sleeper.isParked()).toBe(false)
  sleeper.park()
  sleeper.unpark()
  expect(ringer.ringIfParked()).toBe(false)
  expect([heard, ringer.rings]).toEqual([1, 1])
  expect(words[0]).toBe(0)
})

function explorationOf(
  ringers: number,
  records: number,
  threads: Record<string, ThreadProgram> = {},
): Exploration {
  const usual: Record<string, ThreadProgram> = { sleeper: sleeperOf(ringers, records) }
  for (let i = 0; i < ringers; i++) usual[`ringer${i}`] = ringerOf(i, records)
  return {
    memory: () => new SharedArrayBuffer(WORDS * 4),
    threads: { ...usual, ...threads },
    check(memory, reports) {
      const sleeps = reports['sleeper'] as number
      const rings = new Int32Array(memory)[RINGS]!
      if (rings > sleeps) throw new Error(`more rings than sleeps: ${rings} and ${sleeps}`)
      if (rings === 0) return 'never rung'
      return rings === sleeps ? `rung for each of ${sleeps} sleeps` : `rung for ${rings} of ${sleeps} sleeps`
    },
  }
}

type LieDown = (bell: DoorbellSleeper, hasWork: () => boolean) => boolean

/** Takes all records, sleeping in between; reports how often it lay down. */
function sleeperOf(
  ringers: number,
  records: number,
  lieDown: LieDown = (bell, hasWork) => {
    bell.park()
    return hasWork()
  },
): ThreadProgram {
  return (memory: SharedArrayBuffer, kit: ThreadKit): number => {
    const words = new Int32Array(memory)
    const bell = new DoorbellSleeper(words, PARKED)
    const taken = new Array<number>(ringers).fill(0)
    const findWork = (): number => taken.findIndex((count, i) => Atomics.load(words, WORK + i) > count)
    let heard = 0
    let sleeps = 0
    while (taken.some((count) => count < records)) {
      const found = findWork()
      if (found !== -1) {
        taken[found] = Atomics.load(words, WORK + found)
        continue
      }
      sleeps++
      if (!lieDown(bell, () => findWork() !== -1)) {
        heard = kit.waitUntil(RINGS * 4, (rings) => rings > heard)
      }
      bell.unpark()
    }
    return sleeps
  }
}

type Send = (bell: DoorbellRinger, publish: () => void, words: Int32Array<SharedArrayBuffer>) => void

function ringerOf(
  index: number,
  records: number,
  send: Send = (bell, publish) => {
    publish()
    bell.ringIfParked()
  },
): ThreadProgram {
  return (memory) => {
    const words = new Int32Array(memory)
    const bell = new DoorbellRinger(words, PARKED, () => Atomics.add(words, RINGS, 1))
    for (let record = 1; record <= records; record++) {
      send(bell, () => Atomics.store(words, WORK + index, record), words)
    }
  }
}
