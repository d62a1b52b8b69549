/**
 * What the threads of the race tests in `test/memory/` do: one function per role, over the compiled classes.
 *
 * All threads of a race meet at a barrier first. A thread that has nothing to do sleeps for a moment instead
 * of spinning, since the machine may have fewer cores than the race has threads. The answer goes to the
 * parent.
 */
import { parentPort, workerData } from 'node:worker_threads'
import {
  DoorbellRinger,
  DoorbellSleeper,
  INSUFFICIENT_CAPACITY,
  Metrics,
  RingConsumer,
  RingProducer,
} from '../../dist/src/memory/index.js'

const NAP_MS = 1
const LOOKS_BEFORE_NAP = 20_000
/** No wake-up takes that long: it was lost. */
const LOST_MS = 20_000

const napWord = new Int32Array(new SharedArrayBuffer(4))
const roles = { produce, consume, sleep, ring, count, watch }

const { role, barrier, threads, ...task } = workerData
meet(new Int32Array(barrier), threads)
parentPort.postMessage(roles[role](task))

/**
 * Sends `records` records whose length and content follow from their number, in batches, some claims given
 * up.
 */
function produce({ memory, records }) {
  const producer = new RingProducer(memory)
  const seen = { full: 0, aborted: 0, shrunk: 0, batches: 0 }
  for (let number = 0; number < records; number++) {
    const lengthBytes = lengthOf(number, producer.recordBytesMax)
    const claimBytes = Math.min(producer.recordBytesMax, lengthBytes + (number % 5 === 0 ? 24 : 0))
    if (number % 7 === 0) {
      const given = producer.tryClaim(claimBytes)
      if (given !== INSUFFICIENT_CAPACITY && claimBytes > 0) producer.bytes[given] = 255
      producer.abort()
      seen.aborted++
    }
    let offset = producer.tryClaim(claimBytes)
    for (let looks = 1; offset === INSUFFICIENT_CAPACITY; looks++) {
      seen.full++
      producer.publish()
      if (looks % LOOKS_BEFORE_NAP === 0) nap()
      offset = producer.tryClaim(claimBytes)
    }
    fill(producer, offset, lengthBytes, number)
    producer.commit(lengthBytes)
    if (lengthBytes < claimBytes) seen.shrunk++
    if (mix(number, 1) % 4 === 0) {
      producer.publish()
      seen.batches++
    }
  }
  producer.publish()
  return seen
}

/** Reads them, and compares every length and every byte with what it must be. */
function consume({ memory, records }) {
  const consumer = new RingConsumer(memory)
  const recordBytesMax = (consumer.capacityBytes >> 2) - 8
  const seen = { empty: 0, bytes: 0 }
  let looks = 0
  for (let number = 0; number < records; ) {
    const offset = consumer.next()
    if (offset === -1) {
      consumer.release()
      seen.empty++
      if (++looks % LOOKS_BEFORE_NAP === 0) nap()
      continue
    }
    const lengthBytes = lengthOf(number, recordBytesMax)
    if (consumer.lengthBytes !== lengthBytes)
      throw new Error(`record ${number}: ${consumer.lengthBytes} bytes`)
    verify(consumer, offset, lengthBytes, number)
    seen.bytes += lengthBytes
    if (mix(number, 2) % 8 === 0) consumer.release()
    number++
  }
  consumer.release()
  if (consumer.next() !== -1) throw new Error('there is more than was sent')
  return seen
}

/** Takes `records` records from each of several rings, and sleeps on the doorbell whenever all are empty. */
function sleep({ words, rings, records }) {
  const shared = new Int32Array(words)
  const bell = new DoorbellSleeper(shared, 0)
  const consumers = rings.map((memory) => new RingConsumer(memory))
  const seen = { sleeps: 0, found: 0 }
  for (let left = records * rings.length; left > 0; ) {
    const taken = take(consumers)
    left -= taken
    if (taken > 0) continue
    const heard = Atomics.load(shared, 1)
    bell.park()
    if (consumers.some((consumer) => !consumer.isEmpty())) {
      bell.unpark()
      seen.found++
      continue
    }
    seen.sleeps++
    if (left > 0 && Atomics.wait(shared, 1, heard, LOST_MS) === 'timed-out') throw new Error('lost a wake-up')
    bell.unpark()
  }
  return seen
}

function take(consumers) {
  let taken = 0
  for (const consumer of consumers) {
    while (consumer.next() !== -1) taken++
    consumer.release()
  }
  return taken
}

/** Sends records of nothing, one by one, with pauses of all lengths; rings after each. */
function ring({ words, memory, records }) {
  const shared = new Int32Array(words)
  const producer = new RingProducer(memory)
  const bell = new DoorbellRinger(shared, 0, () => {
    Atomics.add(shared, 1, 1)
    Atomics.notify(shared, 1)
  })
  for (let number = 0; number < records; number++) {
    while (producer.tryClaim(0) === INSUFFICIENT_CAPACITY) nap()
    producer.commit()
    producer.publish()
    bell.ringIfParked()
    for (let pause = mix(number, 3) % 2000; pause > 0; pause--) Atomics.load(shared, 2)
  }
  return { rings: bell.rings }
}

/** Makes all names in its own order, then adds to all of them. */
function count({ memory, names, rounds, thread }) {
  const metrics = new Metrics(memory)
  for (let i = 0; i < names; i++) metrics.counter(`counter ${i}`)
  const gauge = metrics.gauge('gauge')
  const histogram = metrics.histogram('histogram')
  for (let round = 0; round < rounds; round++) {
    metrics.counter(`counter ${round % names}`).add((mix(round, thread) % 2 ** 20) + 1)
    gauge.add(round % 2 === 0 ? 3 : -1)
    histogram.record(round % 1000)
  }
  let added = 0
  for (let round = 0; round < rounds; round++) added += (mix(round, thread) % 2 ** 20) + 1
  return { added }
}

/** Reads a counter over and over until it has `target`: it never goes back. */
function watch({ memory, name, target }) {
  const counter = new Metrics(memory).counter(name)
  let readings = 0
  for (let last = 0; last < target; readings++) {
    const value = counter.value()
    if (value < last) throw new Error(`went back from ${last} to ${value}`)
    if (value === last) nap()
    last = value
  }
  return { readings }
}

function lengthOf(number, max) {
  const draw = mix(number, 0)
  // Mostly short, with all lengths up to the longest.
  return draw % 4 === 0 ? (draw >>> 2) % (max + 1) : (draw >>> 2) % Math.min(64, max + 1)
}

function fill({ words, bytes }, offset, lengthBytes, number) {
  for (let i = 0; i + 4 <= lengthBytes; i += 4) words[(offset + i) >> 2] = mix(number, i)
  for (let i = lengthBytes & ~3; i < lengthBytes; i++) bytes[offset + i] = mix(number, i)
}

function verify({ words, bytes }, offset, lengthBytes, number) {
  for (let i = 0; i + 4 <= lengthBytes; i += 4) {
    if (words[(offset + i) >> 2] !== (mix(number, i) | 0))
      throw new Error(`record ${number}: byte ${i} is wrong`)
  }
  for (let i = lengthBytes & ~3; i < lengthBytes; i++) {
    if (bytes[offset + i] !== (mix(number, i) & 255)) throw new Error(`record ${number}: byte ${i} is wrong`)
  }
}

/** 32 bits that look random and follow from two numbers. */
function mix(a, b) {
  let x = Math.imul(a + 1, 0x9e3779b1) ^ Math.imul(b + 1, 0x85ebca6b)
  x = Math.imul(x ^ (x >>> 15), 0x2c1b3c6d)
  x = Math.imul(x ^ (x >>> 12), 0x297a2d39)
  return (x ^ (x >>> 15)) >>> 0
}

function nap() {
  Atomics.wait(napWord, 0, 0, NAP_MS)
}

/** Waits until all threads are here. */
function meet(words, count) {
  if (Atomics.add(words, 0, 1) + 1 === count) Atomics.notify(words, 0)
  for (let here = Atomics.load(words, 0); here < count; here = Atomics.load(words, 0)) {
    Atomics.wait(words, 0, here, NAP_MS)
  }
}
