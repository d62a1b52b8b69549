/**
 * RDB files of any content: random keys are read as they are; random bytes, and random damage to files that
 * are well made, are read or refused, in bounded time and memory.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ShardloomError } from '../../../../src/base/index.ts'
import { ENCODINGS } from '../../../support/portable/encodings.ts'
import { cut, joined, plainKeys, readRdb } from '../../../support/portable/entries.ts'
import { everyForm } from '../../../support/portable/every-form.ts'
import {
  type Bytes,
  double,
  join,
  key,
  length,
  listpack,
  little,
  packed,
  rdbFile,
  text,
  ziplist,
} from '../../../support/portable/rdb-file.ts'

const RUNS = process.env['SHL_SOAK'] ? 100_000 : 1500

const bytes = fc.string({ unit: fc.nat(255).map((code) => String.fromCharCode(code)), maxLength: 80 })
const names = fc.uniqueArray(bytes, { minLength: 1, maxLength: 30 })
const number = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.integer({ min: -200, max: 200 }),
)
const item = fc.oneof(bytes, number)
const string = (content: Bytes): fc.Arbitrary<Buffer> => fc.constantFrom(text(content), packed(content))

/** A value: the number of its form, its bytes, and what it is read as. */
type Made = readonly [type: number, bytes: Buffer, value: unknown]

const value: fc.Arbitrary<Made> = fc.oneof(
  bytes.chain((content) => string(content).map((made): Made => [0, made, content])),
  names.map(
    (all): Made => [
      2,
      join(length(all.length), ...all.map((name) => text(name))),
      sorted(all.map((name) => [name, 0])),
    ],
  ),
  fc
    .array(fc.array(item, { maxLength: 20 }), { minLength: 1, maxLength: 4 })
    .filter((nodes) => nodes.flat().length > 0)
    .chain((nodes) =>
      fc.constantFrom<Made>(
        [
          14,
          join(length(nodes.length), ...nodes.map((node) => text(ziplist(node)))),
          nodes.flat().map(String),
        ],
        [
          18,
          join(length(nodes.length), ...nodes.map((node) => join([2], packed(listpack(node))))),
          nodes.flat().map(String),
        ],
      ),
    ),
  fc
    .uniqueArray(fc.tuple(item, item), { minLength: 1, maxLength: 20, selector: ([field]) => String(field) })
    .chain((pairs) => {
      const read = sorted(pairs.map(([field, held]) => [String(field), String(held), 0]))
      return fc.constantFrom<Made>(
        [13, text(ziplist(pairs.flat())), read],
        [16, text(listpack(pairs.flat())), read],
      )
    }),
  fc
    .uniqueArray(fc.tuple(bytes, fc.double({ noNaN: true })), {
      minLength: 1,
      maxLength: 20,
      selector: ([name]) => name,
    })
    .map(
      (pairs): Made => [
        5,
        join(length(pairs.length), ...pairs.flatMap(([name, score]) => [text(name), double(score)])),
        sorted(pairs.map(([name, score]) => [name, Object.is(score, -0) ? '-0' : String(score), 0])),
      ],
    ),
)

function sorted(rows: readonly (readonly unknown[])[]): readonly (readonly unknown[])[] {
  return [...rows].sort((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1))
}

const TYPES = [
  'string',
  '',
  'set',
  '',
  '',
  'zset',
  '',
  '',
  '',
  '',
  '',
  '',
  '',
  'hash',
  'list',
  '',
  'hash',
  '',
  'list',
]

/** What a reading of anything may end with. */
async function outcome(file: Uint8Array, chunkBytes: number): Promise<string> {
  const { error, entries } = await readRdb(cut(file, chunkBytes))
  if (error === undefined) return `read ${entries.length}`
  if (!(error instanceof ShardloomError)) return `thrown ${error}`
  const { offset } = error.details
  return typeof offset === 'number' && offset <= file.length ? error.code : `offset ${offset}`
}

describe('a file', () => {
  test('of any keys is read as they are, in chunks of any size', async () => {
    const entry = fc.record({ made: value, expireAt: fc.constantFrom(0, 1, 1_700_000_000_000, 2 ** 53 - 1) })
    await fc.assert(
      fc.asyncProperty(
        fc.array(entry, { maxLength: 12 }),
        fc.integer({ min: 1, max: 300 }),
        async (all, size) => {
          const content = all.flatMap(({ made: [type, made], expireAt }, n) => [
            ...(expireAt === 0 ? [] : [[252], little(expireAt, 8)]),
            key(type, `key ${String(n).padStart(2, '0')}`, made),
          ])
          const { entries, error } = await readRdb(cut(rdbFile(11, content), size))
          expect(error).toBeUndefined()
          expect(plainKeys(joined(entries))).toEqual(
            all.map(({ made: [type, , read], expireAt }, n) => [
              ...[0, `key ${String(n).padStart(2, '0')}`, expireAt, TYPES[type], read],
            ]),
          )
        },
      ),
      { numRuns: 300 },
    )
  })

  test('of any bytes behind its beginning is read or refused', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 100 }), fc.nat(2), async (tail, kind) => {
        const start = ['REDIS0011', 'REDIS0003', ''][kind]!
        expect(await outcome(join(start, tail), 50)).toMatch(/^SHL_IMPORT_INVALID$|^read \d+$/)
      }),
      { numRuns: RUNS },
    )
  })

  test('of a type and any bytes is read or refused', async () => {
    const type = fc.constantFrom(...new Set(ENCODINGS.map((encoding) => encoding.type)), 7, 15, 19, 21)
    await fc.assert(
      fc.asyncProperty(type, fc.uint8Array({ maxLength: 60 }), fc.boolean(), async (form, tail, isPiece) => {
        const made = key(form, 'k', isPiece ? text(tail) : tail)
        expect(await outcome(rdbFile(11, [made], 'none'), 1000)).toMatch(/^SHL_IMPORT_INVALID$|^read \d+$/)
      }),
      { numRuns: RUNS },
    )
  })

  test('with pieces of it changed, doubled, moved or gone is read or refused', async () => {
    const whole = rdbFile(11, everyForm(), 'none')
    const place = fc.nat(whole.length - 1)
    const change = fc.oneof(
      fc.record({ at: place, put: fc.uint8Array({ minLength: 1, maxLength: 9 }), gone: fc.nat(9) }),
      fc.record({
        at: place,
        put: fc.tuple(place, fc.nat(200)).map(([from, count]) => whole.subarray(from, from + count)),
        gone: fc.nat(200),
      }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        let file: Uint8Array = whole
        for (const { at, put, gone } of changes)
          file = join(file.subarray(0, at), put, file.subarray(at + gone))
        expect(await outcome(file, 4096)).toMatch(/^SHL_IMPORT_INVALID$|^read \d+$/)
      }),
      { numRuns: RUNS },
    )
  })
})

describe('a file that asks for more than it has', () => {
  test('of memory is refused, and gets none', async () => {
    const lies: readonly (readonly Bytes[])[] = [
      [[0], text('k'), length(500_000_000)],
      [[0], length(500_000_000)],
      [[1], text('k'), length(2n ** 64n - 1n)],
      [[0], text('k'), [0xc3], length(500_000_000), length(500_000_000)],
      [[0], text('k'), [0xc3], length(4), length(500_000_000), 'abcd'],
      [[16], text('k'), length(500_000_000)],
      [[18], text('k'), length(2n ** 63n), [2], length(500_000_000)],
      [[15], text('k'), length(2n ** 64n - 1n), length(2n ** 64n - 1n)],
    ]
    const before = process.memoryUsage().arrayBuffers
    for (const lie of lies) expect(await outcome(join('REDIS0011', ...lie), 8)).toBe('SHL_IMPORT_INVALID')
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000)
  })

  test('of time, by members that take none, ends soon', async () => {
    // A piece of 88 bytes of memory for each of the file: two entries for each byte of it.
    const zeros = new Uint8Array(4_000_000)
    const many = join(
      little(zeros.length * 2 + 7, 4),
      little(65535, 2),
      zeros.map(() => 1),
      zeros,
      [0xff],
    )
    const startMs = performance.now()
    const { error } = await readRdb([rdbFile(11, [key(16, 'k', text(many))], 'none')])
    expect(error).toMatchObject({ code: 'SHL_IMPORT_INVALID' })
    expect(performance.now() - startMs).toBeLessThan(10_000)
  })
})
