/**
 * Lines of an export that were written elsewhere, or edited: what is taken, and what is refused, and where.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ShardloomError } from '../../../../src/base/index.ts'
import {
  NdjsonReader,
  type NdjsonReaderOptions,
  type NdjsonSummary,
} from '../../../../src/keyspace/portable/index.ts'
import { collect, cut, joined, keysOfNdjson } from '../../../support/portable/entries.ts'

const HEAD = '{"format":"shardloom-export","version":1}'
const STRING = '{"key":"k","type":"string","value":"v"}'

function bytesOf(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}

function fileOf(lines: readonly string[], keys = lines.length): string {
  return `${[HEAD, ...lines, `{"end":true,"keys":${keys},"lines":${lines.length}}`].join('\n')}\n`
}

async function read(text: string, options: Partial<NdjsonReaderOptions> = {}) {
  const reader = new NdjsonReader({ source: 'f', ...options })
  const { entries, error } = await collect(reader.read(cut(Buffer.from(text, 'utf8'), 100)))
  const summary: NdjsonSummary = reader.summary
  return { entries, error, summary }
}

/** Why a file is refused, and the place. */
async function refusalOf(text: string): Promise<readonly [unknown, unknown]> {
  const { error } = await read(text)
  if (!(error instanceof ShardloomError) || error.code !== 'SHL_IMPORT_INVALID')
    throw error ?? new Error('taken')
  expect(error.details['source']).toBe('f')
  return [error.details['offset'], error.details['reason']]
}

/** Why a file of such lines is refused. */
async function reasonOf(...lines: readonly string[]): Promise<unknown> {
  return (await refusalOf(fileOf(lines)))[1]
}

describe('what is read', () => {
  test('is what the page of the format shows', async () => {
    const page = readFileSync(join(import.meta.dirname, '../../../../docs/formats/ndjson.md'), 'utf8')
    const [, example = ''] = /^```json\n(.*?)^```/ms.exec(page) ?? []
    const time = Date.UTC(2030, 0, 1)
    expect(await keysOfNdjson(example)).toEqual([
      { db: 0, key: 'user:1', expireAt: time, value: { type: 'string', text: bytesOf('Ada 🌱') } },
      { db: 3, key: 'jobs', expireAt: 0, value: { type: 'list', elements: ['a', '\xff', 'a'] } },
      {
        ...{ db: 0, key: 'scores', expireAt: 0 },
        value: {
          type: 'zset',
          members: ['c', 'a', 'b'],
          scores: [Number.NEGATIVE_INFINITY, 0.1, 1e100],
          times: undefined,
        },
      },
      {
        ...{ db: 0, key: 'session', expireAt: 0 },
        value: { type: 'hash', fields: ['name', 'token'], values: ['Ada', 'x'], times: [0, time] },
      },
      { db: 0, key: 'long', expireAt: 0, value: { type: 'string', text: 'it goes on' } },
    ])
  })

  test('names may stand in any order, with spaces, in files of any system', async () => {
    const text = fileOf(['  { "value" : "v" , "type":"string", "expireAt": 5 , "key" : "k", "db": 2 }'])
    const expected = [{ db: 2, key: 'k', expireAt: 5, value: { type: 'string', text: 'v' } }]
    expect(await keysOfNdjson(text)).toEqual(expected)
    expect(await keysOfNdjson(text.replaceAll('\n', '\r\n'))).toEqual(expected)
    expect(await keysOfNdjson(text.replaceAll('\n', '\n\n'))).toEqual(expected)
    expect(await keysOfNdjson(text.slice(0, -1))).toEqual(expected)
  })

  test('text may be escaped, and times may be ISO 8601', async () => {
    const [key] = await keysOfNdjson(
      fileOf([
        '{"key":"\\u00e9","type":"set","expireAt":"2030-01-01T00:00:00Z",' +
          '"members":[["\\n","2030-01-01T01:00+01:00"]]}',
      ]),
    )
    const time = Date.UTC(2030, 0, 1)
    expect(key).toEqual({
      ...{ db: 0, key: '\xc3\xa9', expireAt: time },
      value: { type: 'set', members: ['\n'], times: [time] },
    })
  })

  test('the summary counts keys, lines and bytes', async () => {
    const text = fileOf(
      [
        STRING,
        '{"key":"l","type":"list","elements":["a"],"more":true}',
        '{"key":"l","type":"list","part":1,"elements":["b"]}',
      ],
      2,
    )
    const { summary, entries } = await read(text)
    expect(summary).toEqual({ keys: 2, lines: 3, bytes: text.length, isWhole: true })
    expect(joined(entries)[1]!.value).toEqual({ type: 'list', elements: ['a', 'b'] })
  })

  test('a member that was cut goes on in the lines behind it', async () => {
    const [key] = await keysOfNdjson(
      fileOf(
        [
          '{"key":"h","type":"hash","fields":[["a","1"],["b","x",7]],"cut":true,"more":true}',
          '{"key":"h","type":"hash","part":1,"rest":["","y"],"cut":true,"more":true}',
          '{"key":"h","type":"hash","part":2,"rest":["B",{"base64":"/w=="}],"more":true}',
          '{"key":"h","type":"hash","part":3,"fields":[["c","3"]]}',
        ],
        1,
      ),
    )
    expect(key!.value).toEqual({
      type: 'hash',
      fields: ['a', 'bB', 'c'],
      values: ['1', 'xy\xff', '3'],
      times: [0, 7, 0],
    })
  })
})

describe('a file is refused that', () => {
  test('is none', async () => {
    const expected = 'line 1: found no export, expected a first line with format shardloom-export'
    expect(await refusalOf('{"key":"k"}\n')).toEqual([0, expected])
    expect(await refusalOf('{"format":"other","version":1}\n')).toEqual([0, expected])
    expect(await refusalOf(HEAD.replace('1', '2'))).toEqual([0, 'line 1: found version 2, expected 1'])
    expect(await refusalOf(HEAD.replace('}', ',"x":1}'))).toEqual([0, 'line 1: found an unknown name "x"'])
    expect((await refusalOf('REDIS0011'))[1]).toMatch('line 1: found no JSON')
    expect((await refusalOf(''))[1]).toMatch('the file ends here, expected a last line')
  })

  test('was cut off', async () => {
    const lines = [HEAD, STRING, STRING.replace('"k"', '"l"')]
    const text = `${lines.join('\n')}\n`
    const { entries, error, summary } = await read(text)
    expect(entries).toHaveLength(2)
    expect(summary.isWhole).toBe(false)
    expect(error).toMatchObject({
      details: {
        offset: text.length,
        reason: 'line 3: the file ends here, expected a last line that begins with {"end":true',
      },
    })
    expect((await refusalOf(text.slice(0, -5)))[1]).toMatch('line 3: found no JSON')
  })

  test('has lines that are gone, doubled, or behind its end', async () => {
    const text = fileOf([STRING, STRING])
    const last = text.lastIndexOf('{"end"')
    expect(await refusalOf(text.replace(`${STRING}\n`, ''))).toEqual([
      last - STRING.length - 1,
      'line 3: found keys, lines [2,2], expected [1,1]: some are gone',
    ])
    expect((await refusalOf(fileOf([STRING], 2)))[1]).toMatch('found keys, lines [2,1], expected [1,1]')
    const tooMany = fileOf([STRING]).replace('"lines":1', '"lines":2')
    expect((await refusalOf(tooMany))[1]).toMatch('found keys, lines [1,2], expected [1,1]')
    expect((await refusalOf(`${text}${STRING}\n`))[1]).toBe('line 5: found a line behind the last one')
    expect((await refusalOf(text.replace('true', '1')))[1]).toMatch('found a wrong "end", expected true')
    expect((await refusalOf(text.replace('"end"', '"x":1,"end"')))[1]).toMatch('found an unknown name "x"')
  })

  test('is no JSON, no object, or no UTF-8', async () => {
    for (const line of ['{', '{"key":}', "{'key':1}", 'key', '{"key":"a\tb"}']) {
      expect(await reasonOf(line)).toMatch(/^line 2: found no JSON/)
    }
    for (const line of ['[]', '1', 'null', '"x"']) {
      expect(await reasonOf(line)).toBe('line 2: found JSON that is no object')
    }
    const bytes = Buffer.from(fileOf([STRING.replace('v"', '?"')]), 'latin1')
    bytes[bytes.indexOf('?')] = 0xff
    const { error } = await collect(new NdjsonReader({ source: 'f' }).read([bytes]))
    expect(error).toMatchObject({
      details: { offset: HEAD.length + 1, reason: 'line 2: found bytes that are not UTF-8' },
    })
  })

  test('has a line that is too long', async () => {
    const text = fileOf([STRING.replace('"v"', `"${'v'.repeat(300)}"`)])
    const { error } = await read(text, { lineBytesMax: 300 })
    expect(error).toMatchObject({
      details: { offset: HEAD.length + 1, reason: 'line 2: found a line of more than 300 bytes' },
    })
    expect((await read(text, { lineBytesMax: 400 })).error).toBeUndefined()
  })

  test('has a line whose lists are many, or deep', async () => {
    const deep = `{"key":"k","type":"list","elements":${'['.repeat(100_000)}${']'.repeat(100_000)}}`
    expect(await reasonOf(deep)).toMatch(/^line 2: /)
    const many = `{"key":"k","type":"list","elements":[${'[],'.repeat(1_000_000)}[]]}`
    expect(await reasonOf(many)).toMatch('expected a text')
  })
})

describe('a line is refused', () => {
  const wrong: readonly (readonly [string, string, string])[] = [
    ['without a key', '{"type":"string","value":"v"}', 'expected a "key"'],
    ['with a key that is no text', '{"key":7,"type":"string","value":"v"}', 'expected a "key"'],
    [
      'with a key that is too long',
      `{"key":"${'k'.repeat(65_497)}","type":"string","value":"v"}`,
      'found a key of 65497 bytes, expected at most 65496',
    ],
    ['without a type', '{"key":"k","value":"v"}', 'expected a "type": string, list, set, hash, zset'],
    ['of another type', '{"key":"k","type":"stream","value":"v"}', 'expected a "type"'],
    ['of a type that objects have', '{"key":"k","type":"constructor","value":"v"}', 'expected a "type"'],
    [
      'with a misspelt name',
      '{"key":"k","type":"string","value":"v","expire":5}',
      'found an unknown name "expire"',
    ],
    [
      'with a name that objects have',
      '{"key":"k","type":"string","value":"v","__proto__":5}',
      'found an unknown name',
    ],
    ['without a value', '{"key":"k","type":"string"}', 'expected "value"'],
    ['with the members of another type', '{"key":"k","type":"set","fields":["v"]}', 'expected "members"'],
    [
      'with two sorts of members',
      '{"key":"k","type":"set","members":["v"],"value":"v"}',
      'expected "members"',
    ],
    ['with a value that is no text', '{"key":"k","type":"string","value":7}', 'expected a text'],
    ['with a lone surrogate', '{"key":"k","type":"string","value":"\\ud800"}', 'expected a text'],
    [
      'with members that are no list',
      '{"key":"k","type":"set","members":"v"}',
      'expected "members" to be a list',
    ],
    [
      'without members',
      '{"key":"k","type":"set","members":[]}',
      'expected "members" to be a list, not empty',
    ],
    [
      'with a field without a value',
      '{"key":"k","type":"hash","fields":[["f"]]}',
      'expected a member to be a list of 2 or 3',
    ],
    [
      'with a field that is no list',
      '{"key":"k","type":"hash","fields":["f","v"]}',
      'expected a member to be a list',
    ],
    [
      'with too much for a member',
      '{"key":"k","type":"zset","members":[["a",1,2,3]]}',
      'expected a member to be a list',
    ],
    ['with a time where none can be', '{"key":"k","type":"list","elements":[["a",5]]}', 'expected a text'],
    [
      'with a set member of one',
      '{"key":"k","type":"set","members":[["a"]]}',
      'expected a member to be a list of 2',
    ],
    ['with no score', '{"key":"k","type":"zset","members":[["a","b"]]}', 'expected a score'],
    ['with a score beyond all', '{"key":"k","type":"zset","members":[["a",1e999]]}', 'expected a score'],
    ['with a time of 0', '{"key":"k","type":"string","value":"v","expireAt":0}', 'expected "expireAt"'],
    [
      'with a time that is none',
      '{"key":"k","type":"string","value":"v","expireAt":"soon"}',
      'expected "expireAt"',
    ],
    ['with a time of null', '{"key":"k","type":"string","value":"v","expireAt":null}', 'expected "expireAt"'],
    [
      'with a time of a member that is too far',
      '{"key":"k","type":"set","members":[["a",70368744177664]]}',
      'expected the time of a member',
    ],
    [
      'with a time of a member that is null',
      '{"key":"k","type":"set","members":[["a",null]]}',
      'expected the time of a member',
    ],
    ['with a database that is none', '{"key":"k","type":"string","value":"v","db":-1}', 'expected "db"'],
    ['with a database between two', '{"key":"k","type":"string","value":"v","db":1.5}', 'expected "db"'],
    [
      'with a flag that is none',
      '{"key":"k","type":"list","elements":["v"],"more":1}',
      'expected "more" to be true',
    ],
    [
      'that is a later part of nothing',
      '{"key":"k","type":"list","part":1,"elements":["v"]}',
      'expected "part" 0',
    ],
    ['with a rest of nothing', '{"key":"k","type":"list","rest":"v"}', 'expected "elements"'],
    [
      'that is cut and has no more',
      '{"key":"k","type":"string","value":"v","cut":true}',
      'found "cut" without "more"',
    ],
    [
      'of a string with more that is not cut',
      '{"key":"k","type":"string","value":"v","more":true}',
      'found "more" of a string',
    ],
  ]

  test.each(wrong)('%s', async (_, line, reason) => {
    expect(await reasonOf(line)).toMatch('line 2: ')
    expect(await reasonOf(line)).toContain(reason)
    // What stands before it was read.
    const { entries } = await read(fileOf([STRING, line]))
    expect(entries).toHaveLength(1)
  })

  const FIRST = '{"key":"k","type":"list","expireAt":9,"elements":["a"],"more":true}'
  const CUT = FIRST.replace('"more"', '"cut":true,"more"')
  const NEXT = '{"key":"k","type":"list","expireAt":9,"part":1,"elements":["b"]}'
  const followers: readonly (readonly [string, string, string, string])[] = [
    ['another key', FIRST, NEXT.replace('"k"', '"j"'), 'expected the same key'],
    ['another database', FIRST, NEXT.replace('{', '{"db":1,'), 'expected the same key'],
    [
      'another type',
      FIRST,
      '{"key":"k","type":"set","expireAt":9,"part":1,"members":["b"]}',
      'expected the same key',
    ],
    ['another time', FIRST, NEXT.replace('9', '8'), 'expected the same key'],
    ['the same part', FIRST, NEXT.replace('"part":1,', ''), 'expected "part" 1: a line is gone'],
    ['a part too late', FIRST, NEXT.replace('"part":1', '"part":2'), 'expected "part" 1: a line is gone'],
    ['the end', FIRST, '', 'the key before is not whole'],
    ['new members, after a cut', CUT, NEXT, 'expected "rest"'],
    ['a rest, without a cut', FIRST, NEXT.replace('"elements":["b"]', '"rest":"b"'), 'expected "elements"'],
    ['a rest of another form', CUT, NEXT.replace('"elements":["b"]', '"rest":["b"]'), 'expected a text'],
    ['the end, after a cut', CUT, '', 'the key before is not whole'],
  ]

  test.each(followers)('when it is %s that follows a line with more', async (_, first, second, reason) => {
    const [, found] = await refusalOf(fileOf(second === '' ? [first] : [first, second], 1))
    expect(found).toMatch(/^line 3: /)
    expect(found).toContain(reason)
  })
})
