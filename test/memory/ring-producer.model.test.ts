/**
 * The ring, over every interleaving of one producer and one consumer on a ring of a few records.
 *
 * The classes themselves run, each load and store a step (`test/support/interleavings.ts`). The ring has 64
 * bytes: four records of 16, so it fills, wraps and needs padding at once. Positions begin where they wrap,
 * at 2^31 and at 2^32. The weak machine lets plain stores arrive late and in any order, which is what arm64
 * may do; there the two stores of positions have to be what they are, and the planted bugs show that the
 * search would see it.
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
import { recordAccesses } from '../support/instrumented-memory.ts'
import { type Exploration, explore, type ThreadProgram } from '../support/interleavings.ts'

const CAPACITY_BYTES = 64
const PAYLOAD_BYTES = 8

interface Scenario {
  /** Where both positions begin. */
  readonly start: number
  /** Payload bytes of each record; those of 4 and more carry a number. */
  readonly lengths: readonly number[]
  /** Records per publish, and per release. */
  readonly batch: number
}

const SCENARIOS: readonly Scenario[] = [
  { start: 0, lengths: [8, 8, 8, 8, 8, 8], batch: 1 },
  { start: 0, lengths: [8, 8, 8, 8, 8, 8], batch: 2 },
  { start: -8, lengths: [8, 0, 8, 8, 8], batch: 1 },
  { start: -8, lengths: [8, 0, 8, 8, 8], batch: 3 },
  { start: 2 ** 31 - 24, lengths: [8, 8, 0, 8, 8], batch: 1 },
  { start: 2 ** 31 - 24, lengths: [0, 8, 8, 0, 8, 8], batch: 2 },
]

describe.each(SCENARIOS)('from $start, records $lengths, batches of $batch', (scenario) => {
  test.each(['interleaved', 'weak'] as const)(
    'no schedule loses, doubles or breaks a record (%s)',
    (machine) => {
      const { schedules, outcomes } = explore({ ...explorationOf(scenario), machine })
      expect(schedules).toBeGreaterThan(1e6)
      // All of these are among what was walked; what both ends hold at the end was checked for each.
      expect(outcomes).toEqual(['free busy', 'free empty', 'full busy', 'full empty'])
    },
  )
})

describe('a planted bug is found', () => {
  const scenario: Scenario = { start: -8, lengths: [8, 8, 0, 8, 8], batch: 1 }

  test('payload written after publishing', () => {
    const producer = producerOf(scenario, (end, offset, value) => {
      end.commit()
      end.publish()
      end.words[offset >> 2] = value
    })
    expect(() => explore(explorationOf(scenario, { producer }))).toThrow('the payload is')
  })

  test('payload read after releasing', () => {
    const consumer = consumerOf(scenario, (end, offset) => {
      end.release()
      return end.words[offset >> 2]!
    })
    expect(() => explore(explorationOf(scenario, { consumer }))).toThrow('the payload is')
  })

  test('a tail stored plainly', () => {
    const weaken: Exploration['weaken'] = ({ address, kind }) =>
      address === TAIL_WORD * 4 && kind === 'atomic_store'
    expect(() => explore({ ...explorationOf(scenario), machine: 'weak', weaken })).toThrow()
    // Not visible on a machine that keeps stores in order, as x64 does.
    expect(explore({ ...explorationOf(scenario), weaken }).outcomes).toContain('full empty')
  })

  test('a tail loaded plainly', () => {
    const weaken: Exploration['weaken'] = ({ address, kind }) =>
      address === TAIL_WORD * 4 && kind === 'atomic_load'
    expect(() => explore({ ...explorationOf(scenario), machine: 'weak', weaken })).toThrow()
  })
})

test('a record is stored before the tail, and loaded before the head: the order of publication', () => {
  const memory = allocateRing(CAPACITY_BYTES)
  setPositions(memory, 48)
  const header = DATA_OFFSET + 56
  const accesses = recordAccesses(memory, () => {
    const producer = new RingProducer(memory)
    producer.words[producer.tryClaim(0) >> 2] = 1
    producer.commit()
    const offset = producer.tryClaim(PAYLOAD_BYTES)
    producer.words[offset >> 2] = 2
    producer.commit()
    producer.publish()
    producer.publish()
    const consumer = new RingConsumer(memory)
    consumer.next()
    consumer.words[consumer.next() >> 2]
    consumer.next()
    consumer.release()
    consumer.release()
  })
  expect(accesses).toEqual([
    'atomic_load 0',
    'atomic_load 128',
    `store ${header}`,
    `store ${header - 8}`,
    `store ${DATA_OFFSET + 8}`,
    `store ${header}`,
    `store ${DATA_OFFSET}`,
    'atomic_store 0',
    'atomic_load 128',
    'atomic_load 0',
    `load ${header - 8}`,
    `load ${header}`,
    `load ${DATA_OFFSET}`,
    `load ${DATA_OFFSET + 8}`,
    'atomic_load 0',
    'atomic_store 128',
  ])
})

/** What both ends report. */
interface ProducerReport {
  readonly accepted: readonly number[]
  readonly wasFull: boolean
}
interface ConsumerReport {
  readonly received: readonly number[]
  readonly wasEmpty: boolean
}

function explorationOf(
  scenario: Scenario,
  ends: { producer?: ThreadProgram; consumer?: ThreadProgram } = {},
): Exploration {
  return {
    memory() {
      const memory = allocateRing(CAPACITY_BYTES)
      setPositions(memory, scenario.start)
      return memory
    },
    threads: {
      producer: ends.producer ?? producerOf(scenario),
      consumer: ends.consumer ?? consumerOf(scenario),
    },
    check(memory, reports) {
      const { accepted, wasFull } = reports['producer'] as ProducerReport
      const { received, wasEmpty } = reports['consumer'] as ConsumerReport
      const all = [...received, ...drain(memory)]
      if (all.join() !== accepted.join()) throw new Error(`the payload is ${all}, sent was ${accepted}`)
      const used = new RingProducer(memory).usedBytes()
      if (used !== 0) throw new Error(`${used} bytes were not given back`)
      return `${wasFull ? 'full' : 'free'} ${wasEmpty ? 'empty' : 'busy'}`
    },
  }
}

type Fill = (producer: RingProducer, offset: number, value: number) => void
type Read = (consumer: RingConsumer, offset: number) => number

/**
 * Sends the numbers 1, 2, … and reports which found room. One that finds none is tried once more, then
 * dropped.
 */
function producerOf({ lengths, batch }: Scenario, fill?: Fill): ThreadProgram {
  return (memory): ProducerReport => {
    const producer = new RingProducer(memory)
    const accepted: number[] = []
    let wasFull = false
    lengths.forEach((length, i) => {
      let offset = producer.tryClaim(length)
      if (offset === INSUFFICIENT_CAPACITY) {
        wasFull = true
        producer.publish()
        offset = producer.tryClaim(length)
        if (offset === INSUFFICIENT_CAPACITY) return
      }
      const value = length === 0 ? 0 : i + 1
      if (fill && length > 0) fill(producer, offset, value)
      else {
        if (length > 0) producer.words[offset >> 2] = value
        producer.commit()
      }
      accepted.push(value)
      if (accepted.length % batch === 0) producer.publish()
    })
    producer.publish()
    return { accepted, wasFull }
  }
}

/** Looks once per record of the scenario. */
function consumerOf({ lengths, batch }: Scenario, read: Read = (end, offset) => end.words[offset >> 2]!) {
  return (memory: SharedArrayBuffer): ConsumerReport => {
    const consumer = new RingConsumer(memory)
    const received: number[] = []
    let wasEmpty = false
    for (let look = 0; look < lengths.length; look++) {
      const offset = consumer.next()
      if (offset === -1) wasEmpty = true
      else {
        received.push(consumer.lengthBytes === 0 ? 0 : read(consumer, offset))
        if (received.length % batch === 0) consumer.release()
      }
    }
    consumer.release()
    return { received, wasEmpty }
  }
}

/** What is left when both have ended. */
function drain(memory: SharedArrayBuffer): number[] {
  const consumer = new RingConsumer(memory)
  const left: number[] = []
  for (let offset = consumer.next(); offset !== -1; offset = consumer.next()) {
    left.push(consumer.lengthBytes === 0 ? 0 : consumer.words[offset >> 2]!)
  }
  consumer.release()
  return left
}

function setPositions(memory: SharedArrayBuffer, position: number): void {
  const words = new Int32Array(memory)
  words[TAIL_WORD] = position
  words[HEAD_WORD] = position
}
