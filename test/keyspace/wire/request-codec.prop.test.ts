/** Batches of commands: what one end writes the other reads, at every size of an argument. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SHORT_CHARS_MAX } from '../../../src/codec/index.ts'
import { type Argument, byteString, LARGE_VALUE_BYTES } from '../../../src/keyspace/engine/index.ts'
import { NO_SLOT, RequestReader, RequestWriter } from '../../../src/keyspace/wire/index.ts'

interface Request {
  readonly row: number
  readonly db: number
  readonly slot: number
  readonly resp: 2 | 3
  readonly by: number
  readonly args: readonly Argument[]
}

const uint16 = fc.oneof(fc.constantFrom(0, 255, 256, NO_SLOT), fc.nat(0xffff))
const size = fc.oneof(
  { weight: 8, arbitrary: fc.nat(40) },
  { weight: 2, arbitrary: fc.constantFrom(SHORT_CHARS_MAX, SHORT_CHARS_MAX + 1, 511, 512, 513, 5000) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(LARGE_VALUE_BYTES - 1, LARGE_VALUE_BYTES, LARGE_VALUE_BYTES + 1, 300_000),
  },
)
const argument: fc.Arbitrary<Argument> = fc
  .record({ size, seed: fc.nat(255), isText: fc.boolean() })
  .map(({ size, seed, isText }) => {
    const bytes = Buffer.alloc(size)
    for (let i = 0; i < size; i++) bytes[i] = (seed + i * 7) & 255
    return isText ? bytes.toString('latin1') : new Uint8Array(bytes)
  })
const request: fc.Arbitrary<Request> = fc.record({
  row: uint16,
  db: uint16,
  slot: uint16,
  resp: fc.constantFrom(2, 3),
  by: fc.oneof(fc.constant(0), fc.constantFrom(1, 255, 2 ** 31, 2 ** 32 - 1)),
  args: fc.array(argument, { maxLength: 6 }),
})

function write(writer: RequestWriter, { row, db, slot, resp, by, args }: Request): void {
  writer.begin(row, db, slot, args.length, 0, resp, by)
  for (const one of args) writer.argument(one)
}

function check(bytes: Uint8Array, batch: readonly Request[], largeBytes: number): void {
  const reader = new RequestReader(bytes)
  for (const { row, db, slot, resp, by, args } of batch) {
    expect(reader.next()).toBe(true)
    expect([reader.resp, reader.by]).toEqual([resp, by])
    expect([reader.row, reader.db, reader.slot, reader.argumentCount]).toEqual([row, db, slot, args.length])
    const read = reader.arguments('name', largeBytes)
    expect(read[0]).toBe('name')
    expect(read.length).toBe(args.length + 1)
    for (const [i, one] of args.entries()) {
      const found = read[i + 1]!
      if (byteString(found) !== byteString(one)) expect.fail(`argument ${i} of ${one.length} bytes differs`)
      expect(typeof found).toBe(one.length >= largeBytes ? 'object' : 'string')
    }
    const lying = (offset: number, length: number): string =>
      Buffer.from(reader.bytes).toString('latin1', offset, offset + length)
    if (args.length > 0) {
      expect(lying(reader.firstOffset, reader.firstLength) === byteString(args[0]!)).toBe(true)
    }
    if (args.length > 1) {
      expect(lying(reader.secondOffset, reader.secondLength) === byteString(args[1]!)).toBe(true)
    }
  }
  expect(reader.next()).toBe(false)
  expect(reader.next()).toBe(false)
}

test('batches are read as they were written, also when others are written meanwhile', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(request, { maxLength: 8 }), { minLength: 1, maxLength: 4 }),
      fc.constantFrom(SHORT_CHARS_MAX + 1, 1000, LARGE_VALUE_BYTES),
      (batches, largeBytes) => {
        const writer = new RequestWriter()
        const taken = batches.map((batch) => {
          for (const one of batch) write(writer, one)
          expect(writer.count).toBe(batch.length)
          const { sizeBytes } = writer
          const bytes = writer.take()
          expect(bytes.length).toBe(sizeBytes)
          expect([writer.count, writer.sizeBytes]).toEqual([0, 0])
          return bytes
        })
        for (const [i, bytes] of taken.entries()) check(bytes, batches[i]!, largeBytes)
      },
    ),
  )
})

test('what is read is the reader’s own, and may lie anywhere', () => {
  const writer = new RequestWriter()
  write(writer, { row: 1, db: 0, slot: 2, resp: 2, by: 0, args: ['key', new Uint8Array(100_000).fill(7)] })
  const batch = writer.take()
  const apart = new Uint8Array(batch.length + 3)
  apart.set(batch, 3)
  const reader = new RequestReader(apart.subarray(3))
  expect(reader.next()).toBe(true)
  const [, key, value] = reader.arguments('set', LARGE_VALUE_BYTES)
  apart.fill(0)
  expect(key).toBe('key')
  expect((value as Uint8Array).every((byte) => byte === 7)).toBe(true)
  expect((value as Uint8Array).buffer.byteLength).toBe(100_000)
})

test('a batch without a command has none', () => {
  expect(new RequestReader(new RequestWriter().take()).next()).toBe(false)
})
