/** Random fields, and scans that miss nothing. */
import { beforeEach, expect, test } from 'vitest'
import { DRAWS_MAX } from '../../../src/keyspace/commands/random-count.ts'
import { makeEngine, type Plain, type TestEngine } from '../../support/engine.ts'

let t: TestEngine
beforeEach(() => {
  t = makeEngine()
})
const ask = (line: string): Plain => t.ask(...line.split(' '))
const fields = (count: number): string[] => Array.from({ length: count }, (_, i) => `f${i}`)

function fill(count: number): void {
  t.run('HSET', 'h', ...fields(count).flatMap((field) => [field, field.toUpperCase()]))
}

test('HRANDFIELD with a positive count answers different fields', () => {
  fill(50)
  expect(fields(50)).toContain(ask('HRANDFIELD h'))
  for (const count of [0, 1, 7, 49, 50, 51, 1000]) {
    const found = ask(`HRANDFIELD h ${count}`) as string[]
    expect(new Set(found).size).toBe(Math.min(count, 50))
    expect(found.length).toBe(Math.min(count, 50))
  }
  expect(ask('HRANDFIELD h 50')).toEqual(fields(50))
})

test('HRANDFIELD with a negative count draws as often, each field about as often', () => {
  fill(4)
  const counts = new Map<Plain, number>()
  for (const field of ask('HRANDFIELD h -4000') as string[]) counts.set(field, (counts.get(field) ?? 0) + 1)
  expect([...counts.keys()].sort()).toEqual(fields(4))
  for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(200)
})

test('values come in pairs in RESP3, flat in RESP2', () => {
  fill(1)
  expect(ask('HRANDFIELD h -2 WITHVALUES')).toEqual([
    ['f0', 'F0'],
    ['f0', 'F0'],
  ])
  t.caller = { ...t.caller, resp: 2 }
  expect(ask('HRANDFIELD h -2 withvalues')).toEqual(['f0', 'F0', 'f0', 'F0'])
})

test('nothing is drawn from what is not there', () => {
  expect([ask('HRANDFIELD no'), ask('HRANDFIELD no 3'), ask('HRANDFIELD no -3 WITHVALUES')]).toEqual([
    null,
    [],
    [],
  ])
})

test.each([
  ['HRANDFIELD h x', '(error) ERR value is not an integer or out of range'],
  ['HRANDFIELD h 1 foo', '(error) ERR syntax error'],
  ['HRANDFIELD h x foo', '(error) ERR value is not an integer or out of range'],
  ['HRANDFIELD h 1 WITHVALUES 2', '(error) ERR syntax error'],
  [
    'HRANDFIELD h -9223372036854775808',
    '(error) ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807',
  ],
  ['HRANDFIELD h 9223372036854775807 WITHVALUES', '(error) ERR value is out of range'],
  [`HRANDFIELD h -${DRAWS_MAX + 1}`, '(error) ERR value is out of range'],
  ['HSCAN h x', '(error) ERR invalid cursor'],
  ['HSCAN h 18446744073709551616', '(error) ERR invalid cursor'],
  ['HSCAN h 0 COUNT 0', '(error) ERR syntax error'],
  ['HSCAN h 0 COUNT x', '(error) ERR value is not an integer or out of range'],
  ['HSCAN h 0 MATCH', '(error) ERR syntax error'],
  ['HSCAN h 0 TYPE hash', '(error) ERR syntax error'],
  ['HSCAN no x', '(error) ERR invalid cursor'],
])('%s is refused', (line, message) => {
  fill(3)
  expect(ask(line)).toBe(message)
})

test('a small hash is scanned in one call', () => {
  fill(3)
  expect(ask('HSCAN h 0')).toEqual(['0', ['f0', 'F0', 'f1', 'F1', 'f2', 'F2']])
  expect(ask('HSCAN h 0 NOVALUES MATCH *[02]')).toEqual(['0', ['f0', 'f2']])
  expect(ask('HSCAN h 0 match f1 count 1')).toEqual(['0', ['f1', 'F1']])
  expect(ask('HSCAN no 0 foo')).toEqual(['0', []])
})

test.each(['0', '00', '+0', '-0', ''])('the cursor "%s" begins', (cursor) => {
  fill(1)
  expect(t.ask('HSCAN', 'h', cursor)).toEqual(['0', ['f0', 'F0']])
})

test('a scan of a large hash sees all that stays, whatever comes and goes', () => {
  fill(1000)
  const seen = new Set<string>()
  let cursor = '0'
  let calls = 0
  do {
    const [next, found] = ask(`HSCAN h ${cursor} COUNT 37 NOVALUES`) as [string, string[]]
    for (const field of found) seen.add(field)
    cursor = next
    ask(`HDEL h f${900 + calls}`)
    ask(`HSET h new${calls} v`)
    calls++
  } while (cursor !== '0')
  expect(calls).toBeGreaterThan(20)
  for (const field of fields(900)) expect(seen).toContain(field)
})
