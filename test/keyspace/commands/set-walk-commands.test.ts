/** Random members, and scans that miss nothing. */
import { beforeEach, expect, test } from 'vitest'
import { MEMBERS_PER_EFFECT } from '../../../src/keyspace/commands/logged-members.ts'
import { DRAWS_MAX } from '../../../src/keyspace/commands/random-count.ts'
import { SetReply } from '../../../src/keyspace/engine/index.ts'
import { makeEngine, type Plain, type TestEngine } from '../../support/engine.ts'

let t: TestEngine
beforeEach(() => {
  t = makeEngine()
})
const ask = (line: string): Plain => t.ask(...line.split(' '))
const members = (count: number): string[] => Array.from({ length: count }, (_, i) => `m${i}`)

test('SPOP takes one, and logs which', () => {
  ask('SADD s a b c')
  const member = ask('SPOP s') as string
  expect(t.events()).toEqual(['spop s'])
  expect(t.effects()).toEqual([['SREM', 's', member]])
  expect(ask('SCARD s')).toBe(2)
  ask('SPOP s')
  ask('SPOP s')
  expect(t.events()).toEqual(['spop s', 'del s'])
  expect(ask('SPOP s')).toBe(null)
  expect(t.effects()).toEqual([])
})

test('SPOP with a count answers a set, and logs its members', () => {
  t.run('SADD', 's', ...members(10))
  const reply = t.run('SPOP', 's', 3)
  expect(reply).toBeInstanceOf(SetReply)
  const popped = (reply as SetReply).members as string[]
  expect(new Set(popped).size).toBe(3)
  expect(t.effects()).toEqual([['SREM', 's', ...popped]])
  expect(t.events()).toEqual(['spop s'])
  expect(ask(`SMISMEMBER s ${popped.join(' ')}`)).toEqual([0, 0, 0])
  expect(t.run('SPOP', 's', 0)).toEqual(new SetReply([]))
  expect(t.events()).toEqual([])
})

test('SPOP of all is logged as DEL', () => {
  t.run('SADD', 's', ...members(5))
  expect((ask('SPOP s 100') as string[]).length).toBe(5)
  expect(t.effects()).toEqual([['DEL', 's']])
  expect(t.events()).toEqual(['spop s', 'del s'])
  expect(ask('SPOP s 100')).toEqual([])
})

test('what a large SPOP took is logged in parts', () => {
  const count = MEMBERS_PER_EFFECT * 2 + 3
  t.run('SADD', 's', ...members(count + 1))
  t.run('SPOP', 's', count)
  expect(t.effects().map((argv) => argv.length - 2)).toEqual([MEMBERS_PER_EFFECT, MEMBERS_PER_EFFECT, 3])
  expect(new Set(t.effects().flatMap((argv) => argv.slice(2))).size).toBe(count)
  expect(ask('SCARD s')).toBe(1)
})

test('a count of members that no call could take as arguments is popped and logged', () => {
  for (let i = 0; i < 200_000; i += 10_000) {
    t.run('SADD', 's', ...Array.from({ length: 10_000 }, (_, j) => `m${i + j}`))
  }
  expect((ask('SPOP s 199999') as string[]).length).toBe(199_999)
  expect(ask('SCARD s')).toBe(1)
})

test('SRANDMEMBER answers different members, or draws', () => {
  t.run('SADD', 's', ...members(20))
  expect(members(20)).toContain(ask('SRANDMEMBER s'))
  for (const count of [0, 1, 19, 20, 99]) {
    const found = ask(`SRANDMEMBER s ${count}`) as string[]
    expect([found.length, new Set(found).size]).toEqual([Math.min(count, 20), Math.min(count, 20)])
  }
  expect((ask('SRANDMEMBER s -50') as string[]).length).toBe(50)
  expect([ask('SRANDMEMBER no'), ask('SRANDMEMBER no 2'), ask('SRANDMEMBER no -2')]).toEqual([null, [], []])
  expect(t.commits.length).toBe(1)
})

test.each([
  ['SPOP s -1', '(error) ERR value is out of range, must be positive'],
  ['SPOP s x', '(error) ERR value is out of range, must be positive'],
  ['SPOP s 1 2', '(error) ERR syntax error'],
  ['SRANDMEMBER s x', '(error) ERR value is not an integer or out of range'],
  ['SRANDMEMBER s 1 2', '(error) ERR syntax error'],
  [`SRANDMEMBER s -${DRAWS_MAX + 1}`, '(error) ERR value is out of range'],
  ['SSCAN s x', '(error) ERR invalid cursor'],
  ['SSCAN s 0 FOO', '(error) ERR syntax error'],
  ['SSCAN s 0 COUNT -1', '(error) ERR syntax error'],
  ['SSCAN s 0 NOVALUES', '(error) ERR NOVALUES option can only be used in HSCAN'],
])('%s is refused', (line, message) => {
  ask('SADD s a')
  expect(ask(line)).toBe(message)
  expect(ask('SCARD s')).toBe(1)
})

test('a scan answers what matches, and sees all that stays', () => {
  t.run('SADD', 's', ...members(500), 'other')
  const seen = new Set<string>()
  let cursor = '0'
  let calls = 0
  do {
    const [next, found] = ask(`SSCAN s ${cursor} MATCH m* COUNT 50`) as [string, string[]]
    for (const member of found) seen.add(member)
    cursor = next
    ask(`SREM s m${calls++}`)
  } while (cursor !== '0')
  expect(seen).not.toContain('other')
  for (const member of members(500).slice(calls)) expect(seen).toContain(member)
  expect(ask('SSCAN no 0')).toEqual(['0', []])
})
