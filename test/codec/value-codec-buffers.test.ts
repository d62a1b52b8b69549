/** Buffers and views: copied, shared, or given away; and which of them look at the same memory afterwards. */
import { describe, expect, test } from 'vitest'
import { ValueCodec } from '../../src/codec/index.ts'

const codec = new ValueCodec()
const VIEWS = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
]

function cross<T>(value: T, transfer?: unknown[]): T {
  const { bytes, objects } = codec.encode(value, transfer)
  return codec.decode(bytes.slice(), objects) as T
}

describe('copies', () => {
  test.each(VIEWS)('%o', (View) => {
    const bytes = new Uint8Array(64).map((_, i) => i)
    const value = new View(bytes.buffer)
    expect(cross(value)).toStrictEqual(value)
    expect(cross(new View(0))).toStrictEqual(new View(0))
    expect(cross(new View(bytes.buffer, 16, 3))).toStrictEqual(new View(bytes.buffer, 16, 3).slice())
  })

  test.skipIf(!('Float16Array' in globalThis))('Float16Array', () => {
    const Float16 = (globalThis as Record<string, unknown>)['Float16Array'] as typeof Float32Array
    expect(cross(new Float16([1.5, -2]))).toStrictEqual(new Float16([1.5, -2]))
  })

  test('a DataView and an ArrayBuffer', () => {
    const buffer = new Uint8Array([1, 2, 3, 4]).buffer
    expect(cross(buffer)).toStrictEqual(buffer)
    const view = cross(new DataView(buffer, 1, 2))
    expect([view.byteLength, view.getUint8(0), view.getUint8(1)]).toEqual([2, 2, 3])
  })

  test('a Buffer stays a Buffer, and leaves the pool that it lies in behind', () => {
    const copy = cross({ one: Buffer.from('one'), two: Buffer.from('two') })
    expect(copy.one).toBeInstanceOf(Buffer)
    expect(copy.one.toString()).toBe('one')
    expect(copy.one.buffer.byteLength).toBe(3)
    expect(copy.one.buffer).not.toBe(copy.two.buffer)
  })

  test('a subclass arrives as the class of the language', () => {
    class Pixels extends Uint8ClampedArray {}
    expect(Object.getPrototypeOf(cross(new Pixels(3)))).toBe(Uint8ClampedArray.prototype)
  })

  test('one view of a large buffer takes only its own bytes along', () => {
    const window = new Uint8Array(new ArrayBuffer(1_000_000), 5000, 10)
    expect(codec.encode(window).bytes.length).toBeLessThan(30)
    expect(cross(window).buffer.byteLength).toBe(10)
  })

  test('large binary data', () => {
    const value = { data: new Uint8Array(3_000_000).map((_, i) => i * 7) }
    expect(Buffer.from(cross(value).data.buffer).equals(value.data)).toBe(true)
  })

  test('a resizable buffer stays one', () => {
    const Resizable = ArrayBuffer as new (size: number, options: { maxByteLength: number }) => ArrayBuffer
    const buffer = new Resizable(4, { maxByteLength: 16 })
    const copy = cross({ buffer, view: new Uint8Array(buffer) }) as {
      buffer: ArrayBuffer & { resize(size: number): void }
      view: Uint8Array
    }
    copy.buffer.resize(8)
    expect(copy.view.length).toBe(8)
  })
})

describe('views that look at the same memory', () => {
  const buffer = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]).buffer
  const part = () => new Uint8Array(buffer, 2, 2)
  const whole = () => new Uint16Array(buffer)
  const orders: readonly [string, () => unknown[]][] = [
    ['two views of all of it', () => [whole(), new DataView(buffer)]],
    ['two windows', () => [part(), new Uint8Array(buffer, 3, 4)]],
    ['a window, then the buffer', () => [part(), buffer]],
    ['the buffer, then a window', () => [buffer, part()]],
    ['with much before them', () => [Array.from({ length: 50 }, (_, i) => ({ i })), part(), whole(), buffer]],
  ]
  test.each(orders)('%s', (_, make) => {
    const copy = cross(make()).slice(-2) as (Uint8Array | ArrayBuffer)[]
    const buffers = copy.map((member) => (member instanceof ArrayBuffer ? member : member.buffer))
    expect(buffers[0]).toBe(buffers[1])
    expect(buffers[0]).toStrictEqual(buffer)
  })

  test('offsets are kept', () => {
    const [first, second] = cross([part(), whole()]) as [Uint8Array, Uint16Array]
    expect([first.byteOffset, first.length, second.length]).toEqual([2, 2, 4])
  })
})

describe('shared memory', () => {
  test('is shared, by itself and through views', () => {
    const shared = new SharedArrayBuffer(16)
    const { bytes, objects, transferList } = codec.encode({
      shared,
      view: new Int32Array(shared, 4, 2),
      again: shared,
    })
    expect(objects).toEqual([shared])
    expect(transferList).toBeUndefined()
    const copy = codec.decode(bytes, objects) as {
      shared: SharedArrayBuffer
      view: Int32Array
      again: SharedArrayBuffer
    }
    expect(copy.shared).toBe(shared)
    expect(copy.again).toBe(shared)
    expect([copy.view.buffer, copy.view.byteOffset, copy.view.length]).toEqual([shared, 4, 2])
  })

  test('growable shared memory keeps its views growing', () => {
    const Growable = SharedArrayBuffer as new (
      size: number,
      options: { maxByteLength: number },
    ) => SharedArrayBuffer
    const shared = new Growable(4, { maxByteLength: 16 }) as SharedArrayBuffer & { grow(size: number): void }
    const copy = cross(new Uint8Array(shared))
    shared.grow(8)
    expect(copy.length).toBe(8)
  })
})

describe('given away', () => {
  test('a listed buffer travels beside the bytes, also below its views', () => {
    const buffer = new ArrayBuffer(1000)
    const { bytes, objects, transferList } = codec.encode({ view: new Float64Array(buffer, 8, 2), buffer }, [
      buffer,
    ])
    expect(bytes.length).toBeLessThan(100)
    expect(objects).toEqual([buffer])
    expect(transferList).toEqual([buffer])
    const copy = codec.decode(bytes, objects) as { view: Float64Array; buffer: ArrayBuffer }
    expect(copy.buffer).toBe(buffer)
    expect([copy.view.buffer, copy.view.byteOffset, copy.view.length]).toEqual([buffer, 8, 2])
  })

  test('encoding detaches nothing', () => {
    const buffer = new ArrayBuffer(8)
    codec.encode(buffer, [buffer])
    expect(buffer.byteLength).toBe(8)
  })

  test('what is listed and not in the value is given away as well, as postMessage does', () => {
    const buffer = new ArrayBuffer(8)
    const { objects, transferList } = codec.encode('text', [buffer])
    expect(objects).toEqual([buffer])
    expect(transferList).toEqual([buffer])
  })

  test('an empty list is no list', () => {
    const { objects, transferList } = codec.encode('text', [])
    expect([objects, transferList]).toEqual([undefined, undefined])
  })
})
