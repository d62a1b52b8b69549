/**
 * The carry of a count, over every interleaving of threads that add and one that reads, around the edge where
 * the low word changes its top bit: nothing is lost, and what is read is exact at some moment, so it never
 * goes back.
 */
import { describe, expect, test } from 'vitest'
import { ADDEND_MAX, addCount, readCount } from '../../src/memory/wide-count.ts'
import { type Exploration, explore, type ThreadProgram } from '../support/interleavings.ts'

const EDGE = 2 ** 31

describe.each(['interleaved', 'weak'] as const)('on the %s machine', (machine) => {
  test.each([
    ['2^31', EDGE],
    ['2^32', 2 * EDGE],
  ])('two threads that add across %s, and a reader', (_, edge) => {
    const start = edge - 2
    const exploration = explorationOf(start, { a: adderOf([1, 1]), b: adderOf([1, 1]), reader: readerOf(2) })
    const { schedules, outcomes } = explore({ ...exploration, machine })
    expect(schedules).toBeGreaterThan(10_000)
    const readings = [0, 1, 2, 3, 4].flatMap((a) => [0, 1, 2, 3, 4].filter((b) => b >= a).map((b) => [a, b]))
    expect(outcomes).toEqual(readings.map((pair) => `read ${pair}`))
  })

  test('three threads that add what is allowed at once', () => {
    const threads = { a: adderOf([1]), b: adderOf([ADDEND_MAX - 1]), c: adderOf([2]) }
    const { outcomes } = explore({ ...explorationOf(EDGE - 2, threads), machine })
    expect(outcomes).toEqual(['nobody read'])
  })

  test('an addition of more than a turn, and one of one', () => {
    const threads = { a: adderOf([2 * EDGE + 1]), b: adderOf([1, 1]) }
    const { outcomes } = explore({ ...explorationOf(EDGE - 2, threads), machine })
    expect(outcomes).toEqual(['nobody read'])
  })
})

describe('a planted bug is found', () => {
  test('a reader that takes the two words as they are', () => {
    const naive: ThreadProgram = (memory) => {
      const words = new Int32Array(memory)
      return [0, 1].map(() => {
        const epoch = Atomics.load(words, 1)
        return epoch * EDGE + (Atomics.load(words, 0) & (EDGE - 1))
      })
    }
    const threads = { a: adderOf([1]), b: adderOf([1]), reader: naive }
    expect(() => explore(explorationOf(EDGE - 2, threads))).toThrow(/goes back|never the count/)
  })

  test('a reader that does not look again whether the epoch is the same', () => {
    const hasty: ThreadProgram = (memory) => {
      const words = new Int32Array(memory)
      const epoch = Atomics.load(words, 1)
      const low = Atomics.load(words, 0)
      return [(epoch + ((epoch ^ (low >>> 31)) & 1)) * EDGE + (low & (EDGE - 1))]
    }
    // Two epochs pass between its loads. Real threads need 2^31 additions for that; here the low word is
    // pushed on.
    const fast: ThreadProgram = (memory) => {
      const words = new Int32Array(memory)
      for (let i = 0; i < 2; i++) {
        Atomics.add(words, 0, EDGE + 5)
        Atomics.add(words, 1, 1)
      }
    }
    const sums = [0, EDGE + 5, 2 * (EDGE + 5)]
    const exploration = (reader: ThreadProgram): Exploration => ({
      ...explorationOf(0, { fast, reader }),
      check(memory, reports) {
        if (readCount(new Int32Array(memory), 0) !== sums[2]) throw new Error('the sum is wrong')
        const [reading] = reports['reader'] as [number]
        if (!sums.includes(reading)) throw new Error(`${reading} was never the count`)
        return `read sum ${sums.indexOf(reading)}`
      },
    })
    expect(explore(exploration(readerOf(1))).outcomes).toEqual(['read sum 0', 'read sum 1', 'read sum 2'])
    expect(() => explore(exploration(hasty))).toThrow('10 was never the count')
  })

  test('carrying without looking whether somebody else has', () => {
    const double: ThreadProgram = (memory) => {
      const words = new Int32Array(memory)
      const low = Atomics.add(words, 0, 1) + 1
      if (((Atomics.load(words, 1) ^ (low >>> 31)) & 1) !== 0) Atomics.add(words, 1, 1)
    }
    expect(() => explore(explorationOf(EDGE - 1, { a: double, b: double }))).toThrow('the sum is')
  })
})

interface AdderReport {
  readonly added: number
}

/** All start at `start`; the readings of a reader are checked against every sum that there can be. */
function explorationOf(start: number, threads: Record<string, ThreadProgram>): Exploration {
  return {
    memory() {
      const memory = new SharedArrayBuffer(8)
      new Int32Array(memory).set([start, Math.floor(start / EDGE)])
      return memory
    },
    threads,
    check(memory, reports) {
      const adders = Object.entries(reports).filter(([name]) => name !== 'reader')
      const added = adders.reduce((sum, [, report]) => sum + ((report as AdderReport)?.added ?? 1), 0)
      const sum = readCount(new Int32Array(memory), 0)
      if (sum !== start + added) throw new Error(`the sum is ${sum}, not ${start + added}`)
      const readings = reports['reader'] as number[] | undefined
      if (!readings) return 'nobody read'
      readings.forEach((reading, i) => {
        if (reading < (readings[i - 1] ?? start)) throw new Error(`${readings} goes back`)
        if (reading > start + added) throw new Error(`${reading} was never the count`)
      })
      return `read ${readings.map((reading) => reading - start)}`
    },
  }
}

function adderOf(addends: readonly number[]): ThreadProgram {
  return (memory): AdderReport => {
    const words = new Int32Array(memory)
    for (const addend of addends) addCount(words, 0, addend)
    return { added: addends.reduce((a, b) => a + b, 0) }
  }
}

function readerOf(times: number): ThreadProgram {
  return (memory) => {
    const words = new Int32Array(memory)
    return Array.from({ length: times }, () => readCount(words, 0))
  }
}
