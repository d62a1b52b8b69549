/** Payloads of DUMP, of any value and damaged in any way: restored as they were, or refused. */
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type Database,
  dumpValue,
  ErrorReply,
  readPayload,
  restoreValue,
} from '../../../../src/keyspace/engine/index.ts'
import { makeEngine, START_MS } from '../../../support/engine.ts'

const bytes = fc.string({ unit: fc.nat(255).map((code) => String.fromCharCode(code)), maxLength: 20 })
const time = fc.constantFrom(0, 0, START_MS + 1, START_MS + 1000, 2 ** 52)
const value = fc.oneof(
  fc.record({ type: fc.constant('string' as const), text: bytes, isRaw: fc.boolean() }),
  fc.record({
    type: fc.constant('list' as const),
    elements: fc.array(bytes, { minLength: 1, maxLength: 200 }),
  }),
  fc.record({
    type: fc.constantFrom('hash' as const, 'set' as const, 'zset' as const),
    members: fc.uniqueArray(
      fc.record({ name: bytes, text: bytes, time, score: fc.double({ noNaN: true }) }),
      { selector: ({ name }) => name, minLength: 1, maxLength: 100 },
    ),
  }),
)
type Value = typeof value extends fc.Arbitrary<infer T> ? T : never

function put(db: Database, key: string, made: Value): void {
  if (made.type === 'string') {
    db.setString(key, made.text)
    if (made.isRaw) db.markRaw(key)
  } else if (made.type === 'list') {
    for (const element of made.elements) db.listOrNew(key).pushRight(element)
  } else {
    for (const member of made.members) putMember(db, key, made.type, member)
  }
}

function putMember(
  db: Database,
  key: string,
  type: 'hash' | 'set' | 'zset',
  { name, text, time: at, score }: { name: string; text: string; time: number; score: number },
): void {
  if (type === 'zset') {
    db.sortedSetOrNew(key).set(name, score)
    if (at !== 0) db.sortedSet(key)!.setExpireAt(name, at)
    return
  }
  if (type === 'hash') db.hashOrNew(key).set(name, text, db.nowMs)
  else db.setOrNew(key).add(name, db.nowMs)
  const collection = type === 'hash' ? db.hash(key)! : db.set(key)!
  if (at !== 0) collection.setExpireAt(name, at, db.nowMs)
}

/** All that can be seen of a key. */
function seen(db: Database, key: string): unknown {
  switch (db.typeOf(key)) {
    case 'string':
      return [db.string(key), db.isRawString(key)]
    case 'list':
      return db.list(key)!.slice(0, 1000)
    case 'hash':
      return db.hash(key)!.slice(0, 1000)
    case 'set':
      return db
        .set(key)!
        .slice(0, 1000)
        .sort((a, b) => (a.member < b.member ? -1 : 1))
    default:
      return db.sortedSet(key)?.slice(0, 1000)
  }
}

function within(run: (db: Database) => void): void {
  const { engine } = makeEngine()
  engine.atomically(() => run(engine.database(0)))
}

function sealed(content: Uint8Array): Uint8Array {
  const payload = Buffer.alloc(content.length + 4)
  payload.set(content)
  payload.writeUInt32LE(crc32(content), content.length)
  return payload
}

function outcome(db: Database, payload: Uint8Array): string {
  try {
    return `taken: ${readPayload(db, payload).type}`
  } catch (error) {
    return error instanceof ErrorReply ? error.message : `thrown: ${error}`
  }
}

describe('a payload', () => {
  test('restores any value as it was', () => {
    within((db) => {
      fc.assert(
        fc.property(value, (made) => {
          db.delete('a')
          put(db, 'a', made)
          restoreValue(db, 'b', dumpValue(db, 'a')!, { expireAt: START_MS + 77 })
          expect(seen(db, 'b')).toEqual(seen(db, 'a'))
          expect(db.expireAt('b')).toBe(START_MS + 77)
          expect(dumpValue(db, 'b')).toEqual(dumpValue(db, 'a'))
        }),
        { numRuns: 200 },
      )
    })
  })

  test('with any bit flipped is refused, and changes nothing', () => {
    within((db) => {
      fc.assert(
        fc.property(value, fc.nat(), (made, at) => {
          db.delete('a')
          put(db, 'a', made)
          const payload = dumpValue(db, 'a')!
          const bit = at % (payload.length * 8)
          payload[bit >> 3]! ^= 1 << (bit & 7)
          expect(() => restoreValue(db, 'b', payload)).toThrow(ErrorReply)
          expect(db.exists('b')).toBe(false)
        }),
        { numRuns: 200 },
      )
    })
  })

  test('cut off or lengthened anywhere is refused, the checksum being right', () => {
    within((db) => {
      fc.assert(
        fc.property(value, fc.nat(), fc.boolean(), (made, at, isCut) => {
          db.delete('a')
          put(db, 'a', made)
          const content = dumpValue(db, 'a')!.slice(0, -4)
          const damaged = isCut
            ? content.slice(0, at % content.length)
            : Buffer.concat([content, Buffer.of(at & 255)])
          expect(outcome(db, sealed(damaged))).toMatch(/^(Bad data format|DUMP payload version)/)
        }),
        { numRuns: 200 },
      )
    })
  })

  test('of any bytes with a right checksum is read or refused, and nothing else', () => {
    within((db) => {
      const content = fc.tuple(fc.nat(5), fc.nat(4), fc.nat(6), fc.uint8Array({ maxLength: 30 }))
      fc.assert(
        fc.property(content, ([type, flags, size, tail]) => {
          const payload = sealed(Uint8Array.from([0xd1, type, flags, size, ...tail]))
          expect(outcome(db, payload)).toMatch(/^Bad data format$|^taken: /)
        }),
        { numRuns: 3000 },
      )
    })
  })

  test('that lies about its size is refused before anything is made', () => {
    within((db) => {
      const huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]
      for (const type of [0, 1, 2, 3, 4]) {
        expect(outcome(db, sealed(Uint8Array.from([0xd1, type, 0, ...huge])))).toBe('Bad data format')
        expect(outcome(db, sealed(Uint8Array.from([0xd1, type, 0, 1, ...huge])))).toBe('Bad data format')
      }
    })
  })

  test('with a member twice, no member or a score that is no number is refused', () => {
    within((db) => {
      const nan = [0, 0, 0, 0, 0, 0, 0xf8, 0x7f]
      const wrong = [
        [0xd1, 2, 0, 2, 1, 0x61, 1, 0x61],
        [0xd1, 4, 0, 2, 1, 0x61, 0, 1, 0x61, 0],
        [0xd1, 2, 0, 0],
        [0xd1, 3, 0, 1, 1, 0x61, ...nan],
        [0xd1, 5, 0, 1, 0x61],
        [0xd1, 1, 4, 1, 1, 0x61],
      ]
      for (const content of wrong) {
        expect([content, outcome(db, sealed(Uint8Array.from(content)))]).toEqual([content, 'Bad data format'])
      }
    })
  })
})
