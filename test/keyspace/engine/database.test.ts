/** One database by example: what a key holds, what becomes of it, and what is counted. */
import { describe, expect, test } from 'vitest'
import {
  type Database,
  makeCollection,
  VALUE_LIMITS,
  WRONG_TYPE,
} from '../../../src/keyspace/engine/index.ts'
import { makeEngine, START_MS } from '../../support/engine.ts'

/** A database, and a way to work on it as a command does. */
function make() {
  const made = makeEngine()
  const { engine } = made
  const db = engine.database(0)
  return { ...made, db, command: <T>(run: (db: Database) => T): T => engine.atomically(() => run(db)) }
}

describe('a string', () => {
  test('is what was put, as text, as bytes and in part', () => {
    const { db, command } = make()
    command(() => db.setString('k', 'a\xff\x00b'))
    expect([db.typeOf('k'), db.string('k'), db.stringLength('k')]).toEqual(['string', 'a\xff\x00b', 4])
    expect(db.stringBytes('k')).toEqual(Uint8Array.of(97, 255, 0, 98))
    expect(db.stringSlice('k', 1, 3)).toBe('\xff\x00')
    command(() => db.setString('k', Uint8Array.of(1, 2)))
    expect(db.string('k')).toBe('\x01\x02')
    expect([db.string('none'), db.stringBytes('none'), db.stringLength('none')]).toEqual([
      undefined,
      undefined,
      0,
    ])
    expect(db.stringSlice('none', 0, 0)).toBe('')
  })

  test('grows at its end and within, and is raw from then on', () => {
    const { db, command } = make()
    expect(command(() => db.append('k', 'ab'))).toBe(2)
    expect(db.isRawString('k')).toBe(false)
    expect(command(() => db.append('k', Uint8Array.of(99)))).toBe(3)
    expect(db.isRawString('k')).toBe(true)
    expect(command(() => db.overwrite('k', 5, 'x'))).toBe(6)
    expect(db.string('k')).toBe('abc\0\0x')
    expect(command(() => db.overwrite('new', 2, 'yz'))).toBe(4)
    expect(db.string('new')).toBe('\0\0yz')
    command(() => db.setString('plain', 'x'))
    command(() => db.markRaw('plain'))
    expect([db.isRawString('plain'), db.string('plain')]).toEqual([true, 'x'])
  })

  test('loses its expiry when it is put anew, unless it is to be kept or another is given', () => {
    const { db, command } = make()
    const expiries = [
      { expireAt: START_MS + 5 },
      { keepTtl: true },
      { expireAt: START_MS + 9 },
      {},
      { keepTtl: true },
    ]
    const found = expiries.map((options) => {
      command(() => db.setString('k', 'v', options))
      return [db.expireAt('k'), db.volatileCount]
    })
    expect(found).toEqual([
      [START_MS + 5, 1],
      [START_MS + 5, 1],
      [START_MS + 9, 1],
      [0, 0],
      [0, 0],
    ])
  })
})

describe('a collection', () => {
  test('is made when it is asked for, and is of one type', () => {
    const { db, command } = make()
    command(() => {
      db.hashOrNew('hash').set('f', 'v', db.nowMs)
      db.listOrNew('list').pushRight('x')
      db.setOrNew('set').add('m', db.nowMs)
      db.sortedSetOrNew('zset').set('m', 1)
      for (const key of ['hash', 'list', 'set', 'zset']) db.changed(key, 'x')
      db.setString('string', 's')
    })
    const keys = ['hash', 'list', 'set', 'zset', 'string', 'none']
    expect(keys.map((key) => db.typeOf(key))).toEqual(['hash', 'list', 'set', 'zset', 'string', undefined])
    expect(keys.map((key) => db.collection(key)?.size)).toEqual([1, 1, 1, 1, undefined, undefined])
    const looks = [
      (key: string) => db.hash(key),
      (key: string) => db.list(key),
      (key: string) => db.set(key),
      (key: string) => db.sortedSet(key),
      (key: string) => db.string(key),
    ]
    for (const [i, look] of looks.entries()) {
      for (const [j, key] of keys.entries()) {
        if (i === j) expect(look(key)).toBeDefined()
        else if (key === 'none') expect(look(key)).toBeUndefined()
        else expect(() => look(key)).toThrow(WRONG_TYPE)
      }
    }
    expect(() => db.append('hash', 'x')).toThrow(WRONG_TYPE)
    expect(() => db.overwrite('list', 0, 'x')).toThrow(WRONG_TYPE)
    expect(() => db.hashOrNew('string')).toThrow(WRONG_TYPE)
  })

  test('that is empty when its change is told is gone, and that is told after it', () => {
    const { db, command, commits } = make()
    command(() => {
      db.listOrNew('list').pushRight('x')
      db.changed('list', 'rpush')
    })
    commits.length = 0
    command(() => {
      db.list('list')!.popLeft()
      db.changed('list', 'lpop')
      expect(db.exists('list')).toBe(false)
    })
    expect(commits[0]!.changes.map(({ event }) => event)).toEqual(['lpop', 'del'])
    expect([db.size, db.heapBytes]).toEqual([0, 0])
  })

  test('that a command has made and left empty is gone with it, untold', () => {
    const { db, command, commits, engine } = make()
    const touched: string[] = []
    engine.onTouched = (_, key) => touched.push(key)
    command(() => {
      db.hashOrNew('a')
      db.setOrNew('b').add('m', db.nowMs)
      db.changed('b', 'sadd')
      db.listOrNew('c')
      db.delete('c')
    })
    expect([db.size, db.exists('a'), db.exists('b')]).toEqual([1, false, true])
    expect(commits[0]!.changes.map(({ key }) => key)).toEqual(['b', 'c'])
    expect(touched).not.toContain('a')
  })

  test('is put in the place of whatever was there', () => {
    const { db, command } = make()
    const list = makeCollection('list', VALUE_LIMITS) as ReturnType<typeof db.listOrNew>
    list.pushRight('x')
    command(() => db.setString('k', 'v', { expireAt: START_MS + 5 }))
    command(() => db.putCollection('k', 'list', list))
    expect([db.list('k'), db.expireAt('k'), db.volatileCount]).toEqual([list, 0, 0])
    command(() => db.putCollection('k', 'list', list, START_MS + 7))
    expect([db.expireAt('k'), db.volatileCount, db.heapBytes]).toEqual([START_MS + 7, 1, list.bytes])
  })
})

describe('a key', () => {
  test('is seen until its time, by nothing from then on, and its removal is told once', () => {
    const { db, command, clock, commits } = make()
    const until = START_MS + 100
    command(() => db.setString('k', 'v', { expireAt: until }))
    command(() => db.setString('other', 'v'))
    expect(command(() => db.setExpireAt('other', until))).toBe(true)
    expect(db.setExpireAt('none', until)).toBe(false)
    clock.advance(99)
    expect(command(() => db.exists('k'))).toBe(true)
    commits.length = 0
    clock.advance(1)
    // Counted until somebody looks.
    expect(db.size).toBe(2)
    const listed: string[] = []
    command(() => db.scan(0, 100, (key) => listed.push(key)))
    expect(listed).toEqual([])
    expect(command(() => [db.exists('k'), db.string('k'), db.expireAt('k'), db.delete('k')])).toEqual([
      false,
      undefined,
      undefined,
      false,
    ])
    expect(commits.flatMap(({ changes }) => changes)).toEqual([{ db: 0, key: 'k', event: 'expired' }])
    expect(command(() => db.randomKey())).toBeUndefined()
    expect([db.size, db.volatileCount]).toEqual([0, 0])
  })

  test('that is put when its time has passed is not there, within the same change either', () => {
    const { db, command } = make()
    const found = command(() => {
      db.setString('k', 'old')
      db.setString('k', 'new', { expireAt: START_MS - 1 })
      return db.string('k')
    })
    expect(found).toBeUndefined()
  })

  test('carries the revision of its last change, all keys of one command the same', () => {
    const { db, command } = make()
    command(() => {
      db.setString('a', '1')
      db.hashOrNew('b').set('f', 'v', db.nowMs)
      db.changed('b', 'hset')
    })
    const first = db.revisionOf('a')!
    expect(db.revisionOf('b')).toBe(first)
    expect(db.revisionOf('none')).toBeUndefined()
    command(() => {
      db.hash('b')!.set('g', 'v', db.nowMs)
      db.changed('b', 'hset')
    })
    expect(db.revisionOf('b')).toBeGreaterThan(first)
    expect(db.revisionOf('a')).toBe(first)
  })

  test('that is too long is never found, and cannot be made', () => {
    const { db, command } = make()
    const long = 'k'.repeat(100_000)
    expect([db.exists(long), db.delete(long)]).toEqual([false, false])
    const makers = [
      () => db.setString(long, 'v'),
      () => db.append(long, 'v'),
      () => db.overwrite(long, 0, 'v'),
      () => db.hashOrNew(long),
      () => db.checkKey(long),
    ]
    for (const make of makers) {
      expect(() => command(make)).toThrow(
        expect.objectContaining({ message: 'key exceeds maximum allowed size' }),
      )
    }
    expect(db.size).toBe(0)
  })

  test('picked at random is any of those that are alive', () => {
    const { db, command, clock } = make()
    for (let i = 0; i < 5; i++) command(() => db.setString(`key:${i}`, 'v'))
    for (let i = 0; i < 5; i++) command(() => db.setString(`dead:${i}`, 'v', { expireAt: START_MS + 1 }))
    clock.advance(1)
    const picked = new Set(Array.from({ length: 200 }, () => command(() => db.randomKey())))
    expect([...picked].sort()).toEqual(['key:0', 'key:1', 'key:2', 'key:3', 'key:4'])
  })
})

describe('what a key holds is moved', () => {
  test('to another name and another database, with all that belongs to it', () => {
    const { db, command, engine } = make()
    const other = engine.database(1)
    command(() => {
      db.setString('s', 'v', { expireAt: START_MS + 5 })
      db.append('s', '!')
      db.hashOrNew('h').set('f', 'v', db.nowMs)
      db.changed('h', 'hset')
      other.setString('target', 'old', { expireAt: START_MS + 7 })
    })
    const { heapBytes } = db
    command(() => {
      db.move('s', other, 't')
      db.move('h', other, 'target')
    })
    expect([db.size, db.heapBytes, db.volatileCount]).toEqual([0, 0, 0])
    expect([other.string('t'), other.expireAt('t'), other.isRawString('t')]).toEqual([
      'v!',
      START_MS + 5,
      true,
    ])
    expect([other.hash('target')?.get('f', other.nowMs), other.expireAt('target')]).toEqual(['v', 0])
    expect([other.heapBytes, other.volatileCount]).toEqual([heapBytes, 1])
  })

  test('to where the name is too long, not at all', () => {
    const { db, command } = make()
    command(() => db.setString('s', 'v'))
    expect(() => command(() => db.move('s', db, 'k'.repeat(100_000)))).toThrow()
    expect(db.string('s')).toBe('v')
  })
})

describe('a database that is emptied', () => {
  test('has nothing left, and says so once, of no key', () => {
    const { db, command, commits, run } = make()
    run('SET', 'a', 'v', 'PX', 1000)
    run('HSET', 'h', 'f', 'v')
    commits.length = 0
    command(() => db.flush())
    command(() => db.flush())
    expect(commits.map(({ changes }) => changes)).toEqual([[{ db: 0, key: '', event: 'flushdb' }]])
    expect([db.size, db.heapBytes, db.volatileCount, db.exists('a')]).toEqual([0, 0, 0, false])
    run('SET', 'a', 'new')
    expect(db.string('a')).toBe('new')
  })
})

describe('the index of expiries forgets', () => {
  const MANY = 5000

  test.each<[string, string[][]]>([
    [
      'members of a hash that is put over',
      [
        ['SET', 'h', 'x'],
        ['DEL', 'h'],
      ],
    ],
    ['members of a hash that is removed', [['DEL', 'h']]],
    [
      'members of a hash that is renamed over',
      [
        ['SET', 's', 'x'],
        ['RENAME', 's', 'h'],
        ['DEL', 'h'],
      ],
    ],
    ['members of a database that is emptied', [['FLUSHDB']]],
  ])('%s', (_, ends) => {
    const { run, engine } = make()
    for (let i = 0; i < MANY; i++) {
      run('HSET', 'h', 'f', 'v')
      run('HPEXPIRE', 'h', 1_000_000 + i, 'FIELDS', 1, 'f')
      for (const argv of ends) run(...argv)
    }
    while (engine.tick(1000));
    expect(engine.database(0).size).toBe(0)
    expect(engine.expirySize).toBeLessThan(MANY / 2)
  })

  test('many keys and members at once', () => {
    const { run, engine } = make()
    for (let i = 0; i < MANY; i++) {
      run('SADD', `set:${i}`, 'm')
      run('SPEXPIRE', `set:${i}`, 1_000_000, 'MEMBERS', 1, 'm')
      run('SET', `key:${i}`, 'v', 'PX', 1_000_000)
    }
    expect(engine.expirySize).toBe(2 * MANY)
    run('FLUSHDB')
    while (engine.tick(1000));
    expect(engine.expirySize).toBe(0)
  })
})
