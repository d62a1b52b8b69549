/**
 * The writing end of a link at its edges: what is just too large, what is posted, what waits for a link.
 */
import { afterEach, describe, expect, test } from 'vitest'
import { ValueCodec } from '../../src/codec/index.ts'
import { nodeChannels } from '../../src/transport/channels.ts'
import { OutgoingRecord } from '../../src/transport/outgoing.ts'
import { PayloadEncoder } from '../../src/transport/payload.ts'
import { KIND_REPLY, KIND_TELL } from '../../src/transport/record-layout.ts'
import { createLinkEnds, type LinkEnds, ThreadLink } from '../../src/transport/thread-link.ts'
import { allocateThread } from '../../src/transport/thread-memory.ts'

const RING_BYTES = 4096
/** The longest body of a record on the ring: a quarter of it, without the headers of ring and link. */
const BODY_BYTES_MAX = RING_BYTES / 4 - 8 - 48

const opened: ThreadLink[] = []
afterEach(() => {
  for (const link of opened.splice(0)) link.close()
})

describe('a body', () => {
  test.each([BODY_BYTES_MAX - 1, BODY_BYTES_MAX])('of %d bytes stays on the ring', (size) => {
    const pair = makePair()
    expect(pair.send(new Uint8Array(size).fill(7))).toBe(true)
    expect(pair.posted()).toBeUndefined()
    pair.flush()
    expect(pair.receive()).toEqual([['m', new Uint8Array(size).fill(7)]])
  })

  test('of no bytes arrives empty, and not as a copy of the ring', () => {
    const pair = makePair()
    pair.send(new Uint8Array(0))
    pair.send('')
    pair.flush()
    expect(pair.receive()).toEqual([
      ['m', new Uint8Array(0)],
      ['m', ''],
    ])
  })

  test('of one byte more goes by the port', () => {
    const pair = makePair()
    const bytes = new Uint8Array(BODY_BYTES_MAX + 1).fill(7)
    expect(pair.send(bytes)).toBe(true)
    pair.flush()
    expect(pair.receive()).toEqual([['m', bytes]])
    expect(bytes.length).toBe(BODY_BYTES_MAX + 1)
  })

  test('that is a part of a larger buffer takes only that part along', () => {
    const pair = makePair()
    const whole = new Uint8Array(1 << 20).fill(9)
    pair.send(whole.subarray(100, 5100))
    const [, bytes] = pair.posted() as [number, Uint8Array]
    expect(bytes).toEqual(new Uint8Array(5000).fill(9))
    expect(bytes.buffer.byteLength).toBe(5000)
    expect(whole.length).toBe(1 << 20)
  })
})

describe('a message type', () => {
  test('that travels by name and leaves its body no room sends the body by the port', () => {
    const pair = makePair()
    for (let i = 0; i < 4096; i++) {
      pair.send(0, `type ${i}`)
      pair.flush()
      pair.receive()
    }
    const sizes = [BODY_BYTES_MAX - 10, BODY_BYTES_MAX - 9, BODY_BYTES_MAX, 5]
    const messages = sizes.map((size, i) => [`new type ${i}`, new Uint8Array(size).fill(i)] as const)
    for (const [type, body] of messages) {
      expect(pair.send(body, type)).toBe(true)
      pair.flush()
      expect(pair.receive()).toEqual([[type, body]])
    }
  })

  test.each([0, 4096])('longer than a record is refused, with %d types before it', (types) => {
    const pair = makePair()
    for (let i = 0; i < types; i++) {
      pair.send(0, `type ${i}`)
      pair.flush()
      pair.receive()
    }
    const longest = 'x'.repeat(BODY_BYTES_MAX - 8)
    expect(pair.send(1, longest)).toBe(true)
    expect(() => pair.send(2, `${longest}x`)).toThrowError(
      expect.objectContaining({ code: 'SHL_VALUE_NOT_SENDABLE' }),
    )
    expect(pair.send(3, 'm')).toBe(true)
    pair.flush()
    expect(pair.receive()).toEqual([
      [longest, 1],
      ['m', 3],
    ])
  })

  test('is not made up for a record that has none', () => {
    const pair = makePair()
    pair.send(1, 'first')
    pair.sendReliably(2)
    pair.flush()
    expect(pair.receive()).toEqual([
      ['first', 1],
      ['', 2],
    ])
  })

  test('is not defined while its definition finds no room, and is when it does', () => {
    const pair = makePair()
    let sent = 0
    while (pair.send(sent, 'a')) sent++
    expect([pair.send(1, 'b'), pair.send(1, 'b')]).toEqual([false, false])
    pair.flush()
    expect(pair.receive()).toHaveLength(sent)
    expect([pair.send(1, 'b'), pair.send(2, 'a')]).toEqual([true, true])
    pair.flush()
    expect(pair.receive()).toEqual([
      ['b', 1],
      ['a', 2],
    ])
  })
})

describe('what was sent before the link was made', () => {
  test('waits, and leaves in order, by ring and port', () => {
    const pair = makePair(false)
    expect(pair.send(1)).toBe(false)
    const bodies = [1, new Uint8Array(3000).fill(2), 'three']
    for (const body of bodies) pair.sendReliably(body)
    pair.connect()
    expect(pair.send('overtakes')).toBe(false)
    const later = [new Uint8Array(4000).fill(4), 5, new Uint8Array(5000).fill(6)]
    for (const body of later) pair.sendReliably(body)
    expect(pair.waiting()).toBe(6)
    pair.flush()
    expect(pair.waiting()).toBe(0)
    expect(pair.receive().map(([, body]) => body)).toEqual([...bodies, ...later])
  })
})

function makePair(isConnected = true) {
  const codec = new ValueCodec()
  const encoder = new PayloadEncoder(codec)
  const [near, far] = createLinkEnds(allocateThread(1, 4, 4), allocateThread(2, 4, 4), RING_BYTES)
  const [from, to] = [new ThreadLink(2), new ThreadLink(1)]
  opened.push(from, to)
  const attach = (link: ThreadLink, ends: LinkEnds): void => link.connect(ends, codec, () => undefined)
  attach(to, far)
  if (isConnected) attach(from, near)
  const record = (kind: number, type: string) => Object.assign(new OutgoingRecord(), { kind, type })
  return {
    connect: () => attach(from, near),
    send(body: unknown, type = 'm'): boolean {
      encoder.encode(body, undefined)
      return from.writer.write(record(KIND_TELL, type), encoder)
    },
    sendReliably(body: unknown): void {
      encoder.encode(body, undefined)
      from.writer.writeReliably(record(KIND_REPLY, ''), encoder)
    },
    flush: () => from.writer.flush(),
    waiting: () => from.writer.waitingCount,
    posted: (port = far.bulkPort) => nodeChannels.receive(port)?.message,
    receive(): [type: string, body: unknown][] {
      const reader = to.reader!
      const records: [string, unknown][] = []
      while (reader.next()) records.push([reader.type, reader.payload()])
      reader.release()
      return records
    },
  }
}
