/** Keys of any kind, and the entries that they come in. */
import fc from 'fast-check'
import {
  memberCountOf,
  PART_MEMBERS_MAX,
  type PortableEntry,
  type PortableValue,
} from '../../../src/keyspace/portable/portable-entry.ts'
import type { WholeKey } from './entries.ts'

/** Bytes as text: UTF-8, or not. */
export const anyBytes: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: fc.nat(255).map((code) => String.fromCharCode(code)), maxLength: 30 }),
  fc.string({ unit: 'binary', maxLength: 10 }).map((text) => Buffer.from(text, 'utf8').toString('latin1')),
  fc.string({ maxLength: 10 }),
  fc.constantFrom('', '\xff', '{"base64":"YQ=="}', '\u0000', '-0', '__proto__', '\xef\xbb\xbf'),
)

export const anyScore: fc.Arbitrary<number> = fc.oneof(
  fc.double({ noNaN: true }),
  fc.integer(),
  fc.constantFrom(0, -0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 5e-324, Number.MAX_VALUE, 1e21),
)

/** Far enough that nothing passes in a test. */
const anyTime = fc.oneof(
  { weight: 3, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.constantFrom(2_000_000_000_000, 2 ** 46 - 1) },
)
const keyTime = fc.oneof(anyTime, fc.constant(Number.MAX_SAFE_INTEGER))

const member = fc.record({ name: anyBytes, text: anyBytes, score: anyScore, time: anyTime })
const members = fc.uniqueArray(member, { selector: ({ name }) => name, minLength: 1, maxLength: 40 })

const anyValue: fc.Arbitrary<WholeKey['value']> = fc.oneof(
  anyBytes.map((text) => ({ type: 'string', text }) as const),
  fc
    .array(anyBytes, { minLength: 1, maxLength: 40 })
    .map((elements) => ({ type: 'list', elements }) as const),
  members.map((all) => ({ type: 'set', members: all.map(({ name }) => name), times: timesOf(all) }) as const),
  members.map((all) => ({
    type: 'hash' as const,
    fields: all.map(({ name }) => name),
    values: all.map(({ text }) => text),
    times: timesOf(all),
  })),
  members.map((all) => ({
    type: 'zset' as const,
    members: all.map(({ name }) => name),
    scores: all.map(({ score }) => score),
    times: timesOf(all),
  })),
)

function timesOf(all: readonly { readonly time: number }[]): readonly number[] | undefined {
  return all.some(({ time }) => time !== 0) ? all.map(({ time }) => time) : undefined
}

/** A key; the names of some are alike. */
export const anyKey: fc.Arbitrary<WholeKey> = fc.record({
  db: fc.constantFrom(0, 0, 1, 15),
  key: anyBytes,
  expireAt: keyTime,
  value: anyValue,
})

/** Keys whose names differ. */
export const anyKeys: fc.Arbitrary<readonly WholeKey[]> = fc.uniqueArray(anyKey, {
  selector: ({ db, key }) => `${db} ${key}`,
  maxLength: 15,
})

/** The entries of a key: parts of at most `membersMax` members, however long these are. */
export function entriesOf(
  { db, key, expireAt, value }: WholeKey,
  membersMax = PART_MEMBERS_MAX,
): readonly PortableEntry[] {
  const parts = Math.ceil(memberCountOf(value) / membersMax)
  return Array.from({ length: parts }, (_, part) => {
    const piece = sliceOf(value, part * membersMax, (part + 1) * membersMax)
    return { db, key, expireAt, part, isLast: part === parts - 1, value: piece }
  })
}

function sliceOf(value: PortableValue, from: number, to: number): PortableValue {
  const cut = <T>(list: readonly T[]): readonly T[] => list.slice(from, to)
  if (value.type === 'string') return value
  if (value.type === 'list') return { type: 'list', elements: cut(value.elements) }
  const some = value.times === undefined ? [] : cut(value.times)
  const times = some.some((time) => time !== 0) ? some : undefined
  if (value.type === 'hash') {
    return { type: 'hash', fields: cut(value.fields), values: cut(value.values), times }
  }
  if (value.type === 'set') return { type: 'set', members: cut(value.members), times }
  return { type: 'zset', members: cut(value.members), scores: cut(value.scores), times }
}
