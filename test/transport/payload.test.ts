/** Payloads between value and bytes: which form a value takes, and that it comes back as it was. */
import { describe, expect, test } from 'vitest'
import { ValueCodec } from '../../src/codec/index.ts'
import {
  decodePayload,
  type EncodedPayload,
  latin1Text,
  PayloadEncoder,
} from '../../src/transport/payload.ts'
import {
  FORM_BYTES,
  FORM_DOUBLE,
  FORM_FALSE,
  FORM_LATIN1,
  FORM_NULL,
  FORM_PORT,
  FORM_TRUE,
  FORM_UNDEFINED,
  FORM_VALUE,
} from '../../src/transport/record-layout.ts'

const codec = new ValueCodec()
const encoder = new PayloadEncoder(codec)

const ALL_LATIN1 = String.fromCharCode(...Array.from({ length: 64 }, (_, i) => 192 + i))

const CASES: [name: string, value: unknown, form: number, sizeBytes?: number][] = [
  ['undefined', undefined, FORM_UNDEFINED, 0],
  ['null', null, FORM_NULL, 0],
  ['true', true, FORM_TRUE, 0],
  ['false', false, FORM_FALSE, 0],
  ['zero', 0, FORM_DOUBLE, 0],
  ['minus zero', -0, FORM_DOUBLE, 0],
  ['no number', Number.NaN, FORM_DOUBLE, 0],
  ['infinity', Number.NEGATIVE_INFINITY, FORM_DOUBLE, 0],
  ['the smallest double', Number.MIN_VALUE, FORM_DOUBLE, 0],
  ['2^53', 2 ** 53, FORM_DOUBLE, 0],
  ['no text', '', FORM_LATIN1, 0],
  ['a short text', 'naïve', FORM_LATIN1, 5],
  ['a text with a zero', 'a\0b', FORM_LATIN1, 3],
  ['64 characters', ALL_LATIN1, FORM_LATIN1, 64],
  ['65 characters', 'x'.repeat(65), FORM_VALUE],
  ['a short text beyond Latin-1', 'abc→', FORM_VALUE],
  ['half of a surrogate pair', '\ud800', FORM_VALUE],
  ['no bytes', new Uint8Array(0), FORM_BYTES, 0],
  ['bytes', Uint8Array.of(0, 255), FORM_BYTES, 2],
  ['many bytes', new Uint8Array(100_000).fill(3), FORM_BYTES, 100_000],
  ['a part of bytes', Uint8Array.of(1, 2, 3, 4).subarray(1, 3), FORM_BYTES, 2],
  ['a Buffer', Buffer.from('abc'), FORM_VALUE],
  ['words', Int32Array.of(-1, 2), FORM_VALUE],
  ['a bigint', 10n, FORM_VALUE],
  ['a boxed number', Object(1), FORM_VALUE],
  ['an object', { a: [1, { b: 'c' }] }, FORM_VALUE],
  ['nothing in a list', [], FORM_VALUE],
]

describe.each(CASES)('%s', (_, value, form, sizeBytes) => {
  test('takes its form', () => {
    encoder.encode(value, undefined)
    expect(encoder.form).toBe(form)
    if (sizeBytes !== undefined) expect(encoder.sizeBytes).toBe(sizeBytes)
    expect(encoder.objects).toBeUndefined()
  })

  test('comes back from its bytes, from a copy that waited, and from a clone', () => {
    encoder.encode(value, undefined)
    const waiting = encoder.copy()
    const clone = encoder.clone(value)
    const decoded = decode(encoder)
    encoder.encode({ other: 'x'.repeat(200) }, undefined)
    encoder.encode('other'.repeat(10), undefined)
    for (const found of [decode(waiting), clone, decoded]) {
      expect(found).toEqual(value)
      expect(Object.is(found, value)).toBe(typeof value !== 'object' || value === null)
    }
  })
})

describe('bytes', () => {
  test('are copied: neither side sees what the other one does with them', () => {
    const bytes = Uint8Array.of(1, 2, 3)
    encoder.encode(bytes, undefined)
    const [clone, waiting] = [encoder.clone(bytes), encoder.copy()]
    const view = encoder.bytes
    const decoded = decode(encoder)
    bytes.fill(9)
    expect([clone, decode(waiting), decoded]).toEqual([1, 2, 3].map(() => Uint8Array.of(1, 2, 3)))
    // The encoder itself does not copy: the ring does.
    expect(view).toBe(bytes)
  })

  test('of a class of its own, or shared, are a value', () => {
    class Bytes extends Uint8Array {}
    encoder.encode(new Bytes(2), undefined)
    expect(encoder.form).toBe(FORM_VALUE)
    const shared = new Uint8Array(new SharedArrayBuffer(4))
    encoder.encode(shared, undefined)
    expect(encoder.form).toBe(FORM_VALUE)
    const clone = encoder.clone(shared) as Uint8Array
    Atomics.store(shared, 1, 7)
    expect(clone[1]).toBe(7)
  })
})

describe('what is given away', () => {
  test('travels beside the bytes, and is gone here once it was cloned', () => {
    const bytes = new Uint8Array(1000).fill(5)
    encoder.encode({ bytes }, [bytes.buffer])
    expect(encoder.form).toBe(FORM_VALUE)
    expect(encoder.sizeBytes).toBeLessThan(200)
    expect(encoder.transferList).toEqual([bytes.buffer])
    const clone = encoder.clone({ bytes }) as { bytes: Uint8Array }
    expect(clone.bytes).toEqual(new Uint8Array(1000).fill(5))
    expect(bytes.length).toBe(0)
  })

  test('makes even plain bytes a value, and an empty list does not', () => {
    const bytes = Uint8Array.of(1)
    encoder.encode(bytes, [])
    expect(encoder.form).toBe(FORM_BYTES)
    encoder.encode(bytes, [bytes.buffer])
    expect(encoder.form).toBe(FORM_VALUE)
    expect(encoder.objects).toEqual([bytes.buffer])
  })

  test('is forgotten by the next value', () => {
    const { port1, port2 } = new MessageChannel()
    encoder.encode({ port1 }, [port1])
    expect(encoder.objects).toEqual([port1])
    encoder.encode(1, undefined)
    expect([encoder.objects, encoder.transferList]).toEqual([undefined, undefined])
    encoder.encode({}, undefined)
    expect([encoder.objects, encoder.transferList]).toEqual([undefined, undefined])
    port1.close()
    port2.close()
  })
})

test('what cannot cross is named by its path, and the encoder goes on', () => {
  const run = (): void => encoder.encode({ a: { onDone() {} } }, undefined, 'answer')
  expect(run).toThrowError(expect.objectContaining({ code: 'SHL_VALUE_NOT_SENDABLE' }))
  expect(run).toThrow(/answer\.a\.onDone is a function/)
  encoder.encode('next', undefined)
  expect(decode(encoder)).toBe('next')
})

test('a form that nobody writes is an assertion', () => {
  for (const form of [FORM_PORT, 255]) {
    expect(() => decodePayload(codec, form, 0, new Uint8Array(0), undefined)).toThrow(`payload form ${form}`)
  }
})

test('Latin-1 text is read from anywhere in its bytes', () => {
  expect(latin1Text(Buffer.from('__grün__', 'latin1'), 2, 4)).toBe('grün')
  expect(latin1Text(new Uint8Array(3), 3, 0)).toBe('')
})

/** As a reader does it: from a place in the middle of other memory, which is overwritten afterwards. */
function decode({ form, sizeBytes, double, bytes, objects }: EncodedPayload): unknown {
  const isInBytes = form === FORM_LATIN1 || form === FORM_BYTES || form === FORM_VALUE
  const ring = new Uint8Array(sizeBytes + 100).fill(1)
  if (isInBytes) ring.set(bytes.subarray(0, sizeBytes), 16)
  const value = decodePayload(codec, form, double, ring.subarray(16, 16 + sizeBytes), objects)
  ring.fill(0)
  return value
}
