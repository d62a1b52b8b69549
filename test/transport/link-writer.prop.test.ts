/**
 * Links under random programs of sends, flushes and reads: what comes out is what went in, in order, whatever
 * went by the ring, by the port, or had to wait.
 *
 * The model is a list. A send that was refused is not in it; what was sent reliably always is.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ValueCodec } from '../../src/codec/index.ts'
import { OutgoingRecord } from '../../src/transport/outgoing.ts'
import { PayloadEncoder } from '../../src/transport/payload.ts'
import { KIND_REPLY, KIND_TELL } from '../../src/transport/record-layout.ts'
import { createLinkEnds, type LinkEnds, ThreadLink } from '../../src/transport/thread-link.ts'
import { allocateThread, CONTROL_PARKED } from '../../src/transport/thread-memory.ts'

const RING_BYTES = 4096
const NEAR = 0
const FAR = 1
type Side = typeof NEAR | typeof FAR

/** Half a record of the ring, and around its longest, and some that have to go by the port. */
const SIZES = [0, 1, 7, 8, 100, 480, 960, 966, 967, 968, 969, 976, 1024, 4096, 20_000]

/** What is sent: a number, a text, bytes, an object, or bytes that are given away. */
interface Body {
  readonly form: 'double' | 'text' | 'bytes' | 'object' | 'transferred'
  readonly size: number
}
type Step =
  | { readonly do: 'send'; readonly from: Side; readonly type: number; readonly body: Body }
  | { readonly do: 'send_reliably'; readonly from: Side; readonly body: Body }
  | { readonly do: 'flush' | 'flush_if_parked'; readonly from: Side }
  | { readonly do: 'read'; readonly at: Side; readonly recordsMax: number }
  | { readonly do: 'park'; readonly at: Side }
  | { readonly do: 'connect' }

const side = fc.constantFrom<Side>(NEAR, FAR)
const body = fc.record<Body>({
  form: fc.constantFrom('double', 'text', 'bytes', 'object', 'transferred'),
  size: fc.constantFrom(...SIZES),
})
const step = fc.oneof<fc.WeightedArbitrary<Step>[]>(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('send'), from: side, type: fc.nat(5), body }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('send_reliably'), from: side, body }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('flush', 'flush_if_parked'), from: side }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('read'), at: side, recordsMax: fc.nat(12) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('park'), at: side }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('connect') }) },
)

test('what comes out is what went in, in order', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const run = new Run()
      try {
        for (const one of steps) run.step(one)
        run.finish()
      } finally {
        run.close()
      }
    }),
    { numRuns: process.env['SHL_SOAK'] ? 20_000 : 200 },
  )
})

/** A message as it is sent and as it has to arrive. */
type Message = readonly [kind: number, type: string, sequence: number, body: unknown]

/** One link, with what each side has sent and what the other one has read of it. */
class Run {
  readonly #codec = new ValueCodec()
  readonly #encoder = new PayloadEncoder(this.#codec)
  readonly #ends: readonly [LinkEnds, LinkEnds]
  readonly #threads = [allocateThread(1, 4, 4), allocateThread(2, 4, 4)] as const
  readonly #links = [new ThreadLink(2), new ThreadLink(1)] as const
  readonly #sent: [Message[], Message[]] = [[], []]
  readonly #readCounts: [number, number] = [0, 0]
  #sequence = 0

  constructor() {
    this.#ends = createLinkEnds(this.#threads[NEAR], this.#threads[FAR], RING_BYTES)
    this.#connect(FAR)
  }

  step(one: Step): void {
    switch (one.do) {
      case 'send':
        return this.#send(one.from, `type ${one.type} ü`, one.body)
      case 'send_reliably':
        return this.#send(one.from, '', one.body)
      case 'flush':
        return this.#links[one.from].writer.flush()
      case 'flush_if_parked':
        return this.#links[one.from].writer.flushIfParked()
      case 'read':
        return this.#read(one.at, one.recordsMax)
      case 'park':
        new Int32Array(this.#threads[one.at].control)[CONTROL_PARKED] = 1
        return
      case 'connect':
        if (!this.#links[NEAR].writer.isConnected) this.#connect(NEAR)
    }
  }

  /** Lets everything out, and looks that nothing is missing. */
  finish(): void {
    this.step({ do: 'connect' })
    for (const from of [NEAR, FAR] as const) {
      const { writer } = this.#links[from]
      do {
        writer.flush()
        this.#read(from === NEAR ? FAR : NEAR, Number.POSITIVE_INFINITY)
      } while (writer.waitingCount > 0)
      expect(writer.usedBytes()).toBe(0)
    }
    expect(this.#readCounts).toEqual([this.#sent[FAR].length, this.#sent[NEAR].length])
  }

  close(): void {
    for (const end of this.#ends) {
      end.bulkPort.close()
      end.bellPort.close()
    }
  }

  #connect(at: Side): void {
    this.#links[at].connect(this.#ends[at], this.#codec, () => undefined)
  }

  /** A type makes it one that may be refused. */
  #send(from: Side, type: string, { form, size }: Body): void {
    const { writer } = this.#links[from]
    const sequence = this.#sequence++
    const sent = bodyOf(form, size, sequence)
    const expected = bodyOf(form, size, sequence)
    const kind = type === '' ? KIND_REPLY : KIND_TELL
    const record = Object.assign(new OutgoingRecord(), { kind, type, argument: sequence })
    const transfer = form === 'transferred' ? [(sent as { bytes: Uint8Array }).bytes.buffer] : undefined
    this.#encoder.encode(sent, transfer)
    if (type === '') writer.writeReliably(record, this.#encoder)
    else if (!writer.write(record, this.#encoder)) {
      // Nothing was sent: what was to be given away is still here.
      expect(sent).toEqual(expected)
      return
    }
    this.#sent[from].push([kind, type, sequence, expected])
    // The scratch of the encoder may be used for something else at once.
    this.#encoder.encode({ overwritten: 'x'.repeat(size + 100) }, undefined)
  }

  #read(at: Side, recordsMax: number): void {
    const { reader } = this.#links[at]
    const sent = this.#sent[at === NEAR ? FAR : NEAR]
    for (let i = 0; i < recordsMax && reader?.next(); i++) {
      const found: Message = [reader.kind, reader.type, reader.argument, reader.payload()]
      expect(found).toEqual(sent[this.#readCounts[at]++])
    }
    reader?.release()
  }
}

function bodyOf(form: Body['form'], size: number, sequence: number): unknown {
  switch (form) {
    case 'double':
      return sequence / 3
    case 'text':
      return String.fromCharCode(97 + (sequence % 26)).repeat(size)
    case 'bytes':
      return new Uint8Array(size).fill(sequence)
    case 'object':
    case 'transferred':
      return { sequence, bytes: new Uint8Array(size).fill(sequence) }
  }
}
