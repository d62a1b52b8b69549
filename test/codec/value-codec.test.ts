/** What a value is after it has crossed: what `structuredClone` makes of it, and where we do better. */
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { ValueCodec } from '../../src/codec/index.ts'

const codec = new ValueCodec()
/** Needs the flag `v`, which is newer than the target of the build. */
const DIFFERENCE = '[a--b]'

/** The value after a crossing, through a copy of the bytes. */
function cross(value: unknown): unknown {
  const { bytes, objects } = codec.encode(value)
  return codec.decode(bytes.slice(), objects)
}

/** An array with holes where `properties` has nothing. */
function sparse(length: number, properties: object): unknown[] {
  return Object.assign(new Array(length), properties)
}

describe('primitives', () => {
  const numbers = [
    0,
    1,
    63,
    64,
    255,
    256,
    65_536,
    2 ** 31 - 1,
    2 ** 31,
    2 ** 53,
    2 ** 53 + 2,
    1.5,
    5e-324,
    1e308,
  ]
  const values = [
    undefined,
    null,
    true,
    false,
    Number.NaN,
    ...numbers.flatMap((number) => [number, -number]),
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  ]
  test.each(values)('%s', (value) => {
    expect(cross(value)).toBe(value)
    expect(cross([value])).toEqual([value])
  })

  test('texts of all lengths, in Latin-1 and beyond it', () => {
    for (let length = 0; length < 70; length++) {
      for (const letter of ['a', 'ÿ', 'Ā', '日', '\ud800', '😀']) {
        const text = letter.repeat(length)
        expect(cross(text)).toBe(text)
        expect(cross(`${text}\u0100`)).toBe(`${text}\u0100`)
      }
    }
  })

  test('long texts, lone surrogates and zero characters', () => {
    const texts = [
      'x'.repeat(100_000),
      'é'.repeat(100_000),
      '日'.repeat(100_000),
      'a\ud800b\udc00c',
      '\0\0',
      '\ufeffx',
    ]
    for (const text of texts) expect(cross(text)).toBe(text)
  })

  test('integers of any size', () => {
    for (const bits of [0, 1, 31, 32, 63, 64, 65, 128, 4096, 100_000]) {
      for (const near of [-1n, 0n, 1n]) {
        const value = (1n << BigInt(bits)) + near
        expect(cross(value)).toBe(value)
        expect(cross(-value)).toBe(-value)
      }
    }
  })
})

describe('objects', () => {
  const cases: readonly [string, unknown][] = [
    ['an empty object', {}],
    ['undefined properties', { a: undefined, b: null }],
    ['keys like those of Object.prototype', { constructor: 1, toString: 2, hasOwnProperty: 3, toJSON: 4 }],
    ['a key __proto__', JSON.parse('{"__proto__":{"x":1},"y":2}')],
    ['keys that look like indices', { 2: 'b', 1: 'a', x: 'c', 0: 'd' }],
    ['keys beyond Latin-1', { 日本: 1, 'a\ud800': 2, '': 3 }],
    ['many keys', Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`key${i}`, i]))],
    [
      'a key __proto__ among many',
      { ...Object.fromEntries([...'abcdefghijklmnopqrstuvwxyz'].map((c) => [c + c, c])) },
    ],
    ['a very long key', { ['k'.repeat(100_000)]: 1 }],
    ['an array', [1, 'a', null, [], {}]],
    ['holes', sparse(5, { 0: 1, 2: 3 })],
    ['named properties of an array', Object.assign([1, 2], { total: 2, '01': 'x', '-1': 'y' })],
    ['holes and named properties', sparse(3, { 0: 1, 2: 2, total: 2 })],
    ['as many holes as named properties', sparse(2, { 1: 2, x: 1 })],
    ['the result of a match', /(?<word>\w)/.exec('abc')],
    [
      'a Map',
      new Map<unknown, unknown>([
        ['a', 1],
        [{ k: 1 }, [2]],
        [Number.NaN, Number.NaN],
        [undefined, null],
      ]),
    ],
    ['a Set', new Set<unknown>(['a', 1, undefined, { x: 1 }])],
    ['dates', [new Date(0), new Date(-1), new Date(8.64e15), new Date(1_700_000_000_123)]],
    ['patterns', [/a+/dgimsuy, new RegExp(DIFFERENCE, 'v'), /(?:)/, /日/u]],
    ['boxed primitives', [Object(1), Object('text'), Object(false), Object(7n), Object(-0)]],
    [
      'a class instance',
      new (class Point {
        x = 1
        #hidden = 2
        get hidden() {
          return this.#hidden
        }
      })(),
    ],
    ['an inherited class', new (class extends Map<string, number> {})([['a', 1]])],
    ['symbol keys', { [Symbol('ignored')]: 1, a: 2 }],
    ['hidden properties', Object.defineProperty({ a: 1 }, 'hidden', { value: 2 })],
    [
      'getters',
      {
        get a() {
          return { b: 1 }
        },
      },
    ],
    ['a frozen object', Object.freeze({ a: Object.freeze([1]) })],
  ]
  test.each(cases)('%s', (_, value) => {
    expect(cross(value)).toStrictEqual(structuredClone(value))
  })

  test('a huge array of holes', () => {
    const copy = cross(sparse(4_000_000_000, { [3_999_999_998]: 'x' })) as unknown[]
    expect([copy.length, Object.keys(copy), copy[3_999_999_998]]).toEqual([
      4_000_000_000,
      ['3999999998'],
      'x',
    ])
  })

  test('an object without a prototype gets one', () => {
    const value = Object.assign(Object.create(null), { a: 1 })
    expect(cross(value)).toStrictEqual({ a: 1 })
  })

  test('a key __proto__ is a property, and no prototype', () => {
    for (const rest of [{}, Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`k${i}`, i]))]) {
      const value = Object.assign(JSON.parse('{"__proto__":{"polluted":true}}'), rest)
      for (let i = 0; i < 200; i++) {
        const copy = cross(value) as Record<string, unknown>
        expect(Object.getPrototypeOf(copy)).toBe(Object.prototype)
        expect(Object.hasOwn(copy, '__proto__')).toBe(true)
        expect(copy['polluted']).toBeUndefined()
      }
    }
    const array = Object.defineProperty([1], '__proto__', { value: { polluted: true }, enumerable: true })
    expect(Object.getPrototypeOf(cross(array))).toBe(Array.prototype)
  })

  test('an invalid date stays invalid', () => {
    expect(Number.isNaN((cross(new Date(Number.NaN)) as Date).getTime())).toBe(true)
  })

  test('a pattern starts anew', () => {
    const pattern = /a/g
    pattern.lastIndex = 3
    expect((cross(pattern) as RegExp).lastIndex).toBe(0)
  })

  test('toJSON is data like any other name, and methods of a class are not called', () => {
    class Money {
      amount = 5
      toJSON() {
        return 'lost'
      }
    }
    expect(cross(new Money())).toStrictEqual({ amount: 5 })
  })

  test('objects of another realm are what they are', () => {
    const value = runInNewContext(
      "({ m: new Map([['a', [1]]]), d: new Date(5), e: new TypeError('t'), o: { x: 1 } })",
    )
    const copy = cross(value) as { m: unknown; d: unknown; e: Error; o: unknown }
    expect(copy.m).toStrictEqual(new Map([['a', [1]]]))
    expect(copy.d).toStrictEqual(new Date(5))
    expect(copy.e).toBeInstanceOf(TypeError)
    expect(copy.o).toStrictEqual({ x: 1 })
  })

  test('a Proxy of plain data arrives as what it shows', () => {
    expect(cross(new Proxy({ a: [new Proxy([1], {})] }, {}))).toStrictEqual({ a: [[1]] })
  })

  test('an enumerable property on Object.prototype is not sent', () => {
    const intruder = { value: 1, enumerable: true, configurable: true, writable: true }
    Object.defineProperty(Object.prototype, 'intruder', intruder)
    const copy = cross({ a: { b: 1 } }) as { a: object }
    Reflect.deleteProperty(Object.prototype, 'intruder')
    expect([Object.keys(copy), Object.keys(copy.a)]).toEqual([['a'], ['b']])
  })

  test('a getter that changes its object does no harm', () => {
    const value = {
      get first() {
        Reflect.deleteProperty(value, 'second')
        Object.assign(value, { fourth: 4 })
        return 1
      },
      second: 2 as unknown,
      third: 3,
    }
    expect(cross(value)).toStrictEqual({ first: 1, second: undefined, third: 3 })
    const list: unknown[] = [
      {
        get cut() {
          list.length = 1
          return 0
        },
      },
      1,
      2,
    ]
    expect(cross(list)).toStrictEqual([{ cut: 0 }, undefined, undefined])
  })

  test('a kind of object that comes often arrives like the first of its kind', () => {
    for (let i = 0; i < 1000; i++) {
      const value = { id: i, name: `n${i}`, at: new Date(i), nested: { id: i, list: [{ a: i }, { a: 'x' }] } }
      expect(cross(value)).toStrictEqual(value)
    }
  })

  test('more kinds of objects than are remembered', () => {
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 3000; i++) {
        const value = [
          { [`a${i}`]: 1, [`b${i % 7}`]: 2 },
          { [`a${i}`]: 3, [`b${i % 7}`]: 4 },
        ]
        expect(cross(value)).toStrictEqual(value)
      }
    }
  })
})

describe('identity', () => {
  test('cycles through every kind of container', () => {
    const value: Record<string, unknown> = {
      list: [],
      map: new Map(),
      set: new Set(),
      sparse: sparse(1, {}),
      error: new Error('e'),
    }
    ;(value['list'] as unknown[]).push(value)
    ;(value['map'] as Map<unknown, unknown>).set(value, value)
    ;(value['set'] as Set<unknown>).add(value)
    ;(value['sparse'] as unknown[])[3] = value
    ;(value['error'] as Error).cause = value
    const copy = cross(value) as typeof value
    expect((copy['list'] as unknown[])[0]).toBe(copy)
    expect((copy['map'] as Map<unknown, unknown>).get(copy)).toBe(copy)
    expect((copy['set'] as Set<unknown>).has(copy)).toBe(true)
    expect((copy['sparse'] as unknown[])[3]).toBe(copy)
    expect((copy['error'] as Error).cause).toBe(copy)
  })

  test('what is the same before is the same after, among few objects and many', () => {
    for (const count of [0, 10, 23, 24, 25, 1000]) {
      const shared = [
        { x: 1 },
        [1],
        new Date(1),
        new Map(),
        Object('x'),
        /a/,
        new Uint8Array(3),
        new Error('e'),
      ]
      const others = Array.from({ length: count }, (_, i) => ({ i }))
      const copy = cross([shared, others, shared, [...shared]]) as [
        unknown[],
        unknown[],
        unknown[],
        unknown[],
      ]
      expect(copy[2]).toBe(copy[0])
      for (const [i, member] of copy[0].entries()) expect(copy[3][i]).toBe(member)
      expect(new Set(copy[0]).size).toBe(shared.length)
    }
  })

  test('equal objects stay apart', () => {
    const copy = cross([{ a: 1 }, { a: 1 }]) as unknown[]
    expect(copy[0]).not.toBe(copy[1])
  })

  test('a list of records that refers to itself', () => {
    const people = Array.from({ length: 200 }, (_, i) => ({ id: i, friend: undefined as unknown }))
    for (const [i, person] of people.entries()) person.friend = people[(i + 1) % 200]
    const copy = cross(people) as typeof people
    for (const [i, person] of copy.entries()) expect(person.friend).toBe(copy[(i + 1) % 200])
  })
})

describe('nesting', () => {
  test('a thousand levels cross', () => {
    let value: unknown = 'core'
    for (let i = 0; i < 1000; i++) value = i % 2 === 0 ? [value] : { value }
    let copy = cross(value)
    for (let i = 999; i >= 0; i--)
      copy = i % 2 === 0 ? (copy as [unknown])[0] : (copy as { value: unknown }).value
    expect(copy).toBe('core')
  })
})

describe('a codec at work', () => {
  test('may be called by a getter', () => {
    const value = {
      before: 'text',
      get inner() {
        return cross({ nested: [1, 2, 3] })
      },
      after: { text: 'x'.repeat(100) },
    }
    expect(cross(value)).toStrictEqual({
      before: 'text',
      inner: { nested: [1, 2, 3] },
      after: { text: 'x'.repeat(100) },
    })
  })

  test('goes on after a failure', () => {
    for (let i = 0; i < 3; i++) {
      expect(() => codec.encode({ ok: [{ a: 1 }], bad: () => 1 })).toThrow('message.bad')
      expect(cross({ ok: [{ a: 1 }] })).toStrictEqual({ ok: [{ a: 1 }] })
    }
  })

  test('grows for a large message and shrinks again', () => {
    const list = Array.from({ length: 300_000 }, (_, i) => `text ${i}`)
    expect(cross(list)).toStrictEqual(list)
    expect(codec.encode(new Uint8Array(8_000_000)).bytes.length).toBeGreaterThan(8_000_000)
    expect(codec.encode(1).bytes.buffer.byteLength).toBeLessThan(1_000_000)
  })

  test('reads from shared memory, and keeps no view of it', () => {
    for (const size of [10, 100_000]) {
      const { bytes } = codec.encode({ data: new Uint8Array(size).fill(7), text: 'é'.repeat(size) })
      const shared = new Uint8Array(new SharedArrayBuffer(bytes.length + 8), 8, bytes.length)
      shared.set(bytes)
      const copy = codec.decode(shared) as { data: Uint8Array; text: string }
      shared.fill(0)
      expect(copy.data.buffer).toBeInstanceOf(ArrayBuffer)
      expect(copy.data).toStrictEqual(new Uint8Array(size).fill(7))
      expect(copy.text).toBe('é'.repeat(size))
    }
  })

  test('what it returns does not change with the next message', () => {
    const first = codec.decode(codec.encode({ data: new Uint8Array([1, 2, 3]), text: 'abc' }).bytes)
    codec.decode(codec.encode({ data: new Uint8Array([7, 8, 9]), text: 'xyz' }).bytes)
    expect(first).toStrictEqual({ data: new Uint8Array([1, 2, 3]), text: 'abc' })
  })
})
