/**
 * The seqlock over every interleaving of one writer and one reader: with payload as each platform accesses
 * it, what is validated is whole. What plain payload would come to on arm64 is acted out.
 */
import { describe, expect, test } from 'vitest'
import {
  beginRead,
  beginWrite,
  endWrite,
  loadPayload,
  payloadIsAtomic,
  storePayload,
  validateRead,
} from '../../src/memory/seqlock.ts'
import { recordAccesses } from '../support/instrumented-memory.ts'
import { type Exploration, explore, type ThreadProgram } from '../support/interleavings.ts'

const SEQUENCE = 0
const PAYLOAD = [1, 2, 3]
const WRITES = 2
const ATTEMPTS = 2

test('payload is plain on x64 alone', () => {
  expect(['x64', 'arm64', 'arm', 'riscv64', 'ppc64'].map(payloadIsAtomic)).toEqual([
    false,
    true,
    true,
    true,
    true,
  ])
})

describe('what a reader validates is what one write has written', () => {
  test.each([
    ['interleaved', false],
    ['interleaved', true],
    ['weak', true],
  ] as const)('on the %s machine, payload atomic: %s', (machine, isAtomic) => {
    const { outcomes, schedules } = explore({ ...explorationOf(isAtomic), machine })
    expect(outcomes).toEqual(['read 0', 'read 1', 'read 2', 'torn'])
    expect(schedules).toBeGreaterThan(1000)
  })
})

describe('a planted bug is found', () => {
  // The weak machine has no store that overtakes an earlier one, and no load that comes late: these two do
  // by hand what arm64 may do with plain payload.
  test('a store of payload that overtakes the odd mark', () => {
    const writer = writerOf(false, (words, index) => {
      storePayload(words, PAYLOAD[0]!, words[PAYLOAD[0]!]! + 1, false)
      beginWrite(words, index)
    })
    expect(() => explore({ ...explorationOf(false), threads: { writer, reader: readerOf(false) } })).toThrow(
      'mixed',
    )
  })

  test('a load of payload that comes after the validation', () => {
    const reader: ThreadProgram = (memory) => {
      const words = new Int32Array(memory)
      const sequence = beginRead(words, SEQUENCE)
      const [first, ...rest] = PAYLOAD
      const read = rest.map((word) => loadPayload(words, word, false))
      if ((sequence & 1) !== 0 || !validateRead(words, SEQUENCE, sequence)) return undefined
      return [loadPayload(words, first!, false), ...read]
    }
    const threads = { writer: writerOf(false), reader }
    expect(() => explore({ ...explorationOf(false), threads })).toThrow('mixed')
  })

  test('a reader that does not validate', () => {
    const threads = { writer: writerOf(false), reader: readerOf(false, () => true) }
    expect(() => explore({ ...explorationOf(false), threads })).toThrow('mixed')
  })

  test('a writer that does not say that it begins', () => {
    const writer = writerOf(false, () => undefined)
    const threads = { writer, reader: readerOf(false) }
    expect(() => explore({ ...explorationOf(false), threads })).toThrow('mixed')
  })
})

test('the order of publication: odd, payload, even; and of a read', () => {
  const memory = new SharedArrayBuffer(16)
  const accesses = recordAccesses(memory, () => {
    const words = new Int32Array(memory)
    beginWrite(words, SEQUENCE)
    storePayload(words, 1, 7, false)
    storePayload(words, 2, 7, true)
    endWrite(words, SEQUENCE)
    const sequence = beginRead(words, SEQUENCE)
    loadPayload(words, 1, false)
    loadPayload(words, 2, true)
    validateRead(words, SEQUENCE, sequence)
  })
  expect(accesses).toEqual([
    'load 0',
    'atomic_store 0',
    'store 4',
    'atomic_store 8',
    'load 0',
    'atomic_store 0',
    'atomic_load 0',
    'load 4',
    'atomic_load 8',
    'atomic_load 0',
  ])
})

/** All payload words are one number; the sequence begins where it wraps. */
function explorationOf(isAtomic: boolean): Exploration {
  return {
    memory: () => {
      const memory = new SharedArrayBuffer(16)
      new Int32Array(memory)[SEQUENCE] = -2
      return memory
    },
    threads: { writer: writerOf(isAtomic), reader: readerOf(isAtomic) },
    check(_, reports) {
      const read = reports['reader'] as number[] | undefined
      if (read === undefined) return 'torn'
      if (new Set(read).size > 1) throw new Error(`mixed: ${read}`)
      return `read ${read[0]}`
    },
  }
}

function writerOf(isAtomic: boolean, begin = beginWrite): ThreadProgram {
  return (memory) => {
    const words = new Int32Array(memory)
    for (let value = 1; value <= WRITES; value++) {
      begin(words, SEQUENCE)
      for (const word of PAYLOAD) storePayload(words, word, value, isAtomic)
      endWrite(words, SEQUENCE)
    }
  }
}

function readerOf(isAtomic: boolean, validate = validateRead): ThreadProgram {
  return (memory) => {
    const words = new Int32Array(memory)
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const sequence = beginRead(words, SEQUENCE)
      if ((sequence & 1) !== 0) continue
      const read = PAYLOAD.map((word) => loadPayload(words, word, isAtomic))
      if (validate(words, SEQUENCE, sequence)) return read
    }
    return undefined
  }
}
