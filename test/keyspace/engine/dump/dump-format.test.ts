/** DUMP: the bytes of each type, in slices, and back. */
import { describe, expect, test } from 'vitest'
import { type Database, dumpSlices, dumpValue, restoreValue } from '../../../../src/keyspace/engine/index.ts'
import { makeEngine, START_MS } from '../../../support/engine.ts'

function hex(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString('hex')
}

function copyOf(db: Database, key: string): string {
  restoreValue(db, 'copy', dumpValue(db, key)!)
  return 'copy'
}

/** Within one command, as handlers see a database. */
function withDatabase(run: (db: Database) => void): void {
  const { engine } = makeEngine()
  engine.atomically(() => run(engine.database(0)))
}

describe('a payload', () => {
  test('of a string is its bytes between a header and a checksum', () => {
    withDatabase((db) => {
      db.setString('s', 'v\xff')
      // Pinned: payloads are kept in snapshots.
      expect(hex(dumpValue(db, 's'))).toBe('d100000276ffba8b433f')
      expect(db.string(copyOf(db, 's'))).toBe('v\xff')
      expect(db.isRawString('copy')).toBe(false)
    })
  })

  test('of a string that was written into says so', () => {
    withDatabase((db) => {
      db.append('s', '1')
      db.append('s', '2')
      expect(db.isRawString('s')).toBe(true)
      expect(db.string(copyOf(db, 's'))).toBe('12')
      expect(db.isRawString('copy')).toBe(true)
    })
  })

  test('of a key that is not there is nothing', () => {
    withDatabase((db) => {
      expect(dumpValue(db, 'missing')).toBeUndefined()
      expect(dumpSlices(db, 'missing', 10).next()).toEqual({ done: true, value: false })
    })
  })

  test('of a list keeps the order', () => {
    withDatabase((db) => {
      const elements = Array.from({ length: 300 }, (_, n) => `e${n % 7}`)
      for (const element of elements) db.listOrNew('l').pushRight(element)
      expect([...db.list(copyOf(db, 'l'))!.values()]).toEqual(elements)
    })
  })

  test('of a hash keeps values and times', () => {
    withDatabase((db) => {
      const hash = db.hashOrNew('h')
      for (let n = 0; n < 200; n++) hash.set(`f${n}`, `v${n}`, db.nowMs)
      hash.setExpireAt('f7', START_MS + 5000, db.nowMs)
      const copy = db.hash(copyOf(db, 'h'))!
      expect([...copy.entries(db.nowMs)]).toEqual([...hash.entries(db.nowMs)])
      expect(copy.expireAt('f7', db.nowMs)).toBe(START_MS + 5000)
      expect(copy.expireAt('f8', db.nowMs)).toBe(0)
      expect(copy.expiringCount).toBe(1)
    })
  })

  test('of a set keeps members and times', () => {
    withDatabase((db) => {
      const set = db.setOrNew('s')
      for (const member of ['3', '1', 'x', '', '\xff']) set.add(member, db.nowMs)
      set.setExpireAt('x', START_MS + 1, db.nowMs)
      const copy = db.set(copyOf(db, 's'))!
      expect([...copy.members(db.nowMs)].sort()).toEqual(['', '1', '3', 'x', '\xff'])
      expect(copy.expireAt('x', db.nowMs)).toBe(START_MS + 1)
    })
  })

  test('of a sorted set keeps scores to the bit', () => {
    withDatabase((db) => {
      const scores = [0.1, -0.5, 5e-324, Number.MAX_VALUE, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
      for (const score of scores) db.sortedSetOrNew('z').set(`m${score}`, score)
      db.sortedSet('z')!.setExpireAt('m0.1', START_MS + 1)
      const copy = db.sortedSet(copyOf(db, 'z'))!
      expect(copy.slice(0, 10)).toEqual(db.sortedSet('z')!.slice(0, 10))
    })
  })

  test('brings no member back whose time is over', () => {
    const { engine, clock } = makeEngine()
    const db = engine.database(0)
    engine.atomically(() => {
      db.hashOrNew('h').set('f', 'v', db.nowMs)
      db.hash('h')!.setExpireAt('f', START_MS + 10, db.nowMs)
      db.changed('h', 'hset')
    })
    const payload = dumpValue(db, 'h')!
    clock.advance(20)
    engine.atomically(() => {
      restoreValue(db, 'copy', payload)
      db.changed('copy', 'restore')
    })
    engine.atomically(() => expect(db.hash('copy')).toBeUndefined())
  })
})

describe('a payload in slices', () => {
  test('is the same bytes, whatever the size of a slice', () => {
    withDatabase((db) => {
      for (let n = 0; n < 500; n++) db.hashOrNew('h').set(`field${n}`, 'x'.repeat(n % 50), db.nowMs)
      db.setString('s', 'abc'.repeat(10_000))
      for (const key of ['h', 's']) {
        const whole = dumpValue(db, key)
        for (const size of [1, 100, 4096, 1_000_000]) {
          expect(hex(Buffer.concat([...dumpSlices(db, key, size)]))).toBe(hex(whole))
        }
      }
    })
  })

  test('has slices of the size asked for, and one entry more', () => {
    withDatabase((db) => {
      for (let n = 0; n < 1000; n++) db.listOrNew('l').pushRight('x'.repeat(20))
      const slices = [...dumpSlices(db, 'l', 100)]
      expect(slices.length).toBeGreaterThan(150)
      for (const slice of slices.slice(0, -1)) {
        expect(slice.length).toBeGreaterThanOrEqual(100)
        expect(slice.length).toBeLessThanOrEqual(100 + 21 + 4)
      }
    })
  })

  test('ends early when the key is changed between two of them', () => {
    const test = makeEngine()
    const db = test.engine.database(0)
    test.run('SET', 's', 'x'.repeat(1000))
    const slices = dumpSlices(db, 's', 100)
    expect(slices.next().done).toBe(false)
    test.run('SET', 'other', '1')
    expect(slices.next().done).toBe(false)
    test.run('APPEND', 's', 'y')
    expect(slices.next()).toEqual({ done: true, value: false })
  })

  test('ends early when the key is removed, or its time comes', () => {
    const test = makeEngine()
    const db = test.engine.database(0)
    test.run('SET', 'a', 'x'.repeat(1000))
    test.run('SET', 'b', 'x'.repeat(1000), 'PX', '10')
    const [a, b] = [dumpSlices(db, 'a', 100), dumpSlices(db, 'b', 100)]
    a.next()
    b.next()
    test.run('DEL', 'a')
    test.clock.advance(11)
    test.run('PING')
    expect(a.next()).toEqual({ done: true, value: false })
    expect(b.next()).toEqual({ done: true, value: false })
  })
})
