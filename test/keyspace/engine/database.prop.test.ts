/**
 * Two databases against plain Maps: any commands, with invariants after each of them.
 *
 * The model forgets a key when its time comes, the shard when somebody looks: so what is counted is compared
 * with the records that are there, and what is seen with the model.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Database } from '../../../src/keyspace/engine/index.ts'
import { KeyTableWriter } from '../../../src/memory/index.ts'
import { makeEngine, START_MS, type TestEngine } from '../../support/engine.ts'

interface Member {
  value: string
  /** 0: never. */
  expireAt: number
}

interface Value {
  readonly type: 'string' | 'hash' | 'list' | 'set' | 'zset'
  text: string
  list: string[]
  readonly members: Map<string, Member>
  expireAt: number
}

type Model = Map<string, Value>

const SMALL = { segmentBytes: 2 ** 17, pageBytes: 8192, stripes: 4 }
const TYPES = ['string', 'hash', 'list', 'set', 'zset'] as const
const KEYS = ['a', 'b', 'c', 'd']
const step = fc.record({
  kind: fc.constantFrom(
    'set',
    'append',
    'add',
    'add',
    'add',
    'add',
    'remove',
    'remove',
    'expire',
    'expire',
    'persist',
    'delete',
    'rename',
    'move',
    'copy',
    'expireMember',
    'expireMember',
    'wait',
    'wait',
    'wait',
    'wait',
    'tick',
    'flush',
    'swap',
  ),
  db: fc.nat(1),
  key: fc.constantFrom(...KEYS),
  other: fc.constantFrom(...KEYS),
  type: fc.constantFrom('hash' as const, 'list' as const, 'set' as const, 'zset' as const),
  member: fc.constantFrom('m', 'n', 'o'),
  text: fc.constantFrom('', '1', 'x'.repeat(100), 'y'.repeat(5000)),
  delayMs: fc.constantFrom(1, 10, 100),
})
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

test('databases hold what Maps would hold', () => {
  const seen = { expiredKeys: 0, expiredMembers: 0, emptied: 0 }
  fc.assert(
    fc.property(fc.array(step, { maxLength: 150, size: 'max' }), (steps) => {
      const made = makeEngine({ makeTable: () => new KeyTableWriter(SMALL) })
      const world = new World(made)
      for (const one of steps) {
        world.run(one)
        world.check(one.kind === 'wait' && one.text !== '')
      }
      seen.expiredKeys += made.engine.stats.expiredKeys
      seen.expiredMembers += made.engine.stats.expiredMembers
      seen.emptied += made.commits
        .flatMap(({ changes }) => changes)
        .filter(({ event }) => event === 'del').length
      world.clear()
    }),
    { numRuns: process.env['SHL_SOAK'] ? 2000 : 40 },
  )

  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(0)
})

class World {
  readonly #made: TestEngine
  readonly #models: [Model, Model] = [new Map(), new Map()]
  #nowMs = START_MS
  #revision = 0
  /** Time has taken the last member of a collection: as in Redis it is there until somebody looks into it. */
  #hasEmptied = false

  constructor(made: TestEngine) {
    this.#made = made
  }

  run(given: Step): void {
    const { engine, clock } = this.#made
    const { kind, db, key, other, text, delayMs } = given
    const model = this.#models[db]!
    const value = model.get(key)
    // Mostly of the type that is there.
    const isFitting = value !== undefined && value.type !== 'string' && text !== '1'
    const one = isFitting ? { ...given, type: value.type as Step['type'] } : given
    if (kind === 'set') {
      this.#ask(db, 'SET', key, text)
      model.set(key, { ...empty('string'), text })
    } else if (kind === 'append') {
      const reply = this.#ask(db, 'APPEND', key, text)
      if (value !== undefined && value.type !== 'string') return expectRefused(reply)
      const whole = value ?? empty('string')
      whole.text += text
      model.set(key, whole)
    } else if (kind === 'add') this.#add(one)
    else if (kind === 'remove') this.#remove(one)
    else if (kind === 'expire') {
      expect(this.#ask(db, 'PEXPIRE', key, String(delayMs))).toBe(value === undefined ? 0 : 1)
      if (value !== undefined) value.expireAt = this.#nowMs + delayMs
    } else if (kind === 'persist') {
      expect(this.#ask(db, 'PERSIST', key)).toBe(value !== undefined && value.expireAt !== 0 ? 1 : 0)
      if (value !== undefined) value.expireAt = 0
    } else if (kind === 'delete') {
      expect(this.#ask(db, 'DEL', key)).toBe(model.delete(key) ? 1 : 0)
    } else if (kind === 'rename') {
      const reply = this.#ask(db, 'RENAME', key, other)
      if (value === undefined) return expectRefused(reply)
      model.delete(key)
      model.set(other, value)
    } else if (kind === 'move') {
      const target = this.#models[1 - db]!
      const moves = value !== undefined && !target.has(key)
      expect(this.#ask(db, 'MOVE', key, String(1 - db))).toBe(moves ? 1 : 0)
      if (!moves) return
      target.set(key, value)
      model.delete(key)
    } else if (kind === 'copy') {
      if (key === other) return
      expect(this.#ask(db, 'COPY', key, other, 'REPLACE')).toBe(value === undefined ? 0 : 1)
      if (value !== undefined) model.set(other, structuredClone(value))
    } else if (kind === 'expireMember') this.#expireMember(one)
    else if (kind === 'wait') {
      clock.advance(delayMs)
      this.#nowMs += delayMs
      this.#expire()
    } else if (kind === 'tick') {
      while (engine.tick(1000));
    } else if (kind === 'flush' && text === '') {
      this.#ask(db, 'FLUSHDB')
      model.clear()
    } else if (kind === 'swap' && text === '') {
      this.#ask(db, 'SWAPDB', '0', '1')
      this.#models.reverse()
    }
  }

  #add({ db, key, type, member, text }: Step): void {
    const model = this.#models[db]!
    const value = model.get(key) ?? empty(type)
    const ARGV = {
      hash: ['HSET', key, member, text],
      list: ['RPUSH', key, text],
      set: ['SADD', key, member],
      zset: ['ZADD', key, String(text.length), member],
    }
    const reply = this.#ask(db, ...ARGV[type])
    if (value.type !== type) return expectRefused(reply)
    model.set(key, value)
    if (type === 'list') value.list.push(text)
    else {
      // What is given a value anew loses its expiry; a member of a set that is there stays as it is.
      const expireAt = type === 'set' ? (value.members.get(member)?.expireAt ?? 0) : 0
      const held = { hash: text, set: '', zset: String(text.length) }[type]
      value.members.set(member, { value: held, expireAt })
    }
  }

  #remove({ db, key, type, member }: Step): void {
    const model = this.#models[db]!
    const value = model.get(key)
    const ARGV = {
      hash: ['HDEL', key, member],
      list: ['LPOP', key],
      set: ['SREM', key, member],
      zset: ['ZREM', key, member],
    }
    const reply = this.#ask(db, ...ARGV[type])
    if (value === undefined) expect([0, null]).toContain(reply)
    else if (value.type !== type) expectRefused(reply)
    else if (type === 'list') expect(reply).toBe(value.list.shift())
    else expect(reply).toBe(value.members.delete(member) ? 1 : 0)
    if (value !== undefined) dropIfEmpty(model, key, value)
  }

  #expireMember({ db, key, type, member, delayMs }: Step): void {
    if (type === 'list') return
    const value = this.#models[db]!.get(key)
    const [command, word] = {
      hash: ['HPEXPIRE', 'FIELDS'],
      set: ['SPEXPIRE', 'MEMBERS'],
      zset: ['ZPEXPIRE', 'MEMBERS'],
    }[type] as [string, string]
    const reply = this.#ask(db, command, key, String(delayMs), word, '1', member)
    if (value !== undefined && value.type !== type) return expectRefused(reply)
    const found = value?.members.get(member)
    expect(reply).toEqual([found === undefined ? -2 : 1])
    if (found !== undefined) found.expireAt = this.#nowMs + delayMs
  }

  /** What time has taken. */
  #expire(): void {
    for (const model of this.#models) {
      for (const [key, value] of model) {
        for (const [member, { expireAt }] of value.members) {
          if (expireAt !== 0 && expireAt <= this.#nowMs) value.members.delete(member)
        }
        if (value.expireAt !== 0 && value.expireAt <= this.#nowMs) model.delete(key)
        else if (dropIfEmpty(model, key, value)) this.#hasEmptied = true
      }
    }
  }

  #ask(db: number, ...argv: string[]): unknown {
    this.#made.caller = { ...this.#made.caller, db }
    return this.#made.ask(...argv)
  }

  /** What is counted is what is there, before anybody looks; what is seen is what the model has. */
  check(isBrief: boolean): void {
    const { engine, commits } = this.#made
    const last = commits.at(-1)?.revision ?? 0
    expect(last).toBeGreaterThanOrEqual(this.#revision)
    this.#revision = last
    for (const index of [0, 1]) recordsOf(engine.database(index))
    // What is dead may then be met by the next command.
    if (isBrief && !this.#hasEmptied) return
    this.#hasEmptied = false
    for (const [index, model] of this.#models.entries()) {
      const db = engine.database(index)
      const found = KEYS.map((key) => {
        engine.atomically(() => lookInto(db, key))
        const type = db.typeOf(key)
        return type && [key, type, db.expireAt(key), this.#read(index, key, type)]
      })
      const expected = KEYS.map((key) => {
        const value = model.get(key)
        return value && [key, value.type, value.expireAt, plainOf(value)]
      })
      expect(found).toEqual(expected)
      const newest = commits.at(-1)?.revision ?? 0
      for (const key of model.keys()) expect(db.revisionOf(key)).toBeLessThanOrEqual(newest)
      // All keys were looked at: those whose time had come are gone.
      expect(recordsOf(db)).toEqual([...model.keys()].sort())
      let bytes = 0
      for (const key of model.keys()) {
        const collection = db.collection(key)
        expect(collection?.size).not.toBe(0)
        bytes += collection?.bytes ?? 0
      }
      expect(db.heapBytes).toBe(bytes)
    }
  }

  #read(db: number, key: string, type: (typeof TYPES)[number]): unknown {
    if (type === 'string') return this.#ask(db, 'GET', key)
    if (type === 'list') return this.#ask(db, 'LRANGE', key, '0', '-1')
    if (type === 'set') return [...(this.#ask(db, 'SMEMBERS', key) as string[])].sort()
    const flat = this.#ask(
      db,
      type === 'hash' ? 'HGETALL' : 'ZRANGE',
      key,
      ...(type === 'hash' ? [] : ['0', '-1', 'WITHSCORES']),
    ) as unknown[]
    const pairs = type === 'hash' ? chunks(flat) : (flat as unknown[][])
    return pairs.map(([name, value]) => `${name}=${value}`).sort()
  }

  /** Without keys there is nothing left of them. */
  clear(): void {
    const { engine } = this.#made
    for (const db of [0, 1]) for (const key of KEYS) this.#ask(db, 'DEL', key)
    while (engine.tick(1000));
    for (const index of [0, 1]) {
      const db = engine.database(index)
      expect([db.size, db.heapBytes, db.volatileCount]).toEqual([0, 0, 0])
      db.table.checkTable()
    }
    this.#made.clock.advance(1_000_000)
    while (engine.tick(1000));
    expect(engine.expirySize).toBe(0)
  }
}

/** Records that are there, whether their time has come or not; and what is counted of them. */
function recordsOf({ table, size, volatileCount }: Database): string[] {
  const keys: string[] = []
  let volatile = 0
  const cursor = table.scan(0, 1000, (ref) => {
    keys.push(table.keyOf(ref))
    if (table.expireAt(ref) !== 0) volatile++
  })
  expect([cursor, size, volatileCount]).toEqual([0, keys.length, volatile])
  return keys.sort()
}

function lookInto(db: Database, key: string): void {
  const type = db.typeOf(key)
  if (type === 'hash') db.hash(key)
  else if (type === 'set') db.set(key)
  else if (type === 'zset') db.sortedSet(key)
}

function empty(type: Value['type']): Value {
  return { type, text: '', list: [], members: new Map(), expireAt: 0 }
}

function dropIfEmpty(model: Model, key: string, { type, list, members }: Value): boolean {
  if (type === 'string' || list.length > 0 || members.size > 0) return false
  return model.delete(key)
}

function plainOf({ type, text, list, members }: Value): unknown {
  if (type === 'string') return text
  if (type === 'list') return list
  if (type === 'set') return [...members.keys()].sort()
  return [...members].map(([name, { value }]) => `${name}=${value}`).sort()
}

function chunks(flat: readonly unknown[]): unknown[][] {
  return Array.from({ length: flat.length / 2 }, (_, i) => flat.slice(2 * i, 2 * i + 2))
}

function expectRefused(reply: unknown): void {
  expect(reply).toMatch(/^\(error\)/)
}
