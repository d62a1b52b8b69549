/** A collection in parts: where they are cut, which one is the last, and what each of them holds. */
import { describe, expect, test } from 'vitest'
import { PartBuilder } from '../../../src/keyspace/portable/part-builder.ts'
import {
  memberCountOf,
  PART_BYTES_MAX,
  PART_MEMBERS_MAX,
  type PortableEntry,
  textBytesOf,
} from '../../../src/keyspace/portable/portable-entry.ts'

const HEAD = { db: 2, key: 'k', expireAt: 5 } as const

function partsOf(part: PartBuilder, add: readonly (() => void)[]): PortableEntry[] {
  const entries = add.flatMap((addOne) => {
    addOne()
    return part.takeClosed() ?? []
  })
  return [...entries, part.finish()]
}

describe('parts', () => {
  test('have as many members as they may, and one is the last', () => {
    for (const count of [
      1,
      PART_MEMBERS_MAX,
      PART_MEMBERS_MAX + 1,
      2 * PART_MEMBERS_MAX,
      3 * PART_MEMBERS_MAX - 1,
    ]) {
      const part = new PartBuilder({ ...HEAD, type: 'list' })
      expect(part.isEmpty).toBe(true)
      const parts = partsOf(
        part,
        Array.from({ length: count }, (_, n) => () => part.addElement(String(n))),
      )
      expect(part.isEmpty).toBe(false)
      expect(parts).toHaveLength(Math.ceil(count / PART_MEMBERS_MAX))
      expect(parts.map((entry) => entry.isLast)).toEqual(parts.map((_, i) => i === parts.length - 1))
      expect(parts.map((entry) => entry.part)).toEqual(parts.map((_, i) => i))
      const elements = parts.flatMap(({ value }) => (value.type === 'list' ? value.elements : []))
      expect(elements).toEqual(Array.from({ length: count }, (_, n) => String(n)))
    }
  })

  test('are closed by their bytes as well', () => {
    const part = new PartBuilder({ ...HEAD, type: 'hash' })
    const value = 'v'.repeat(PART_BYTES_MAX / 4)
    const parts = partsOf(
      part,
      Array.from({ length: 9 }, (_, n) => () => part.addField(String(n), value)),
    )
    expect(parts.map((entry) => memberCountOf(entry.value))).toEqual([4, 4, 1])
    expect(textBytesOf(parts[0]!.value)).toBe(4 * (1 + value.length))
  })

  test('have times only where a member of that part expires', () => {
    const part = new PartBuilder({ ...HEAD, type: 'zset' })
    const add = Array.from({ length: 2 * PART_MEMBERS_MAX + 2 }, (_, n) => () => {
      part.addScored(`m${n}`, n / 2, n === PART_MEMBERS_MAX + 1 ? 77 : 0)
    })
    const [first, second, third] = partsOf(part, add)
    expect(first).toMatchObject({ ...HEAD, part: 0, isLast: false, value: { times: undefined } })
    const times = Array.from({ length: PART_MEMBERS_MAX }, (_, n) => (n === 1 ? 77 : 0))
    expect(second).toMatchObject({ ...HEAD, part: 1, isLast: false, value: { times } })
    expect(third).toEqual({
      ...HEAD,
      part: 2,
      isLast: true,
      value: { type: 'zset', members: ['m1024', 'm1025'], scores: [512, 512.5], times: undefined },
    })
  })

  test('of each type have what it has', () => {
    const set = new PartBuilder({ ...HEAD, type: 'set' })
    set.addMember('a', 9)
    set.addMember('b')
    expect(set.finish().value).toEqual({ type: 'set', members: ['a', 'b'], times: [9, 0] })
    const hash = new PartBuilder({ ...HEAD, type: 'hash' })
    hash.addField('f', 'v')
    const { value } = hash.finish()
    expect(value).toEqual({ type: 'hash', fields: ['f'], values: ['v'], times: undefined })
    expect([textBytesOf(value), memberCountOf(value)]).toEqual([2, 1])
    expect(textBytesOf({ type: 'string', text: 'four' })).toBe(4)
  })

  test('are never empty, and have no score that is no number', () => {
    expect(() => new PartBuilder({ ...HEAD, type: 'set' }).finish()).toThrow('a part has a member')
    const part = new PartBuilder({ ...HEAD, type: 'zset' })
    expect(() => part.addScored('m', Number.NaN)).toThrow('a score is a number')
  })
})
