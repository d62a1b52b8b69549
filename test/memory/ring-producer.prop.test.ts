/** The ring against a queue: any sequence of calls, on any small ring, from any position. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RingConsumer } from '../../src/memory/ring-consumer.ts'
import {
  allocateRing,
  HEAD_WORD,
  INSUFFICIENT_CAPACITY,
  recordBytes,
  TAIL_WORD,
} from '../../src/memory/ring-layout.ts'
import { RingProducer } from '../../src/memory/ring-producer.ts'

type Step =
  | { readonly kind: 'send'; readonly share: number; readonly keep: number; readonly isAborted: boolean }
  | { readonly kind: 'publish' | 'next' | 'release' }

const steps = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('send' as const),
        share: fc.double({ min: 0, max: 1, noNaN: true }),
        keep: fc.constantFrom(1, 1, 1, 0.5, 0),
        isAborted: fc.constantFrom(false, false, false, true),
      }),
    },
    { weight: 5, arbitrary: fc.record({ kind: fc.constantFrom('publish' as const, 'next' as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('release' as const) }) },
  ) as fc.Arbitrary<Step>,
  { maxLength: 300, size: 'max' },
)
const rings = fc.record({
  capacityBytes: fc.constantFrom(64, 128, 256, 1024),
  // Around the places where the sign of the position and the position itself wrap.
  start: fc.oneof(
    fc.integer({ min: -32, max: 32 }).map((n) => n * 8),
    fc.integer({ min: -32, max: 32 }).map((n) => (2 ** 31 + n * 8) | 0),
  ),
})

test('what comes out is what went in, in order, and what is refused would not have fitted', () => {
  const marks = { full: 0, wrapped: 0, shrunk: 0 }
  fc.assert(
    fc.property(rings, steps, (ring, sequence) => {
      const model = new Model(ring.capacityBytes, ring.start)
      for (const step of sequence) model.run(step)
      marks.full += model.fullCount
      marks.wrapped += model.wrapCount
      marks.shrunk += model.shrinkCount
    }),
    { numRuns: process.env['SHL_SOAK'] ? 5000 : 200 },
  )
  for (const count of Object.values(marks)) expect(count).toBeGreaterThan(10)
})

/** Both ends, and the queue that they should be. */
class Model {
  fullCount = 0
  wrapCount = 0
  shrinkCount = 0
  readonly #producer: RingProducer
  readonly #consumer: RingConsumer
  /** Records that are committed, published, consumed; each with the bytes it takes, padding included. */
  #committed: ModelRecord[] = []
  #published: ModelRecord[] = []
  #consumed: ModelRecord[] = []
  #nextByte = 1

  constructor(capacityBytes: number, start: number) {
    const memory = allocateRing(capacityBytes)
    const words = new Int32Array(memory)
    words[TAIL_WORD] = start
    words[HEAD_WORD] = start
    this.#producer = new RingProducer(memory)
    this.#consumer = new RingConsumer(memory)
    this.#index = start & (capacityBytes - 1)
  }

  /** Where the next record begins in the data. */
  #index: number

  run(step: Step): void {
    if (step.kind === 'send') this.#send(step)
    else if (step.kind === 'publish') this.#publish()
    else if (step.kind === 'next') this.#next()
    else this.#release()
    const used = sum(this.#committed) + sum(this.#published) + sum(this.#consumed)
    expect(this.#producer.usedBytes()).toBe(used)
    expect(this.#producer.creditBytes()).toBe(this.#producer.capacityBytes - used)
    expect(this.#producer.unpublishedBytes).toBe(sum(this.#committed))
    expect(this.#consumer.isEmpty()).toBe(this.#published.length === 0)
  }

  #send({ share, keep, isAborted }: Extract<Step, { kind: 'send' }>): void {
    const producer = this.#producer
    const { capacityBytes } = producer
    const claimBytes = Math.floor(share * producer.recordBytesMax)
    const toEnd = capacityBytes - this.#index
    const padding = recordBytes(claimBytes) > toEnd ? toEnd : 0
    const credit = producer.creditBytes()
    const offset = producer.tryClaim(claimBytes)
    expect(offset === INSUFFICIENT_CAPACITY).toBe(recordBytes(claimBytes) + padding > credit)
    if (offset === INSUFFICIENT_CAPACITY) {
      this.fullCount++
      return
    }
    const byte = this.#nextByte++ & 255
    for (let i = 0; i < claimBytes; i++) producer.bytes[offset + i] = byte + i
    if (isAborted) {
      producer.abort()
      return
    }
    const lengthBytes = Math.floor(claimBytes * keep)
    producer.commit(lengthBytes)
    if (padding > 0) this.wrapCount++
    if (lengthBytes < claimBytes) this.shrinkCount++
    const sizeBytes = padding + recordBytes(lengthBytes)
    this.#index = (this.#index + sizeBytes) % capacityBytes
    this.#committed.push({ lengthBytes, byte, sizeBytes })
  }

  #publish(): void {
    expect(this.#producer.publish()).toBe(this.#committed.length > 0)
    this.#published.push(...this.#committed)
    this.#committed = []
  }

  #next(): void {
    const consumer = this.#consumer
    const offset = consumer.next()
    const record = this.#published.shift()
    expect(offset === -1).toBe(record === undefined)
    if (record === undefined) return
    expect(offset % 8).toBe(0)
    expect(consumer.lengthBytes).toBe(record.lengthBytes)
    for (let i = 0; i < record.lengthBytes; i++) {
      if (consumer.bytes[offset + i] !== ((record.byte + i) & 255))
        expect.fail(`byte ${i} is not what was sent`)
    }
    this.#consumed.push(record)
  }

  #release(): void {
    this.#consumer.release()
    this.#consumed = []
  }
}

interface ModelRecord {
  readonly lengthBytes: number
  readonly byte: number
  readonly sizeBytes: number
}

function sum(records: readonly ModelRecord[]): number {
  return records.reduce((bytes, record) => bytes + record.sizeBytes, 0)
}
