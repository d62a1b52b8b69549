/**
 * Inserting names, over every interleaving of two threads: one record per name, found whole by everybody,
 * full at exactly the limit, and no thread waits for another one.
 */
import { describe, expect, test } from 'vitest'
import { DIRECTORY_FULL, MetricDirectory } from '../../src/memory/metric-directory.ts'
import {
  allocateMetrics,
  KIND_COUNTER,
  KIND_GAUGE,
  RECORD_ALIGN,
  SMALL_NEXT_WORD,
  TABLE_OFFSET,
  VALUE_OFFSET,
} from '../../src/memory/metrics-layout.ts'
import { type Exploration, explore, type ThreadProgram } from '../support/interleavings.ts'

/** A name and a kind per insertion. */
type Insertion = readonly [name: string, kind: number]

const A: Insertion = ['a', KIND_COUNTER]
const B: Insertion = ['b', KIND_COUNTER]
const C: Insertion = ['c', KIND_COUNTER]
const A_AS_GAUGE: Insertion = ['a', KIND_GAUGE]

describe.each(['interleaved', 'weak'] as const)('on the %s machine', (machine) => {
  test.each<[string, number, Insertion[], Insertion[], string[]]>([
    ['the same name', 2, [A], [A], ['a']],
    ['different names', 2, [A], [B], ['a,b']],
    ['different names that begin at one place of the table, room for both', 2, [A, B], [B, A], ['a,b']],
    ['the same name, with one place left', 1, [A], [A], ['a']],
    ['different names, with one place left', 1, [A], [B], ['a', 'b']],
    ['one name with two kinds', 1, [A], [A_AS_GAUGE], ['a']],
    ['a name after a lost race', 2, [A, B], [A], ['a,b']],
    ['two names after a lost race', 3, [A, B, C], [A], ['a,b,c']],
  ])('%s', (_, metricsMax, first, second, outcomes) => {
    const threads = { first: inserterOf(first), second: inserterOf(second) }
    const explored = explore({ ...explorationOf(metricsMax, threads), machine })
    expect(explored.schedules).toBeGreaterThan(1000)
    expect(explored.outcomes).toEqual(outcomes)
  })

  test('whoever looks at any moment finds whole records or none', () => {
    const reader: ThreadProgram = (memory) => {
      const directory = new MetricDirectory(memory)
      return [...directory.offsets()].map((offset) => entryAt(directory, offset))
    }
    const exploration = explorationOf(2, { first: inserterOf([A]), second: inserterOf([B]), reader })
    const check: Exploration['check'] = (_, reports) => (reports['reader'] as string[]).sort().join()
    const { outcomes } = explore({ ...exploration, machine, check })
    expect(outcomes).toEqual(['', 'a:1:0', 'a:1:0,b:1:0', 'b:1:0'])
  })

  test('a record that lost its race is used for the next name, and none is made in vain', () => {
    const threads = { first: inserterOf([A, B]), second: inserterOf([A, C]) }
    const { outcomes } = explore({
      ...explorationOf(3, threads),
      machine,
      check(memory) {
        const [before, after] = [allocateMetrics(3), memory].map((m) => new Int32Array(m)[SMALL_NEXT_WORD]!)
        return `${(after! - before!) / RECORD_ALIGN} records`
      },
    })
    expect(outcomes).toEqual(['3 records'])
  })
})

describe('a planted bug is found', () => {
  test('a word of the table that is stored plainly', () => {
    const reader: ThreadProgram = (memory) => {
      const directory = new MetricDirectory(memory)
      return [...directory.offsets()].map((offset) => entryAt(directory, offset))
    }
    const exploration: Exploration = {
      ...explorationOf(1, { first: inserterOf([A]), reader }),
      machine: 'weak',
      weaken: ({ kind, address }) => kind === 'compare_exchange' && address === TABLE_OFFSET,
      check: (_, reports) => String(reports['reader']),
    }
    expect(explore(exploration).outcomes).toContain(':0:0')
  })

  test('looking and then storing, in the place of a compare-exchange', () => {
    const careless = (name: string, offset: number): ThreadProgram => {
      return (memory) => {
        const [words, bytes] = [new Int32Array(memory), new Uint8Array(memory)]
        words[(offset + 4) >> 2] = 1
        bytes[offset + 8] = name.charCodeAt(0)
        if (Atomics.load(words, TABLE_OFFSET >> 2) === 0) Atomics.store(words, TABLE_OFFSET >> 2, offset)
        return [`${name}:1:${offset}`]
      }
    }
    const exploration = explorationOf(2, { first: careless('a', 256), second: careless('b', 384) })
    expect(() => explore(exploration)).toThrow('was found elsewhere')
  })
})

/** Every name that was inserted is found by everybody, at one offset, in the end. */
function explorationOf(metricsMax: number, threads: Record<string, ThreadProgram>): Exploration {
  return {
    memory: () => allocateMetrics(metricsMax),
    threads,
    check(memory, reports) {
      const directory = new MetricDirectory(memory)
      const entries = [...directory.offsets()].map((offset) => [directory.nameAt(offset), offset] as const)
      const byName = new Map(entries)
      if (byName.size !== entries.length) throw new Error('a name stands twice')
      for (const found of Object.values(reports) as string[][]) {
        for (const entry of found) {
          const [name, , offset] = entry.split(':') as [string, string, string]
          if (Number(offset) === DIRECTORY_FULL) {
            if (entries.length !== metricsMax) throw new Error(`full with ${entries.length} names`)
            if (byName.has(name)) throw new Error('full for a name that is there')
          } else if (byName.get(name) !== Number(offset)) throw new Error(`${name} was found elsewhere`)
        }
      }
      return [...byName.keys()].sort().join()
    },
  }
}

/** Inserts and reports `name:kind:offset` of what it got, as it is found there. */
function inserterOf(insertions: readonly Insertion[]): ThreadProgram {
  return (memory) => {
    const directory = new MetricDirectory(memory)
    return insertions.map(([name, kind]) => {
      const offset = directory.findOrInsert(name, kind)
      if (offset === DIRECTORY_FULL) return `${name}:${kind}:${offset}`
      return `${directory.nameAt(offset)}:${directory.kindAt(offset)}:${offset}`
    })
  }
}

/** A record as a reader finds it: name, kind, and its value, which is zero. */
function entryAt(directory: MetricDirectory, offset: number): string {
  const value = directory.words[(offset + VALUE_OFFSET) >> 2]
  return `${directory.nameAt(offset)}:${directory.kindAt(offset)}:${value}`
}
