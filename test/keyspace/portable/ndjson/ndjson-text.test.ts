/** Texts, scores and times as JSON, and what stands for none. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  isObject,
  jsonOfScore,
  jsonOfText,
  scoreOfJson,
  textOfJson,
  timeOfJson,
} from '../../../../src/keyspace/portable/ndjson/ndjson-text.ts'

const bytes = fc.string({ unit: fc.nat(255).map((code) => String.fromCharCode(code)), maxLength: 40 })

describe('a text', () => {
  test('is a JSON string where it is UTF-8, and base64 where it is not', () => {
    const texts: readonly (readonly [string, string])[] = [
      ['', '""'],
      ['plain "quoted"\n', '"plain \\"quoted\\"\\n"'],
      [Buffer.from('grün 🌱').toString('latin1'), '"grün 🌱"'],
      ['\xef\xbb\xbfmark', '"\ufeffmark"'],
      ['\x00\x7f', '"\\u0000\x7f"'],
      ['\xff', '{"base64":"/w=="}'],
      ['a\x80', '{"base64":"YYA="}'],
      // Surrogates as bytes are not UTF-8.
      ['\xed\xa0\x80', '{"base64":"7aCA"}'],
      ['\xc0\x80', '{"base64":"wIA="}'],
    ]
    for (const [text, json] of texts) {
      expect(jsonOfText(text)).toBe(json)
      expect(textOfJson(JSON.parse(json))).toBe(text)
    }
  })

  test('of any bytes comes back as it was', () => {
    fc.assert(
      fc.property(fc.oneof(bytes, fc.string({ unit: 'binary' }).map(utf8)), (text) => {
        const json = jsonOfText(text)
        expect(json).not.toMatch('\n')
        // Through the file, whose bytes are UTF-8.
        expect(textOfJson(JSON.parse(Buffer.from(json, 'utf8').toString('utf8')))).toBe(text)
      }),
      { numRuns: 2000 },
    )
  })

  test('is not what is something else', () => {
    const others = [
      ...[1, null, true, [], ['a'], {}, undefined, '\ud800', 'a\udc00b'],
      ...[{ base64: 1 }, { base64: 'YYA' }, { base64: 'YYA=\n' }, { base64: 'YY-_' }, { base64: '=' }],
      ...[{ base64: 'YYA=', text: 'a' }, { text: 'a' }, { base64: 'YYB=' }],
    ]
    for (const other of others) expect([other, textOfJson(other)]).toEqual([other, undefined])
  })

  function utf8(text: string): string {
    return Buffer.from(text, 'utf8').toString('latin1')
  }
})

describe('a score', () => {
  test('of any bits comes back with them', () => {
    const special = [
      0,
      -0,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      5e-324,
      Number.MAX_VALUE,
      2 ** 53 + 2,
    ]
    fc.assert(
      fc.property(fc.oneof(fc.double({ noNaN: true }), fc.constantFrom(...special)), (score) => {
        expect(scoreOfJson(JSON.parse(jsonOfScore(score)))).toBe(score)
      }),
      { numRuns: 2000 },
    )
  })

  test('is a number, or one of three words', () => {
    expect([1.5, -0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY].map(jsonOfScore)).toEqual([
      ...['1.5', '"-0"', '"inf"', '"-inf"'],
    ])
    for (const other of ['nan', 'Infinity', '1', '', null, [1], {}, undefined, JSON.parse('1e999')]) {
      expect([other, scoreOfJson(other)]).toEqual([other, undefined])
    }
  })
})

describe('a time', () => {
  test('is milliseconds, or ISO 8601 with a zone', () => {
    const max = Number.MAX_SAFE_INTEGER
    expect(timeOfJson(1, max)).toBe(1)
    expect(timeOfJson(max, max)).toBe(max)
    expect(timeOfJson('2026-01-02T03:04:05.678Z', max)).toBe(Date.UTC(2026, 0, 2, 3, 4, 5, 678))
    expect(timeOfJson('2026-01-02T03:04+01:30', max)).toBe(Date.UTC(2026, 0, 2, 1, 34))
    const others = [
      ...[0, -1, 1.5, max + 1, Number.NaN, null, undefined, true, [], '5', ''],
      ...['2026-01-02', '2026-01-02T03:04:05', '2026-13-02T03:04Z', '1969-12-31T23:59:59Z', 'tomorrow'],
    ]
    for (const other of others) expect([other, timeOfJson(other, max)]).toEqual([other, undefined])
    expect(timeOfJson(2 ** 46, 2 ** 46 - 1)).toBeUndefined()
  })
})

test('an object is neither a list nor nothing', () => {
  expect([{}, { a: 1 }].map(isObject)).toEqual([true, true])
  expect([null, [], 'x', 1, undefined].map(isObject)).toEqual([false, false, false, false, false])
})
