/** What goes from objects into arguments, and from replies into objects. */
import { describe, expect, test } from 'vitest'
import { recordOf, withEntries } from '../../../src/keyspace/client/caller.ts'
import { MapReply } from '../../../src/keyspace/engine/index.ts'

describe('withEntries', () => {
  test('puts names and values behind what is there', () => {
    expect(withEntries(['HSET', 'k'], { a: '1', b: 2n })).toEqual(['HSET', 'k', 'a', '1', 'b', 2n])
    expect(withEntries(['MSET'], {})).toEqual(['MSET'])
  })

  test('takes what the object itself has, and nothing that it inherits', () => {
    expect(withEntries([], Object.create({ inherited: 1 }, { own: { value: 2, enumerable: true } }))).toEqual(
      ['own', 2],
    )
  })
})

describe('recordOf', () => {
  test('makes an object of a map, or of an array laid flat, decoded as UTF-8', () => {
    const flat = ['a', '1', 'gr\u00c3\u00bcn', 'caf\u00c3\u00a9']
    expect(recordOf(flat)).toEqual({ a: '1', grün: 'café' })
    expect(recordOf(new MapReply(flat))).toEqual({ a: '1', grün: 'café' })
    expect(recordOf([])).toEqual({})
  })

  test('a field of any name is a field, and changes nothing else', () => {
    const record = recordOf(['__proto__', 'x', 'constructor', 'y', 'toString', 'z'])
    expect(Object.entries(record)).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
      ['toString', 'z'],
    ])
    expect(Object.getPrototypeOf(record)).toBe(Object.prototype)
  })
})
