/** Classes of higher layers cross as themselves. */
import { describe, expect, test } from 'vitest'
import { ValueCodec } from '../../src/codec/index.ts'

const codec = new ValueCodec()

describe('extensions', () => {
  class Ref {
    readonly id: number
    constructor(id: number) {
      this.id = id
    }
  }
  class NamedRef extends Ref {}
  const extension = {
    type: 0x40,
    Class: Ref,
    encode: (value: object) => ({ id: (value as Ref).id }),
    decode: (plain: unknown) => new Ref((plain as { id: number }).id),
  }
  const own = new ValueCodec({ extensions: [extension] })

  test('a class of a higher layer arrives as itself, anywhere and with its identity', () => {
    const ref = new Ref(7)
    const value = {
      ref,
      list: [ref, new NamedRef(8)],
      map: new Map([[ref, ref]]),
      error: Object.assign(new Error('e'), { ref }),
    }
    const copy = own.decode(own.encode(value).bytes) as typeof value
    expect(copy.ref).toBeInstanceOf(Ref)
    expect(copy.ref.id).toBe(7)
    expect(copy.list[0]).toBe(copy.ref)
    expect(copy.list[1]?.id).toBe(8)
    expect(copy.map.get(copy.ref)).toBe(copy.ref)
    expect(copy.error.ref).toBe(copy.ref)
  })

  test('two codecs of one process know nothing of each other', () => {
    const { bytes } = own.encode(new Ref(1))
    expect(() => codec.decode(bytes)).toThrow('nothing is known of class 64')
    expect(codec.decode(codec.encode(new Ref(1)).bytes)).toStrictEqual({ id: 1 })
  })

  test('types out of range or given twice are refused', () => {
    expect(() => new ValueCodec({ extensions: [{ ...extension, type: 0x60 }] })).toThrow('0x40..0x5f')
    expect(() => new ValueCodec({ extensions: [extension, { ...extension, Class: NamedRef }] })).toThrow(
      'types',
    )
  })
})
