/**
 * The key table over every interleaving of its writer and one reader, on a table of a few records.
 *
 * Both classes run as they are, each load and store a step. The whole table is one segment of eight small
 * pages, which is what the search needs: one buffer. The writer of a schedule is made anew over a copy of the
 * table and then put to work on the shared one; what it did before is not part of the schedule.
 */
import { afterEach, describe, expect, test, vi } from 'vitest'
import { KeyTableReader, KeyTableWriter } from '../../../src/memory/index.ts'
import { type Exploration, explore, type ThreadProgram } from '../../support/interleavings.ts'

const NOW = 1000
/** Keys of one stripe, and one of the other. */
const [A, B, C] = namesIn(0)
const [X] = namesIn(1)

interface Scenario {
  readonly name: string
  prepare(table: KeyTableWriter): void
  write(table: KeyTableWriter): void
  /** What is read, twice; and all that may be found, in the order in which it may be. */
  readonly key: string
  readonly found: readonly (string | undefined)[]
}

const SCENARIOS: readonly Scenario[] = [
  {
    name: 'a value is replaced in its place',
    prepare: (table) => table.putString(A!, 'one-one-'),
    write: (table) => table.putString(A!, 'two-two-'),
    key: A!,
    found: ['one-one-', 'two-two-'],
  },
  {
    name: 'a value is replaced by one of another size',
    prepare: (table) => table.putString(A!, 'one-one-'),
    write: (table) => table.putString(A!, 'two-two-two-two-'),
    key: A!,
    found: ['one-one-', 'two-two-two-two-'],
  },
  {
    name: 'an expired value is replaced by one that does not expire',
    prepare: (table) => table.putString(A!, 'one-one-', { expireAt: NOW - 1 }),
    write: (table) => table.putString(A!, 'two-two-', { expireAt: 0 }),
    key: A!,
    found: [undefined, 'two-two-'],
  },
  {
    name: 'a value gets an expiry that has passed',
    prepare: (table) => table.putString(A!, 'one-one-', { expireAt: 2 ** 33 }),
    write: (table) => table.setExpireAt(table.find(A!), 1),
    key: A!,
    found: ['one-one-', undefined],
  },
  {
    name: 'a key is removed and its block goes to a key of the other stripe',
    prepare: (table) => {
      table.putString(A!, 'one-one-')
      table.putString(B!, 'bbbbbbbb')
      table.putString(A!, 'one-one-')
    },
    write: (table) => {
      table.remove(table.find(A!))
      table.putString(X!, 'two-two-')
    },
    key: A!,
    found: ['one-one-', undefined],
  },
  {
    name: 'the bucket array grows, and the old one is used again',
    prepare: (table) => {
      for (const key of [A!, B!]) table.putString(key, key.repeat(4))
    },
    write: (table) => {
      table.putString(C!, 'c')
      table.putString(X!, 'x')
    },
    key: A!,
    found: [A!.repeat(4)],
  },
  {
    name: 'a key is added',
    prepare: (table) => table.putString(A!, 'a'),
    write: (table) => table.putString(B!, 'bbbb'),
    key: B!,
    found: [undefined, 'bbbb'],
  },
  {
    name: 'a value is appended to, where it is',
    prepare: (table) => table.append(table.putString(A!, 'one-'), 'o'),
    write: (table) => table.append(table.find(A!), 'ne'),
    key: A!,
    found: ['one-o', 'one-one'],
  },
  {
    name: 'two changes in one update',
    prepare: (table) => table.putString(A!, 'one-one-'),
    write: (table) => {
      table.beginUpdate(table.hashOfKey(A!))
      table.putString(A!, 'two')
      table.append(table.find(A!), '-two')
      table.endUpdate()
    },
    key: A!,
    found: ['one-one-', 'two-two'],
  },
]

describe.each([
  ['interleaved', 'x64'],
  ['interleaved', 'arm64'],
  ['weak', 'arm64'],
] as const)('on the %s machine, as on %s', (machine, arch) => {
  test.each(SCENARIOS)('$name', (scenario) => {
    const { outcomes, schedules } = explore({ ...explorationOf(scenario, arch), machine })
    expect(schedules).toBeGreaterThan(100)
    for (const value of scenario.found) expect(outcomes).toContain(`${value}`)
  })
})

describe('a planted bug is found', () => {
  afterEach(() => {
    vi.doUnmock('../../../src/memory/seqlock.ts')
    vi.resetModules()
  })

  test.each([
    ['a reader that does not validate', { validateRead: () => true }],
    ['a writer that does not say that it begins', { beginWrite: () => undefined, endWrite: () => undefined }],
    ['a writer that publishes too early', { endWrite: () => undefined, beginWrite: bumpTwice }],
  ])('%s', async (_, planted) => {
    vi.resetModules()
    vi.doMock('../../../src/memory/seqlock.ts', async (original) => ({
      ...(await original<object>()),
      ...planted,
    }))
    const classes = await import('../../../src/memory/index.ts')
    const failures = SCENARIOS.filter((scenario) => {
      try {
        explore(explorationOf(scenario, 'x64', classes))
        return false
      } catch {
        return true
      }
    })
    expect(failures.map(({ name }) => name)).toContain('a value is replaced in its place')
    expect(failures.length).toBeGreaterThan(3)
  })
})

function bumpTwice(words: Int32Array, index: number): void {
  Atomics.store(words, index, words[index]! + 2)
}

/** A reader reads twice; it finds what it may, never goes back, and never mixes. */
function explorationOf(
  { prepare, write, key, found }: Scenario,
  arch: string,
  classes = { KeyTableWriter, KeyTableReader },
): Exploration {
  const build = (): KeyTableWriter => {
    const table = new classes.KeyTableWriter({ segmentBytes: 4096, pageBytes: 512, stripes: 2, arch })
    prepare(table)
    return table
  }
  const writer: ThreadProgram = (memory) => {
    const table = build()
    const words = new Int32Array(memory)
    table.arena.words[0] = words
    Object.assign(table.stripes, { directory: words, linkWords: words })
    write(table)
  }
  const reader: ThreadProgram = (memory) => {
    const table = new classes.KeyTableReader(memory, () => undefined, { arch, spinsMax: 1, napsMax: 0 })
    return [table.getString(key, () => NOW), table.getString(key, () => NOW)]
  }
  return {
    memory: () => build().directory,
    threads: { writer, reader },
    check(_, reports) {
      const read = (reports['reader'] as (string | undefined | symbol)[]).filter(
        (value) => typeof value !== 'symbol',
      )
      const order = read.map((value) => found.indexOf(value as string | undefined))
      if (order.includes(-1)) throw new Error(`${read} was never the value`)
      if (order[1]! < order[0]!) throw new Error(`${read} goes back`)
      return read.length === 0 ? 'torn' : `${read.at(-1)}`
    },
  }
}

/** Short names whose hash is in a stripe of two. */
function namesIn(stripe: number): string[] {
  const table = new KeyTableWriter({ segmentBytes: 4096, pageBytes: 512, stripes: 2 })
  const names = [...'abcdefghijklmnopqrstuvwxyz']
  return names.filter((name) => table.hashOfKey(name) >>> 31 === stripe)
}
