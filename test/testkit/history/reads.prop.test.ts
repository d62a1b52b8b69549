/** Reads of an atomic memory are accepted; reads that break one promise each are found. */
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../src/base/index.ts'
import {
  checkReads,
  type ReadViolation,
  type RecordedRead,
  type RecordedWrite,
} from '../../../src/testkit/index.ts'

const SEEDS = process.env['SHL_SOAK'] ? 5000 : 300

interface Memory {
  readonly writes: RecordedWrite[]
  readonly reads: (RecordedRead & { readonly place: number })[]
}

/** One writer per key and three readers; some writes are never acknowledged, some remove, values repeat. */
function runMemory(seed: number, repeats = true): Memory {
  const random = seededRandom(seed)
  const writes: RecordedWrite[] = []
  const reads: (RecordedRead & { place: number })[] = []
  const current = new Map<string, { value: unknown; place: number }>()
  const writing = new Map<string, { value: unknown; callAt: number; place?: number }>()
  const reading = new Map<
    number,
    { key: string; callAt: number; found?: { value: unknown; place: number } }
  >()
  let [now, revision] = [0, 0]
  for (let i = 0; i < 400; i++) {
    const key = random.below(2) === 0 ? 'x' : 'y'
    const thread = random.below(5)
    if (thread < 2) {
      const write = writing.get(key)
      if (write === undefined) {
        const value = repeats && random.below(4) === 0 ? [undefined, 'again'][random.below(2)] : `v${i}`
        writing.set(key, { value, callAt: ++now })
      } else if (write.place === undefined) {
        write.place = ++revision
        current.set(key, { value: write.value, place: revision })
      } else {
        const { value, callAt, place } = write
        const isAcknowledged = random.below(10) !== 0
        writes.push({ key, value, revision: place, callAt, ...(isAcknowledged ? { returnAt: ++now } : {}) })
        writing.delete(key)
      }
      continue
    }
    const read = reading.get(thread)
    if (read === undefined) reading.set(thread, { key, callAt: ++now })
    else if (read.found === undefined) read.found = current.get(read.key) ?? { value: undefined, place: 0 }
    else {
      reads.push({ thread, key: read.key, ...read.found, callAt: read.callAt, returnAt: ++now })
      reading.delete(thread)
    }
  }
  for (const [key, { value, callAt, place }] of writing)
    writes.push({ key, value, callAt, ...(place === undefined ? {} : { revision: place }) })
  return { writes, reads }
}

test('an atomic memory is accepted, across threads as well', () => {
  for (let seed = 0; seed < SEEDS; seed++) {
    const memory = runMemory(seed)
    const outcome = checkReads(memory, { acrossThreads: true })
    expect(outcome.ok, `seed ${seed}: ${outcome.text}`).toBe(true)
  }
})

/** Per bug: the value that one read finds wrongly, or nothing where it cannot be planted. */
const BUGS: Readonly<
  Record<
    Exclude<ReadViolation['type'], 'revisions out of order'>,
    (memory: Memory, read: Memory['reads'][number]) => unknown
  >
> = {
  stale: ({ writes }, read) => {
    const before = writes.filter(
      ({ key, returnAt }) => key === read.key && returnAt !== undefined && returnAt < read.callAt,
    )
    return before.length < 2 ? undefined : before[before.length - 2]!.value
  },
  'went back': ({ writes, reads }, read) => {
    const found = reads.filter(
      (other) => other.thread === read.thread && other.key === read.key && other.callAt < read.callAt,
    )
    const latest = Math.max(0, ...found.map(({ place }) => place))
    const acknowledged = writes.filter(({ key, returnAt }) => key === read.key && returnAt! < read.callAt)
    const bound = Math.max(0, ...acknowledged.map(({ revision }) => Number(revision)))
    return writes.find(({ key, revision }) => key === read.key && revision! < latest && revision! >= bound)
      ?.value
  },
  'from the future': ({ writes }, read) =>
    writes.find(({ key, callAt }) => key === read.key && callAt > read.returnAt)?.value,
  'never written': () => 'torn',
}

describe.each(Object.keys(BUGS) as (keyof typeof BUGS)[])('%s', (type) => {
  test('is found wherever it is planted', () => {
    let planted = 0
    for (let seed = 0; seed < SEEDS; seed++) {
      const memory = runMemory(seed, false)
      for (const read of memory.reads.slice(5)) {
        const value = BUGS[type](memory, read)
        if (value === undefined) continue
        planted++
        const reads = memory.reads.map((other) => (other === read ? { ...read, value } : other))
        const outcome = checkReads({ ...memory, reads })
        const types = outcome.ok ? [] : outcome.violations.map((violation) => violation.type)
        expect(types, `seed ${seed}`).toContain(type)
        break
      }
    }
    expect(planted).toBeGreaterThan(SEEDS / 4)
  })
})

test('two writes of one client that took effect in the wrong order are found', () => {
  for (let seed = 0; seed < SEEDS; seed++) {
    const memory = runMemory(seed, false)
    const first = memory.writes.findIndex(({ key, returnAt }) => key === 'x' && returnAt !== undefined)
    const second = memory.writes.findIndex(
      ({ key, revision }, i) => i > first && key === 'x' && revision !== undefined,
    )
    const [a, b] = [memory.writes[first]!, memory.writes[second]!]
    const writes = memory.writes
      .with(first, { ...a, revision: b.revision! })
      .with(second, { ...b, revision: a.revision! })
    const outcome = checkReads({ writes, reads: [] })
    expect(outcome.ok ? [] : outcome.violations.map(({ type }) => type)).toContain('revisions out of order')
  }
})
