/**
 * Both ends of a ring, one after the other on one thread: claims, batches, wrapping, credit, and broken
 * memory.
 */
import { describe, expect, test } from 'vitest'
import { RingConsumer } from '../../src/memory/ring-consumer.ts'
import {
  allocateRing,
  DATA_OFFSET,
  HEAD_WORD,
  INSUFFICIENT_CAPACITY,
  TAIL_WORD,
} from '../../src/memory/ring-layout.ts'
import { RingProducer } from '../../src/memory/ring-producer.ts'

describe('a record', () => {
  test('is seen when it is published, not when it is committed', () => {
    const { producer, consumer } = makeRing()
    send(producer, 8, 7)
    expect(consumer.next()).toBe(-1)
    expect(consumer.isEmpty()).toBe(true)
    expect(producer.unpublishedBytes).toBe(16)
    expect(producer.publish()).toBe(true)
    expect(producer.unpublishedBytes).toBe(0)
    expect(producer.publish()).toBe(false)
    expect(consumer.isEmpty()).toBe(false)
    expect(receive(consumer)).toEqual([8, 7])
    expect(consumer.next()).toBe(-1)
    expect(consumer.isEmpty()).toBe(true)
  })

  test('may be empty', () => {
    const { producer, consumer } = makeRing()
    producer.tryClaim(0)
    producer.commit()
    producer.publish()
    expect(consumer.next()).toBe(8)
    expect(consumer.lengthBytes).toBe(0)
  })

  test('carries words, bytes and doubles at an offset that is a multiple of eight', () => {
    const { producer, consumer } = makeRing(256)
    for (const length of [1, 24, 9]) {
      const offset = producer.tryClaim(length)
      expect(offset % 8).toBe(0)
      if (length >= 24) {
        producer.doubles[offset >> 3] = Math.PI
        producer.words[(offset + 8) >> 2] = -5
        producer.bytes[offset + 23] = 200
      }
      producer.commit()
    }
    producer.publish()
    consumer.next()
    const offset = consumer.next()
    expect(consumer.doubles[offset >> 3]).toBe(Math.PI)
    expect(consumer.words[(offset + 8) >> 2]).toBe(-5)
    expect(consumer.bytes[offset + 23]).toBe(200)
  })

  test('may be shorter than its claim, and then takes no more than it needs', () => {
    const { producer, consumer } = makeRing(256)
    producer.words[producer.tryClaim(56) >> 2] = 1
    producer.commit(5)
    producer.publish()
    expect(producer.usedBytes()).toBe(16)
    expect(receive(consumer)).toEqual([5, 1])
  })

  test('is never seen when its claim was aborted', () => {
    const { producer, consumer } = makeRing()
    producer.words[producer.tryClaim(8) >> 2] = 1
    producer.abort()
    producer.abort()
    expect(producer.publish()).toBe(false)
    send(producer, 8, 2)
    producer.publish()
    expect(receive(consumer)).toEqual([8, 2])
    expect(consumer.next()).toBe(-1)
  })
})

describe('a full ring', () => {
  test('refuses a claim until the consumer has released what it consumed', () => {
    const { producer, consumer } = makeRing(64)
    for (let i = 0; i < 4; i++) send(producer, 8, i)
    expect(producer.tryClaim(0)).toBe(INSUFFICIENT_CAPACITY)
    producer.publish()
    expect(receive(consumer)).toEqual([8, 0])
    expect(producer.tryClaim(8)).toBe(INSUFFICIENT_CAPACITY)
    consumer.release()
    expect(producer.tryClaim(8)).toBe(8)
  })

  test('shows its credit: the capacity without what is written and not released', () => {
    const { producer, consumer } = makeRing(64)
    expect(producer.creditBytes()).toBe(64)
    send(producer, 8, 1)
    expect([producer.creditBytes(), producer.usedBytes()]).toEqual([48, 16])
    producer.publish()
    consumer.next()
    expect(producer.creditBytes()).toBe(48)
    consumer.release()
    expect(producer.creditBytes()).toBe(64)
  })

  test('can be filled to the last byte', () => {
    const { producer } = makeRing(64)
    for (let i = 0; i < 8; i++) send(producer, 0, 0)
    expect([producer.creditBytes(), producer.tryClaim(0)]).toEqual([0, INSUFFICIENT_CAPACITY])
  })
})

describe('wrapping', () => {
  test('a record that does not fit before the end lies at the beginning, behind padding', () => {
    const { producer, consumer } = makeRing(64, 56)
    expect(producer.tryClaim(8)).toBe(8)
    producer.words[2] = 9
    producer.commit()
    producer.publish()
    expect(producer.usedBytes()).toBe(24)
    expect(receive(consumer)).toEqual([8, 9])
    consumer.release()
    expect(producer.usedBytes()).toBe(0)
  })

  test('the padding counts: there is room for the record, and not for both', () => {
    const { producer, consumer } = makeRing(64, 56 - 48)
    for (let i = 0; i < 3; i++) send(producer, 8, i)
    producer.publish()
    expect(producer.creditBytes()).toBe(16)
    expect(producer.tryClaim(8)).toBe(INSUFFICIENT_CAPACITY)
    consumer.next()
    consumer.release()
    expect(producer.tryClaim(8)).toBe(8)
  })

  test.each([
    ['2^31', 2 ** 31 - 32],
    ['2^32', -32],
  ])('positions wrap at %s and nothing is noticed', (_, start) => {
    const { producer, consumer } = makeRing(64, start)
    for (let i = 0; i < 100; i++) {
      send(producer, 8, i)
      producer.publish()
      expect(receive(consumer)).toEqual([8, i])
      if (i % 3 === 0) consumer.release()
    }
  })

  test('new ends go on where the ones before stopped', () => {
    const { memory, producer, consumer } = makeRing(64, -8)
    for (let i = 0; i < 3; i++) send(producer, 8, i)
    producer.publish()
    consumer.next()
    consumer.release()
    const later = new RingConsumer(memory)
    expect([receive(later), receive(later), later.next()]).toEqual([[8, 1], [8, 2], -1])
    later.release()
    const successor = new RingProducer(memory)
    send(successor, 8, 3)
    successor.publish()
    expect(receive(later)).toEqual([8, 3])
  })
})

describe('what a caller must not do fails an assertion', () => {
  test.each<[string, (producer: RingProducer) => void]>([
    ['claim twice', (producer) => [producer.tryClaim(8), producer.tryClaim(8)]],
    ['commit without a claim', (producer) => producer.commit()],
    ['commit after an abort', (producer) => [producer.tryClaim(8), producer.abort(), producer.commit()]],
    ['commit more than was claimed', (producer) => [producer.tryClaim(8), producer.commit(9)]],
    ['commit half a byte', (producer) => [producer.tryClaim(8), producer.commit(0.5)]],
    ['claim more than a quarter', (producer) => producer.tryClaim(producer.recordBytesMax + 1)],
    ['claim less than nothing', (producer) => producer.tryClaim(-1)],
    ['claim no number', (producer) => producer.tryClaim(Number.NaN)],
  ])('%s', (_, misuse) => {
    expect(() => misuse(makeRing(256).producer)).toThrowError(
      expect.objectContaining({ code: 'SHL_ASSERTION' }),
    )
  })
})

describe('broken memory is an assertion, before anything in it is trusted', () => {
  const brokenLengths = [1000, 2 ** 31 - 1, 2 ** 31 - 9, -(2 ** 31), -8, -64, 57, 16]
  test.each(brokenLengths)('a record length of %d', (length) => {
    const { memory, producer, consumer } = makeRing(64)
    send(producer, 8, 1)
    producer.publish()
    new Int32Array(memory, DATA_OFFSET)[0] = length
    expect(() => consumer.next()).toThrowError(expect.objectContaining({ code: 'SHL_ASSERTION' }))
  })

  test('padding with nothing behind it', () => {
    const { memory, consumer } = makeRing(64, 48)
    new Int32Array(memory, DATA_OFFSET)[48 >> 2] = -16
    new Int32Array(memory)[TAIL_WORD] = 64
    expect(() => consumer.next()).toThrowError('a record follows padding')
  })

  test.each([-8, 72, 12, 2 ** 31 - 8])('a tail at %d', (tail) => {
    const { memory, consumer } = makeRing(64)
    new Int32Array(memory)[TAIL_WORD] = tail
    expect(() => consumer.next()).toThrowError(/the tail (?:lies within the ring|is at a record)/)
  })

  test.each([8, -72, -12, 2 ** 31 - 8])('a head at %d', (head) => {
    const { memory, producer } = makeRing(64)
    new Int32Array(memory)[HEAD_WORD] = head
    expect(() => producer.usedBytes()).toThrowError(/the head (?:lies within the ring|is at a record)/)
  })
})

function makeRing(capacityBytes = 64, start = 0) {
  const memory = allocateRing(capacityBytes)
  const words = new Int32Array(memory)
  words[TAIL_WORD] = start
  words[HEAD_WORD] = start
  return { memory, producer: new RingProducer(memory), consumer: new RingConsumer(memory) }
}

/** Commits a record whose first word is `value`, when it has one. */
function send(producer: RingProducer, lengthBytes: number, value: number): void {
  const offset = producer.tryClaim(lengthBytes)
  expect(offset).not.toBe(INSUFFICIENT_CAPACITY)
  if (lengthBytes >= 4) producer.words[offset >> 2] = value
  producer.commit()
}

/** Length and first word of the next record. */
function receive(consumer: RingConsumer): [length: number, value: number] {
  const offset = consumer.next()
  expect(offset).not.toBe(-1)
  return [consumer.lengthBytes, consumer.words[offset >> 2]!]
}
