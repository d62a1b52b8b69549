/** The lines of an export: their exact form, which other programs read, and their length. */
import { describe, expect, test } from 'vitest'
import { type PortableEntry, writeNdjson } from '../../../../src/keyspace/portable/index.ts'
import { entriesOf } from '../../../support/portable/arbitrary-keys.ts'
import { keysOfNdjson, plainKeys, type WholeKey } from '../../../support/portable/entries.ts'

const HEAD = '{"format":"shardloom-export","version":1}'

async function linesOf(entries: readonly PortableEntry[], lineTextMax?: number): Promise<string[]> {
  let text = ''
  const options = lineTextMax === undefined ? {} : { lineTextMax }
  for await (const chunk of writeNdjson([entries], options)) text += Buffer.from(chunk).toString('utf8')
  expect(text.endsWith('\n')).toBe(true)
  return text.slice(0, -1).split('\n')
}

function keyOf(value: WholeKey['value'], more: Partial<WholeKey> = {}): WholeKey {
  return { db: 0, key: 'k', expireAt: 0, value, ...more }
}

describe('an export', () => {
  test('of nothing has a first and a last line', async () => {
    expect(await linesOf([])).toEqual([HEAD, '{"end":true,"keys":0,"lines":0}'])
  })

  test('has a line for each small key', async () => {
    const keys = [
      keyOf({ type: 'string', text: 'Ada' }),
      keyOf({ type: 'list', elements: ['a', 'a', '\xff'] }, { db: 3 }),
      keyOf({ type: 'set', members: ['a', 'b'], times: [0, 1_700_000_000_000] }),
      keyOf(
        { type: 'hash', fields: ['f', 'g'], values: ['v', 'w'], times: [7, 0] },
        { expireAt: 1_800_000_000_000 },
      ),
      keyOf({
        type: 'zset',
        members: ['a', 'b', 'c'],
        scores: [1.5, Number.NEGATIVE_INFINITY, -0],
        times: [0, 0, 9],
      }),
    ]
    // Pinned: files are kept.
    expect(await linesOf(keys.flatMap((key) => entriesOf(key)))).toEqual([
      HEAD,
      '{"key":"k","type":"string","value":"Ada"}',
      '{"db":3,"key":"k","type":"list","elements":["a","a",{"base64":"/w=="}]}',
      '{"key":"k","type":"set","members":["a",["b",1700000000000]]}',
      '{"key":"k","type":"hash","expireAt":1800000000000,"fields":[["f","v",7],["g","w"]]}',
      '{"key":"k","type":"zset","members":[["a",1.5],["b","-inf"],["c","-0",9]]}',
      '{"end":true,"keys":5,"lines":5}',
    ])
  })

  test('has a line for each part of a key', async () => {
    const entries = entriesOf(keyOf({ type: 'list', elements: ['a', 'b', 'c'] }), 1)
    expect(await linesOf(entries)).toEqual([
      HEAD,
      '{"key":"k","type":"list","elements":["a"],"more":true}',
      '{"key":"k","type":"list","part":1,"elements":["b"],"more":true}',
      '{"key":"k","type":"list","part":2,"elements":["c"]}',
      '{"end":true,"keys":1,"lines":3}',
    ])
  })

  test('begins another line in time, and cuts a member that is longer than a line', async () => {
    const hash = keyOf({
      type: 'hash',
      fields: ['a', 'b', 'long', 'c'],
      values: ['1', '2', '0123456789', '3'],
      times: [0, 0, 5, 0],
    })
    expect(await linesOf(entriesOf(hash), 8)).toEqual([
      HEAD,
      '{"key":"k","type":"hash","fields":[["a","1"],["b","2"]],"more":true}',
      '{"key":"k","type":"hash","part":1,"fields":[["long","0123",5]],"cut":true,"more":true}',
      '{"key":"k","type":"hash","part":2,"rest":["","4567"],"cut":true,"more":true}',
      '{"key":"k","type":"hash","part":3,"rest":["","89"],"more":true}',
      '{"key":"k","type":"hash","part":4,"fields":[["c","3"]]}',
      '{"end":true,"keys":1,"lines":5}',
    ])
  })

  test('cuts a long string between characters, where it has some', async () => {
    const green = Buffer.from('ab🌱é').toString('latin1')
    expect(await linesOf(entriesOf(keyOf({ type: 'string', text: green })), 4)).toEqual([
      HEAD,
      '{"key":"k","type":"string","value":"ab","cut":true,"more":true}',
      '{"key":"k","type":"string","part":1,"rest":"🌱","cut":true,"more":true}',
      '{"key":"k","type":"string","part":2,"rest":"é"}',
      '{"end":true,"keys":1,"lines":3}',
    ])
    const bytes = keyOf({ type: 'string', text: '\x80'.repeat(10) })
    expect(await linesOf(entriesOf(bytes), 4)).toHaveLength(5)
    // However short a line may be, it goes on.
    expect(await linesOf(entriesOf(keyOf({ type: 'string', text: green })), 1)).toHaveLength(2 + green.length)
  })

  test('has lines that are bounded, whatever stands in them', async () => {
    const value = keyOf({
      type: 'hash',
      fields: ['f', '\0'.repeat(2_000_000)],
      values: ['\xff'.repeat(3_000_000), ''],
      times: undefined,
    })
    const lines = await linesOf(entriesOf(value))
    expect(lines.length).toBeGreaterThan(20)
    for (const line of lines) expect(line.length).toBeLessThan(6 * 256 * 1024 + 200)
    expect(plainKeys(await keysOfNdjson(lines.join('\n')))).toEqual(plainKeys([value]))
  })

  test('comes in chunks of moderate size', async () => {
    const entries = Array.from({ length: 10_000 }, (_, n) => ({
      ...entriesOf(keyOf({ type: 'string', text: 'x'.repeat(n % 100) }))[0]!,
      key: `key ${n}`,
    }))
    const sizes: number[] = []
    for await (const chunk of writeNdjson([entries])) sizes.push(chunk.length)
    expect(sizes.length).toBeGreaterThan(5)
    expect(Math.max(...sizes)).toBeLessThan(70_000)
  })

  test('refuses parts that do not follow each other', async () => {
    const [first, second] = entriesOf(keyOf({ type: 'list', elements: ['a', 'b'] }), 1) as [
      PortableEntry,
      PortableEntry,
    ]
    const wrong = [
      [second],
      [first, first],
      [first, { ...second, key: 'other' }],
      [first, { ...second, db: 1 }],
      [first, { ...second, part: 2 }],
      [first],
    ]
    for (const entries of wrong)
      await expect(linesOf(entries)).rejects.toMatchObject({ code: 'SHL_ASSERTION' })
    await expect(linesOf([first, second, first, second])).resolves.toHaveLength(6)
  })
})
