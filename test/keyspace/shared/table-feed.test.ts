/** How tables of shards become known to threads: told as they grow, asked for by who comes late. */
import { describe, expect, test } from 'vitest'
import { KeyspaceMemory } from '../../../src/keyspace/shared/keyspace-memory.ts'
import { TableDirectory, TablePublisher } from '../../../src/keyspace/shared/table-feed.ts'
import { KeyTableWriter } from '../../../src/memory/index.ts'
import type { Broadcast } from '../../../src/transport/index.ts'

const NEVER = (): number => expect.fail('no key here expires')
const BIG = 'x'.repeat(5000)

/** Channels of one name within this thread; what was posted waits until it is received. */
class Air {
  readonly ends: (Broadcast & { readonly waiting: object[] })[] = []

  open(): Broadcast & { readonly waiting: object[] } {
    const waiting: object[] = []
    const end = {
      waiting,
      post: (message: unknown) => {
        for (const other of this.ends) if (other !== end) other.waiting.push(message as object)
      },
      receive: () => {
        const message = waiting.shift()
        return message && { message }
      },
      close: () => void this.ends.splice(this.ends.indexOf(end), 1),
    }
    this.ends.push(end)
    return end
  }
}

/** A shard's table of small segments that tells of them. */
function shardOn(air: Air, memory: KeyspaceMemory, shard = 1) {
  const publisher = new TablePublisher(shard, memory, air.open())
  const table = new KeyTableWriter({
    segmentBytes: 2 ** 14,
    pageBytes: 1024,
    stripes: 2,
    onSegment: (id, buffer) => publisher.addSegment(id, buffer),
  })
  return { publisher, table, publish: () => publisher.publish(table.directory) }
}

function world() {
  const memory = KeyspaceMemory.allocate(3)
  const air = new Air()
  const end = air.open()
  return { memory, air, end, directory: new TableDirectory(memory, end) }
}

describe('a thread that was there first', () => {
  test('knows of no table before one is published, and then finds what is in it', () => {
    const { memory, air, directory } = world()
    const { table, publish } = shardOn(air, memory)
    table.putString('a', 'early')
    expect(directory.reader(1)).toBeUndefined()
    publish()
    expect(directory.isCurrent(1)).toBe(false)
    const reader = directory.reader(1)!
    expect(directory.isCurrent(1)).toBe(true)
    expect(reader.getString('a', NEVER)).toBe('early')
    expect(directory.reader(1)).toBe(reader)
    expect(directory.reader(0)).toBeUndefined()
  })

  test('finds what lies in segments made before and after the table was published', () => {
    const { memory, air, directory } = world()
    const { table, publish } = shardOn(air, memory)
    for (let i = 0; i < 10; i++) table.putString(`before:${i}`, BIG)
    expect(table.segments.length).toBeGreaterThan(2)
    publish()
    const reader = directory.reader(1)!
    const known = table.segments.length
    for (let i = 0; i < 10; i++) table.putString(`after:${i}`, BIG)
    expect(table.segments.length).toBeGreaterThan(known)
    for (let i = 0; i < 10; i++) {
      expect(reader.getString(`before:${i}`, NEVER)).toBe(BIG)
      expect(reader.getString(`after:${i}`, NEVER)).toBe(BIG)
    }
  })

  test('takes what has come only when it meets what it does not know', () => {
    const { memory, air, end, directory } = world()
    const { table, publish } = shardOn(air, memory)
    table.putString('a', 'one')
    publish()
    const reader = directory.reader(1)!
    expect(end.waiting).toEqual([])
    for (let i = 0; i < 10; i++) table.putString(`key:${i}`, BIG)
    const waiting = end.waiting.length
    expect(waiting).toBeGreaterThan(0)
    expect(directory.reader(1)).toBe(reader)
    expect(reader.getString('a', NEVER)).toBe('one')
    expect(end.waiting.length).toBe(waiting)
    expect(reader.getString('key:9', NEVER)).toBe(BIG)
    expect(end.waiting).toEqual([])
  })
})

describe('a thread that comes late', () => {
  test('attaches by what the shard answers, and hears of the rest', () => {
    const { memory, air } = world()
    const { table, publish, publisher } = shardOn(air, memory)
    publish()
    for (let i = 0; i < 10; i++) table.putString(`before:${i}`, BIG)
    const late = new TableDirectory(memory, air.open())
    expect(late.reader(1)).toBeUndefined()
    expect(late.isCurrent(1)).toBe(false)
    late.take(publisher.news())
    const reader = late.reader(1)!
    expect(late.isCurrent(1)).toBe(true)
    for (let i = 0; i < 10; i++) table.putString(`after:${i}`, BIG)
    for (const name of ['before', 'after']) {
      for (let i = 0; i < 10; i++) expect(reader.getString(`${name}:${i}`, NEVER)).toBe(BIG)
    }
  })

  test('and hears of a segment before it knows the table takes nothing from it', () => {
    const { memory, air } = world()
    const { table, publish, publisher } = shardOn(air, memory)
    publish()
    const late = new TableDirectory(memory, air.open())
    for (let i = 0; i < 10; i++) table.putString(`key:${i}`, BIG)
    late.drain()
    expect(late.reader(1)).toBeUndefined()
    late.take(publisher.news())
    expect(late.reader(1)?.getString('key:9', NEVER)).toBe(BIG)
  })

  test('is told nothing by a shard that has no table yet', () => {
    const { memory, air } = world()
    const { publisher, table, publish } = shardOn(air, memory)
    const late = new TableDirectory(memory, air.open())
    expect(publisher.news().directory).toBeUndefined()
    late.take(publisher.news())
    expect(late.reader(1)).toBeUndefined()
    table.putString('a', 'b')
    publish()
    expect(late.reader(1)?.getString('a', NEVER)).toBe('b')
  })
})

describe('a shard that was started anew', () => {
  test('has another table, which takes the place of the first at once', () => {
    const { memory, air, directory } = world()
    const first = shardOn(air, memory)
    first.table.putString('a', 'first')
    first.publish()
    const old = directory.reader(1)!
    expect(old.getString('a', NEVER)).toBe('first')
    const second = shardOn(air, memory)
    second.table.putString('b', 'second')
    expect(directory.reader(1)).toBe(old)
    second.publish()
    expect(directory.isCurrent(1)).toBe(false)
    const reader = directory.reader(1)!
    expect(reader).not.toBe(old)
    expect([reader.getString('a', NEVER), reader.getString('b', NEVER)]).toEqual([undefined, 'second'])
  })

  test('that is withheld is not read, nor is the one before, until it is released', () => {
    const { memory, air, directory } = world()
    const first = shardOn(air, memory)
    first.table.putString('a', 'first')
    first.publish()
    expect(directory.reader(1)?.getString('a', NEVER)).toBe('first')
    const second = shardOn(air, memory)
    second.publisher.withhold()
    second.publish()
    expect(directory.reader(1)).toBeUndefined()
    second.table.putString('a', 'second')
    directory.take(second.publisher.news())
    expect(directory.reader(1)).toBeUndefined()
    expect(directory.isCurrent(1)).toBe(false)
    second.publisher.release()
    expect(directory.reader(1)?.getString('a', NEVER)).toBe('second')
  })

  test('is not mistaken for what it was, when news of that come late', () => {
    const { memory, air, directory } = world()
    const first = shardOn(air, memory)
    first.table.putString('a', 'first')
    first.publish()
    const stale = first.publisher.news()
    const second = shardOn(air, memory)
    second.publish()
    const reader = directory.reader(1)
    directory.take(stale)
    expect(directory.reader(1)).toBe(reader)
    expect(reader?.getString('a', NEVER)).toBeUndefined()
  })
})

test('tables of several shards are told apart', () => {
  const { memory, air, directory } = world()
  const shards = [0, 1, 2].map((shard) => shardOn(air, memory, shard))
  for (const [i, { table, publish }] of shards.entries()) {
    table.putString('key', `of ${i}`)
    publish()
  }
  expect([2, 0, 1].map((shard) => directory.reader(shard)?.getString('key', NEVER))).toEqual([
    'of 2',
    'of 0',
    'of 1',
  ])
})

test('a directory that was closed hears of nothing more', () => {
  const { memory, air, directory, end } = world()
  const { publish } = shardOn(air, memory)
  directory.close()
  publish()
  expect(end.waiting).toEqual([])
})
