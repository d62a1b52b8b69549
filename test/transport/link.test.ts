/** Links, both ends in one thread: order between ring and port, waiting, message types. */
import { describe, expect, test } from 'vitest'
import { ValueCodec } from '../../src/codec/index.ts'
import { OutgoingRecord } from '../../src/transport/outgoing.ts'
import { PayloadEncoder } from '../../src/transport/payload.ts'
import { KIND_REPLY, KIND_TELL } from '../../src/transport/record-layout.ts'
import { createLinkEnds, ThreadLink } from '../../src/transport/thread-link.ts'
import { allocateThread } from '../../src/transport/thread-memory.ts'

/** A writer on thread 1 and the reader of thread 2. */
function link(ringBytes = 4096) {
  const codec = new ValueCodec()
  const encoder = new PayloadEncoder(codec)
  const [a, b] = [allocateThread(1, 16, 16), allocateThread(2, 16, 16)]
  const [aEnds, bEnds] = createLinkEnds(a, b, ringBytes)
  const from = new ThreadLink(2)
  const to = new ThreadLink(1)
  from.connect(aEnds, codec, () => undefined)
  to.connect(bEnds, codec, () => undefined)
  const record = (type: string, kind = KIND_TELL): OutgoingRecord =>
    Object.assign(new OutgoingRecord(), {
      kind,
      type,
      targetSlot: 3,
      targetGeneration: 4,
      senderSlot: 5,
      argument: 6,
    })
  return {
    send(payload: unknown, type = 'm', transfer?: readonly unknown[]): boolean {
      encoder.encode(payload, transfer)
      return from.writer.write(record(type), encoder)
    },
    sendReliably(payload: unknown): void {
      encoder.encode(payload, undefined)
      from.writer.writeReliably(record('', KIND_REPLY), encoder)
    },
    flush: () => from.writer.flush(),
    waiting: () => from.writer.waitingCount,
    reader: to.reader!,
    receive(): { type: string; payload: unknown }[] {
      const records: { type: string; payload: unknown }[] = []
      while (to.reader!.next()) records.push({ type: to.reader!.type, payload: to.reader!.payload() })
      to.reader!.release()
      return records
    },
    close() {
      from.close()
      to.close()
    },
  }
}

describe('a link', () => {
  test('brings every field and every form of payload', () => {
    const pair = link(1 << 16)
    const values = [
      undefined,
      null,
      true,
      false,
      0,
      -1.5,
      'text',
      'ü',
      '→',
      new Uint8Array([1, 2]),
      { a: [1] },
      'x'.repeat(100),
    ]
    for (const value of values) expect(pair.send(value)).toBe(true)
    expect(pair.receive()).toEqual([])
    pair.flush()
    expect(pair.receive().map((one) => one.payload)).toEqual(values)
    pair.send(1, 'fields')
    pair.flush()
    expect(pair.reader.next()).toBe(true)
    expect(pair.reader).toMatchObject({
      kind: KIND_TELL,
      type: 'fields',
      targetSlot: 3,
      targetGeneration: 4,
      senderSlot: 5,
      argument: 6,
    })
    pair.close()
  })

  test('keeps order between the ring and the port', () => {
    const pair = link()
    const sizes = [10, 5000, 20, 3000, 0, 100_000, 5]
    for (const [i, size] of sizes.entries()) {
      const bytes = new Uint8Array(size).fill(i)
      expect(pair.send({ i, bytes }, 'm', i === 3 ? [bytes.buffer] : undefined)).toBe(true)
    }
    pair.flush()
    const received = pair.receive().map((one) => one.payload as { i: number; bytes: Uint8Array })
    expect(received.map((one) => one.i)).toEqual([0, 1, 2, 3, 4, 5, 6])
    expect(received.map((one) => one.bytes.length)).toEqual(sizes)
    pair.close()
  })

  test('says no when it is full, and lets what is reliable wait in order', () => {
    const pair = link()
    let sent = 0
    while (pair.send(sent)) sent++
    expect(sent).toBeGreaterThan(20)
    for (let i = 0; i < 10; i++) pair.sendReliably(`reply ${i}`)
    expect(pair.waiting()).toBe(10)
    expect(pair.send('overtakes')).toBe(false)
    pair.flush()
    expect(pair.receive()).toHaveLength(sent)
    expect(pair.send('overtakes')).toBe(false)
    pair.flush()
    expect(pair.waiting()).toBe(0)
    expect(pair.receive().map((one) => one.payload)).toEqual(
      Array.from({ length: 10 }, (_, i) => `reply ${i}`),
    )
    expect(pair.send('now')).toBe(true)
    pair.close()
  })

  test('names message types once, and more than it can number by their names', () => {
    const pair = link(1 << 20)
    const types = Array.from({ length: 4200 }, (_, i) => `type ${i} ü`)
    for (const type of [...types, ...types.slice(4000)]) {
      expect(pair.send(1, type)).toBe(true)
      pair.flush()
      expect(pair.receive()).toEqual([{ type, payload: 1 }])
    }
    pair.close()
  })

  test('refuses what cannot be transferred and stays whole', () => {
    const pair = link()
    pair.send(1)
    const detached = new ArrayBuffer(8)
    structuredClone(detached, { transfer: [detached] })
    expect(() => pair.send({ detached }, 'm', [detached])).toThrow(/SHL_VALUE_NOT_SENDABLE|cannot be sent/)
    pair.send(2)
    pair.flush()
    expect(pair.receive().map((one) => one.payload)).toEqual([1, 2])
    pair.close()
  })
})
