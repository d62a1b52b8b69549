/** Whatever the structure, it arrives as structuredClone makes it; whatever the bytes, decoding ends. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ShardloomError, seededRandom } from '../../src/base/index.ts'
import { ValueCodec } from '../../src/codec/index.ts'

const RUNS = process.env['SHL_SOAK'] ? 100_000 : 1500
const codec = new ValueCodec()

/** All that structuredClone copies; the same object may stand in several places, and within itself. */
const anyValue = fc.letrec<{ value: unknown; object: object }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(undefined, null, true, false, Number.NaN, -0, 2 ** 31, -(2 ** 31), 2 ** 32),
    fc.integer(),
    fc.double(),
    fc.bigInt(),
    fc.string({
      unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)),
      maxLength: 80,
    }),
    fc.string({ maxLength: 80 }),
    tie('object'),
  ),
  object: fc.oneof(
    fc.dictionary(
      fc.oneof(fc.string(), fc.constantFrom('a', 'b', '__proto__', 'constructor', '0', '12')),
      tie('value'),
      {
        maxKeys: 60,
        noNullPrototype: true,
      },
    ),
    fc.record(
      { id: tie('value'), name: tie('value'), tags: tie('value') },
      { requiredKeys: ['id'], noNullPrototype: true },
    ),
    fc.array(tie('value'), { maxLength: 40 }),
    fc.sparseArray(tie('value'), { maxLength: 40 }),
    fc
      .tuple(fc.array(tie('value')), fc.dictionary(fc.string(), tie('value'), { noNullPrototype: true }))
      .map(([list, named]) => {
        for (const [key, value] of Object.entries(named))
          if (!(key in list)) Object.assign(list, { [key]: value })
        return list
      }),
    fc.array(fc.tuple(tie('value'), tie('value')), { maxLength: 20 }).map((entries) => new Map(entries)),
    fc.array(tie('value'), { maxLength: 20 }).map((members) => new Set(members)),
    fc.date({ noInvalidDate: true }),
    fc.constantFrom(/a/, /b+/gi, /\/\n/),
    fc.oneof(fc.uint8Array(), fc.float64Array(), fc.int16Array(), fc.bigInt64Array(), fc.uint8ClampedArray()),
    fc.uint8Array().map((bytes) => new DataView(bytes.buffer)),
    fc.uint8Array().map((bytes) => bytes.buffer),
    fc
      .oneof(fc.double(), fc.string(), fc.boolean(), fc.bigInt())
      .map((primitive) => Object(primitive) as object),
  ),
})).value

/** Puts references to some of its own objects into a structure: cycles and shared parts. */
function knot(value: unknown, seed: number): unknown {
  const random = seededRandom(seed)
  const holders: object[] = []
  const walk = (part: unknown): void => {
    if (typeof part !== 'object' || part === null || ArrayBuffer.isView(part) || holders.length > 200) return
    holders.push(part)
    const inner =
      part instanceof Map
        ? [...part.keys(), ...part.values()]
        : part instanceof Set
          ? [...part]
          : Object.values(part)
    for (const member of inner) walk(member)
  }
  walk(value)
  for (let i = random.below(6); i > 0 && holders.length > 0; i--) {
    const holder = holders[random.below(holders.length)] as object
    const target = holders[random.below(holders.length)]
    if (holder instanceof Map) holder.set(target, target)
    else if (holder instanceof Set) holder.add(target)
    else if (Array.isArray(holder)) holder.push(target)
    else if (Object.getPrototypeOf(holder) === Object.prototype) Object.assign(holder, { knot: target })
  }
  return value
}

/** Whether two structures are the same, with the same parts in the same places, cycles and all. */
function isSame(a: unknown, b: unknown, seen = new Map<unknown, unknown>()): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return Object.is(a, b)
  if (seen.has(a) || seen.has(b)) return seen.get(a) === b && seen.get(b) === a
  seen.set(a, b)
  seen.set(b, a)
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false
  if (a instanceof Map && b instanceof Map) return isSame([...a], [...b], seen)
  if (a instanceof Set && b instanceof Set) return isSame([...a], [...b], seen)
  if (a instanceof Date || a instanceof RegExp)
    return String(a) === String(b) && Object.is(Number(a), Number(b))
  if (ArrayBuffer.isView(a) && ArrayBuffer.isView(b)) return isSame(bytesOf(a), bytesOf(b))
  if (a instanceof ArrayBuffer && b instanceof ArrayBuffer)
    return isSame(bytesOf(new Uint8Array(a)), bytesOf(new Uint8Array(b)))
  if (/^\[object (?:Number|String|Boolean|BigInt)\]$/.test(Object.prototype.toString.call(a))) {
    return Object.is((a as { valueOf(): unknown }).valueOf(), (b as { valueOf(): unknown }).valueOf())
  }
  if (Array.isArray(a) && Array.isArray(b) && a.length !== b.length) return false
  const keys = Object.keys(a)
  if (JSON.stringify(keys) !== JSON.stringify(Object.keys(b))) return false
  return keys.every((key) => isSame(Reflect.get(a, key), Reflect.get(b, key), seen))
}

function bytesOf(view: ArrayBufferView): string {
  return Buffer.from(view.buffer, view.byteOffset, view.byteLength).toString('hex')
}

describe('any structure', () => {
  test('arrives as structuredClone makes it', () => {
    fc.assert(
      fc.property(anyValue, fc.integer(), fc.constantFrom(0, 20, 40), (inner, seed, others) => {
        // Many objects are numbered in another way than few.
        const value = knot([Array.from({ length: others }, (_, i) => ({ i })), inner], seed)
        const { bytes, objects } = codec.encode(value)
        return isSame(codec.decode(bytes.slice(), objects), structuredClone(value))
      }),
      { numRuns: RUNS },
    )
  })

  test('is not changed by being sent, and may be sent again', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const first = codec.encode(value).bytes.slice()
        const second = codec.encode(value).bytes.slice()
        expect(second).toEqual(first)
        return isSame(codec.decode(first), codec.decode(second))
      }),
      { numRuns: RUNS / 5 },
    )
  })

  test('two codecs that have seen different things understand each other', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const { bytes } = new ValueCodec().encode(value)
        return isSame(codec.decode(bytes), value)
      }),
      { numRuns: RUNS / 5 },
    )
  })
})

test('a message that outgrows the scratch at any place', () => {
  const record = { key: 1, [`long${'g'.repeat(100)}`]: 'text of some length', 日本: -1 }
  const tails: unknown[] = [
    1.5,
    -7,
    'a',
    'é'.repeat(24),
    'x'.repeat(33),
    '日本',
    2n ** 70n,
    5n,
    [1, 2, 3],
    Object.assign(new Array(2), { 1: 1 }),
    record,
  ]
  tails.push(
    [record, record],
    new Map([[1, 2]]),
    new Set(['x']),
    new Date(5),
    /a/g,
    new Uint8Array(40),
    Object(1),
  )
  tails.push(Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`k${i}`, i])), new Error('e').message)
  for (const tail of tails) {
    for (let before = 65_536 - 250; before <= 65_536; before++) {
      const value = ['x'.repeat(before), tail, tail, 'end']
      const warm = new ValueCodec()
      warm.encode(tail)
      const { bytes } = warm.encode(value)
      if (!isSame(codec.decode(bytes), value)) expect({ before, tail }).toBe('the same')
    }
  }
})

describe('damaged bytes', () => {
  /** Decodes; all that may come of it is a value or an error that says what it is. */
  function survive(bytes: Uint8Array): void {
    try {
      codec.decode(bytes)
    } catch (error) {
      if (!(error instanceof ShardloomError) || error.code !== 'SHL_VALUE_DAMAGED') throw error
    }
  }

  test('noise', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), survive), { numRuns: RUNS * 4 })
  })

  test('noise in which every byte is a tag', () => {
    const tags = fc.uint8Array({ min: 0x60, max: 0x9b, minLength: 2, maxLength: 60 })
    fc.assert(fc.property(tags, survive), { numRuns: RUNS * 4 })
  })

  test('a message with some bytes changed, or cut short', () => {
    const change = fc.record({ at: fc.nat(), byte: fc.nat(255) })
    fc.assert(
      fc.property(
        anyValue,
        fc.array(change, { minLength: 1, maxLength: 4 }),
        fc.nat(),
        (value, changes, cut) => {
          const error = Object.assign(new TypeError('t', { cause: value }), { code: 'E' })
          const bytes = codec.encode([value, error, value]).bytes.slice()
          for (const { at, byte } of changes) bytes[at % bytes.length] = byte
          survive(bytes)
          survive(bytes.subarray(0, cut % bytes.length))
        },
      ),
      { numRuns: RUNS },
    )
  })

  test('sizes that promise more than there is', () => {
    const huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]
    for (let tag = 0; tag < 256; tag++) {
      survive(new Uint8Array([0, tag, ...huge]))
      survive(new Uint8Array([1, tag, ...huge, ...huge, 1, 2, 3]))
      survive(new Uint8Array([1, tag, 0, ...huge, ...huge]))
    }
    survive(new Uint8Array(0))
    survive(new Uint8Array([0]))
  })

  test('nesting that would overflow the stack', () => {
    const tags = new Uint8Array(2_000_000).fill(0x8b)
    for (let i = 1; i < tags.length; i += 2) tags[i] = 1
    expect(() => codec.decode(tags)).toThrow('cannot be decoded')
    expect(codec.decode(codec.encode([1]).bytes)).toEqual([1])
  })

  test('bytes left over are damage, not luck', () => {
    const { bytes } = codec.encode({ a: 1 })
    expect(() => codec.decode(new Uint8Array([...bytes, 0]))).toThrow('left over')
  })
})
