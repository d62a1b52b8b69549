/**
 * The commands that make a key: which they are, how large, and that a time leaves nothing of what has passed.
 */
import { describe, expect, test } from 'vitest'
import { type Command, commandsOf, type PortableEntry } from '../../../src/keyspace/portable/index.ts'
import { makeEngine, START_MS } from '../../support/engine.ts'
import { entriesOf } from '../../support/portable/arbitrary-keys.ts'
import type { WholeKey } from '../../support/portable/entries.ts'
import { keysOfEngine, wordsOf } from '../../support/portable/runs.ts'

const REPLACE = { ifExists: 'replace' } as const

function entryOf(value: WholeKey['value'], more: Partial<PortableEntry> = {}): PortableEntry {
  return { db: 0, key: 'k', expireAt: 0, part: 0, isLast: true, value, ...more }
}

function textOf(commands: readonly Command[]): string[] {
  return commands.map((command) => wordsOf(command).join(' '))
}

const LIST = { type: 'list', elements: ['a', 'b'] } as const
const EACH: readonly (readonly [WholeKey['value'], readonly string[]])[] = [
  [{ type: 'string', text: 'v' }, ['SET k v']],
  [LIST, ['RPUSH k a b']],
  [{ type: 'set', members: ['a', 'b'], times: undefined }, ['SADD k a b']],
  [{ type: 'hash', fields: ['f', 'g'], values: ['v', 'w'], times: undefined }, ['HSET k f v g w']],
  [
    { type: 'zset', members: ['a', 'b', 'c'], scores: [1.5, Number.NEGATIVE_INFINITY, -0], times: undefined },
    ['ZADD k 1.5 a -inf b -0 c'],
  ],
]

describe('the commands of a key', () => {
  test.each(EACH)('of each type: %j', (value, expected) => {
    expect(textOf(commandsOf(entryOf(value), { ifExists: 'skip' }).commands)).toEqual(expected)
  })

  test('set its time, in each part', () => {
    const more = { expireAt: 9 }
    expect(textOf(commandsOf(entryOf({ type: 'string', text: 'v' }, more), REPLACE).commands)).toEqual([
      'SET k v PXAT 9',
    ])
    for (const part of [0, 1]) {
      const { commands } = commandsOf(entryOf(LIST, { ...more, part, isLast: part === 1 }), {
        ifExists: 'skip',
      })
      expect(textOf(commands)).toEqual(['RPUSH k a b', 'PEXPIREAT k 9'])
    }
  })

  test('set the times of members, alike ones together', () => {
    const times = [5, 0, 7, 5]
    const members = ['a', 'b', 'c', 'd']
    const hash = { type: 'hash', fields: members, values: members, times } as const
    expect(textOf(commandsOf(entryOf(hash), REPLACE).commands)).toEqual([
      ...['DEL k', 'HSET k a a b b c c d d', 'HPEXPIREAT k 5 FIELDS 2 a d', 'HPEXPIREAT k 7 FIELDS 1 c'],
    ])
    const set = commandsOf(entryOf({ type: 'set', members, times }), { ifExists: 'skip' })
    expect(textOf(set.commands).slice(1)).toEqual([
      'SPEXPIREAT k 5 MEMBERS 2 a d',
      'SPEXPIREAT k 7 MEMBERS 1 c',
    ])
    const zset = entryOf({ type: 'zset', members, scores: [1, 2, 3, 4], times })
    expect(textOf(commandsOf(zset, { ifExists: 'skip' }).commands).slice(1)).toEqual([
      'ZPEXPIREAT k 5 MEMBERS 2 a d',
      'ZPEXPIREAT k 7 MEMBERS 1 c',
    ])
    const without = commandsOf(zset, { ifExists: 'skip', memberTimes: false })
    expect(textOf(without.commands)).toEqual(['ZADD k 1 a 2 b 3 c 4 d'])
  })

  test('remove what was there before the first part, or ask whether it is there', () => {
    const guards = (['replace', 'skip', 'error'] as const).map((ifExists) => {
      return [0, 1].map((part) => commandsOf(entryOf(LIST, { part }), { ifExists }))
    })
    expect(guards.map((parts) => parts.map(({ guard }) => guard && textOf([guard])[0]))).toEqual([
      [undefined, undefined],
      ['EXISTS k', undefined],
      ['EXISTS k', undefined],
    ])
    expect(guards.map((parts) => parts.map(({ commands }) => textOf(commands)[0]))).toEqual([
      ['DEL k', 'RPUSH k a b'],
      ['RPUSH k a b', 'RPUSH k a b'],
      ['RPUSH k a b', 'RPUSH k a b'],
    ])
  })

  test('are text where they are ASCII, and bytes where they are not', () => {
    const { commands } = commandsOf(entryOf({ type: 'list', elements: ['a', '\xe9'] }, { key: '\xff' }), {
      ifExists: 'skip',
    })
    expect(commands).toEqual([['RPUSH', Uint8Array.of(0xff), 'a', Uint8Array.of(0xe9)]])
  })

  test('are of moderate size, however many members there are', () => {
    const members = Array.from({ length: 3000 }, (_, n) => `m${n}`)
    const times = members.map((_, n) => (n % 2 === 0 ? START_MS + 5000 : 0))
    const entry = entryOf({ type: 'hash', fields: members, values: members, times })
    const { commands } = commandsOf(entry, { ifExists: 'skip' })
    expect(commands.map(([name]) => name)).toEqual([...Array(6).fill('HSET'), ...Array(3).fill('HPEXPIREAT')])
    for (const command of commands) expect(command.length).toBeLessThanOrEqual(2 + 2 * 512)
    const long = entryOf({ type: 'list', elements: Array(10).fill('x'.repeat(50_000)) })
    expect(commandsOf(long, { ifExists: 'skip' }).commands.map(({ length }) => length)).toEqual([5, 5, 5, 3])
  })
})

describe('run on an engine', () => {
  test('they make what they say, whatever was there', () => {
    for (const [value] of EACH) {
      for (const [other] of EACH) {
        const world = makeEngine()
        const entries = entriesOf({ db: 0, key: 'k', expireAt: START_MS + 500, value }, 1)
        for (const entry of [entryOf(other), ...entries]) {
          for (const command of commandsOf(entry, REPLACE).commands) {
            expect(String(world.ask(...command))).not.toMatch(/error/)
          }
        }
        const [found, ...others] = keysOfEngine(world)
        expect(others).toEqual([])
        expect(found).toMatchObject({ key: 'k', expireAt: START_MS + 500, value: { type: value.type } })
      }
    }
  })

  test('a key whose time has passed leaves nothing, though it has parts', () => {
    for (const [value] of EACH) {
      const world = makeEngine()
      for (const entry of entriesOf({ db: 0, key: 'k', expireAt: START_MS - 1, value }, 1)) {
        for (const command of commandsOf(entry, REPLACE).commands) world.ask(...command)
      }
      expect(keysOfEngine(world)).toEqual([])
    }
  })

  test('a member whose time has passed is gone, and the others are there', () => {
    const world = makeEngine()
    const times = [START_MS - 5, 0, START_MS + 5]
    for (const entry of entriesOf({
      ...{ db: 0, key: 'k', expireAt: 0 },
      value: { type: 'set', members: ['a', 'b', 'c'], times },
    })) {
      for (const command of commandsOf(entry, REPLACE).commands) world.ask(...command)
    }
    expect(keysOfEngine(world)[0]!.value).toEqual({
      type: 'set',
      members: ['b', 'c'],
      times: [0, START_MS + 5],
    })
  })
})
