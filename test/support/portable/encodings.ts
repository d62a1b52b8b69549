/** A value in each form that an RDB file may give it, by hand, with what it stands for. */
import type { PortableValue } from '../../../src/keyspace/portable/index.ts'
import {
  double,
  integer,
  intset,
  join,
  length,
  listpack,
  packed,
  scoreText,
  text,
  ziplist,
  zipmap,
} from './rdb-file.ts'

export interface Encoding {
  readonly name: string
  /** The number of the form. */
  readonly type: number
  readonly bytes: Uint8Array
  readonly value: PortableValue
  /** Whether it is newer than Redis 7.0. */
  readonly isNew?: boolean
}

const LONG = 'long '.repeat(14)
const BINARY = '\x00\xff\r\n\x80'
const ELEMENTS = ['a', '', BINARY, '7', '-3000', '100000', '9223372036854775807', LONG, 'a']
const FIELDS = ['f', 'n', BINARY, '12']
const VALUES = ['v', '-1', LONG, '']
const MEMBERS = ['m', '17', BINARY, LONG]

function string(name: string, bytes: Uint8Array, value: string): Encoding {
  return { name: `a string ${name}`, type: 0, bytes, value: { type: 'string', text: value } }
}

function list(name: string, type: number, bytes: Uint8Array, elements = ELEMENTS): Encoding {
  return { name: `a list ${name}`, type, bytes, value: { type: 'list', elements } }
}

function set(name: string, type: number, bytes: Uint8Array, members = MEMBERS): Encoding {
  return { name: `a set ${name}`, type, bytes, value: { type: 'set', members, times: undefined } }
}

function hash(name: string, type: number, bytes: Uint8Array): Encoding {
  const value = { type: 'hash', fields: FIELDS, values: VALUES, times: undefined } as const
  return { name: `a hash ${name}`, type, bytes, value }
}

function zset(name: string, type: number, bytes: Uint8Array, scored: readonly Scored[]): Encoding {
  const members = scored.map(([member]) => member)
  const scores = scored.map(([, score]) => score)
  const value = { type: 'zset', members, scores, times: undefined } as const
  return { name: `a sorted set ${name}`, type, bytes, value }
}

type Scored = readonly [member: string, score: number]

/** Numbers as numbers, as Redis keeps them. */
function loose(texts: readonly string[]): (string | bigint)[] {
  return texts.map((item) => (/^-?\d{1,19}$/.test(item) ? BigInt(item) : item))
}

const PAIRS = FIELDS.flatMap((field, i) => [field, VALUES[i]!])

/** In order of score: Redis wants them so in a ziplist. */
const SCORED: readonly Scored[] = [
  ['min', Number.NEGATIVE_INFINITY],
  ['b', -1.5],
  [BINARY, 0],
  ['small', 5e-324],
  ['third', 1 / 3],
  ['12', 3],
  ['large', 1.7976931348623157e308],
  ['max', Number.POSITIVE_INFINITY],
]

function scoreWord(score: number): string | bigint {
  if (Number.isInteger(score) && Math.abs(score) < 1e15) return BigInt(score)
  return Number.isFinite(score) ? String(score) : score > 0 ? 'inf' : '-inf'
}

const FLAT_SCORED = SCORED.flatMap(([member, score]) => [...loose([member]), scoreWord(score)])

export const ENCODINGS: readonly Encoding[] = [
  string('as it is', text(`text ${BINARY}`), `text ${BINARY}`),
  string('of nothing', text(''), ''),
  string('of 64 bytes', text('x'.repeat(64)), 'x'.repeat(64)),
  string('of 16384 bytes', text('y'.repeat(16384)), 'y'.repeat(16384)),
  string('of 1 byte as a number', integer(-5), '-5'),
  string('of 2 bytes as a number', integer(300), '300'),
  string('of 4 bytes as a number', integer(-2147483648), '-2147483648'),
  string('packed', join([0xc3, 11], length(180), [2], 'abc', [0xe0, 0xa5, 2, 2], 'abc'), 'abc'.repeat(60)),
  string('packed in runs', packed(LONG), LONG),
  list('of strings', 1, join(length(ELEMENTS.length), ...ELEMENTS.map((element) => text(element)))),
  list('of numbers', 1, join(length(2), integer(5), integer(-70000)), ['5', '-70000']),
  list('as a ziplist', 10, text(ziplist(loose(ELEMENTS)))),
  list('as a packed ziplist', 10, packed(ziplist(loose(ELEMENTS)))),
  list(
    'of ziplists',
    14,
    join(length(2), text(ziplist(loose(ELEMENTS.slice(0, 4)))), packed(ziplist(loose(ELEMENTS.slice(4))))),
  ),
  list(
    'of nodes',
    18,
    join(
      length(3),
      ...[length(2), text(listpack(loose(ELEMENTS.slice(0, 7))))],
      ...[length(1), text(LONG)],
      ...[length(2), packed(listpack(loose(ELEMENTS.slice(8))))],
    ),
  ),
  set('of strings', 2, join(length(MEMBERS.length), ...MEMBERS.map((member) => text(member)))),
  set('of 2-byte numbers', 11, text(intset([-300, 0, 7])), ['-300', '0', '7']),
  set('of 4-byte numbers', 11, text(intset([-300, 70000])), ['-300', '70000']),
  set('of 8-byte numbers', 11, text(intset([1, 2n ** 62n])), ['1', String(2n ** 62n)]),
  { ...set('as a listpack', 20, text(listpack(loose(MEMBERS)))), isNew: true },
  hash('of strings', 4, join(length(FIELDS.length), ...PAIRS.map((item) => text(item)))),
  hash('as a zipmap', 9, text(zipmap(FIELDS.map((field, i) => [field, VALUES[i]!])))),
  hash(
    'as a zipmap with gaps',
    9,
    text(
      zipmap(
        FIELDS.map((field, i) => [field, VALUES[i]!]),
        4,
      ),
    ),
  ),
  hash('as a ziplist', 13, text(ziplist(loose(PAIRS)))),
  hash('as a listpack', 16, text(listpack(loose(PAIRS)))),
  zset(
    'with scores as text',
    3,
    join(length(SCORED.length), ...SCORED.flatMap(([member, score]) => [text(member), scoreText(score)])),
    SCORED,
  ),
  zset(
    'with scores as doubles',
    5,
    join(length(SCORED.length), ...SCORED.flatMap(([member, score]) => [text(member), double(score)])),
    SCORED,
  ),
  zset('as a ziplist', 12, text(ziplist(FLAT_SCORED)), SCORED),
  zset('as a listpack', 17, text(listpack(FLAT_SCORED)), SCORED),
]
