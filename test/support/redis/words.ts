/**
 * Words for random commands: keys, values, numbers, scores, options, right ones mostly and wrong ones often
 * enough.
 */
import { type Random, seededRandom } from '../../../src/base/index.ts'

/** A byte 0 ends a word for SORT … ALPHA of Redis: no two are the same up to there. */
const VALUES = [
  ...[
    'a',
    'b',
    'c',
    'd',
    '',
    '0',
    '1',
    '2',
    '10',
    '-5',
    '3.5',
    '1e3',
    '-0',
    'hello world',
    'Hello',
    '*',
    'a*',
  ],
  ...[
    '\xfe\x00\x80',
    '\r\n',
    "it's",
    '9223372036854775807',
    '-9223372036854775808',
    '007',
    ' 1',
    'inf',
    'nan',
  ],
  ...['x'.repeat(44), 'y'.repeat(45), 'z'.repeat(70), 'é', '\xc3\xa9', '3.0', '100000000000000000000'],
] as const
const MEMBERS = [
  'a',
  'b',
  'c',
  'd',
  'e',
  'f',
  '',
  '1',
  '2',
  '-1',
  '10',
  'aa',
  '\xff\x00',
  'Z',
  'm'.repeat(70),
]
const INTEGERS = ['0', '1', '2', '3', '-1', '-2', '-3', '5', '10', '-10', '100']
/** Those that differ by less than 2^10 are one to us: indexes are doubles. */
const HUGE = ['9223372036854775807', '-9223372036854775808', '4294967296', '-4294967297']
const NOT_INTEGERS = [
  '',
  'abc',
  '1.5',
  '9223372036854775808',
  '-9223372036854775809',
  '+1',
  ' 1',
  '1 ',
  '01',
  '-0',
]
const FLOATS = [
  ...['0', '1', '-1', '1.5', '-2.25', '0.1', '3.0', '1e3', '1E-2', '1e17', '123456789.125', '-0', '+1.5'],
  ...['3.14159265358979', '1e300', '0.30000000000000004', '9007199254740993', '.5', '5.', '0x10', '1e-7'],
]
const NOT_FLOATS = ['', 'abc', 'nan', '-nan', '1.5x', ' 1', '1 ', '1,5', '--1', 'NaN']
/** Of doubles out of range, which SORT of Redis 7.0 remembers. */
const EXTREMES = ['5e-324', '1e400', '-1e400', '1e-4000']
const SCORES = [
  '0',
  '1',
  '2',
  '3',
  '-1',
  '1.5',
  '10',
  '1e10',
  '0.1',
  '-0',
  'inf',
  '-inf',
  '+inf',
  'Infinity',
  '3.25',
]
const JUNK = [
  '',
  'abc',
  '9223372036854775808',
  '-1',
  '1.5',
  'NX',
  'XX',
  'GET',
  '0',
  'LIMIT',
  'a',
  '*',
  '(1',
  '[a',
]

/** Commands that take one argument more since Redis 7.2. */
const LONGER_SINCE_7_2: ReadonlySet<string> = new Set(['ZRANK', 'ZREVRANK'])

/** Makes one request of a command. */
export type Template = (words: Words) => string[]

/** The name in the command table → a template. */
export type Family = Readonly<Record<string, Template>>

/** Draws words. */
export class Words {
  readonly random: Random
  readonly keys: readonly string[]
  #times = 0
  readonly #timeOffset: number

  constructor(seed: number, keys: readonly string[]) {
    this.random = seededRandom(seed)
    this.keys = keys
    this.#timeOffset = this.random.below(50)
  }

  below(count: number): number {
    return this.random.below(count)
  }

  /** True with a probability. */
  chance(probability: number): boolean {
    return this.random.next() < probability
  }

  pick<T>(items: readonly T[]): T {
    return items[this.random.below(items.length)] as T
  }

  key(): string {
    return this.pick(this.keys)
  }

  value(): string {
    return this.chance(0.5) ? this.pick(VALUES.slice(0, 9)) : this.pick(VALUES)
  }

  member(): string {
    return this.chance(0.03) ? `m${this.below(300)}` : this.pick(MEMBERS)
  }

  integer(): string {
    if (this.chance(0.06)) return this.pick(NOT_INTEGERS)
    return this.chance(0.05) ? this.pick(HUGE) : this.pick(INTEGERS)
  }

  /** A count that never asks for many: what is drawn with repetition comes as often as is said. */
  count(): string {
    if (this.chance(0.08)) return this.pick(NOT_INTEGERS)
    return this.chance(0.03) ? '9223372036854775807' : this.pick(INTEGERS)
  }

  float(): string {
    if (this.chance(0.02)) return this.pick(EXTREMES)
    return this.chance(0.06) ? this.pick(NOT_FLOATS) : this.pick(FLOATS)
  }

  score(): string {
    if (this.chance(0.05)) return this.pick(NOT_FLOATS)
    return this.chance(0.25) ? this.pick(FLOATS) : this.pick(SCORES)
  }

  scoreBound(): string {
    if (this.chance(0.05)) return this.pick(['(', '(abc', '((1', 'abc', '', '(nan', 'nan', '[1'])
    return `${this.chance(0.25) ? '(' : ''}${this.pick(SCORES)}`
  }

  lexBound(): string {
    if (this.chance(0.05)) return this.pick(['a', '', '(', '[', '++', '-x', '+x'])
    if (this.chance(0.3)) return this.pick(['-', '+'])
    return `${this.pick(['[', '('])}${this.member()}`
  }

  /** Seconds, each so far from all others that the time that passes meanwhile makes no difference. */
  #seconds(): number {
    return 1000 + 20 * (this.#timeOffset + this.#times++)
  }

  #timeWord(ok: () => number): string {
    if (this.chance(0.05)) return this.pick(['0', '-1', '-1000', 'abc', '', '1.5', '9223372036854775807'])
    if (this.chance(0.02))
      return this.pick(['9223372036854775', '-9223372036854775808', '9223372036854776000'])
    return String(ok())
  }

  ttlSeconds(): string {
    return this.#timeWord(() => this.#seconds())
  }

  ttlMs(): string {
    return this.#timeWord(() => this.#seconds() * 1000)
  }

  atSeconds(): string {
    return this.#timeWord(() => Math.floor(Date.now() / 1000) + this.#seconds())
  }

  atMs(): string {
    return this.#timeWord(() => Date.now() + this.#seconds() * 1000)
  }

  /** Of commands that remove the key at once then; others keep it until it is looked at. */
  maybePast(at: string): string {
    return this.chance(0.1) ? '1' : at
  }

  /** `times` draws, 1 to `max` without. */
  many<T>(draw: () => T, max = 3): T[] {
    return Array.from({ length: 1 + this.below(max) }, draw)
  }

  /** The words, now and then. */
  maybe(probability: number, words: () => string[]): string[] {
    return this.chance(probability) ? words() : []
  }

  pattern(): string {
    return this.pick(['*', 'a*', '?', '[a-c]', '[^a]*', 'h?llo*', '\\*', '', 'm*', '*b', '[z-a]', '[', '\\'])
  }

  /** The keys after their number, which is right mostly. */
  countedKeys(max = 3): string[] {
    const keys = this.many(() => this.key(), max)
    const count = this.chance(0.06) ? this.pick(['0', '-1', 'abc', '9', '9223372036854775808']) : keys.length
    return [String(count), ...keys]
  }

  /** Some hundred words at once, so that a value outgrows its small form. */
  bulk(draw: (index: number) => string[]): string[] {
    const first = this.below(100)
    return Array.from({ length: this.pick([40, 130, 300]) }, (_, i) => draw(first + i)).flat()
  }

  /** Of a scan that is done in one step: cursors of two servers are not the same. */
  scanOptions(): string[] {
    return [
      this.chance(0.05) ? this.pick(['abc', '', '1.5']) : '0',
      ...this.maybe(0.4, () => ['MATCH', this.pattern()]),
      'COUNT',
      this.chance(0.05) ? this.pick(['0', '-1', 'abc']) : '100000',
    ]
  }

  /** Now and then: a word too few or too many, or another one; a name in another case. */
  spoil(argv: string[]): string[] {
    if (argv[1] === 'lex' && argv[0] === 'ZADD') return argv
    const words = [...argv]
    const at = 1 + this.below(Math.max(1, words.length - 1))
    if (this.chance(0.015)) words.splice(at, 1)
    if (this.chance(0.015) && !LONGER_SINCE_7_2.has(argv[0]!)) words.splice(at, 0, this.pick(JUNK))
    const isCursor = argv[0]!.endsWith('SCAN')
    if (this.chance(0.015) && at < words.length && !isCursor) words[at] = this.pick(JUNK)
    if (this.chance(0.2)) words[0] = words[0]!.toLowerCase()
    return words
  }
}
