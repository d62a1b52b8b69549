/**
 * A commit as the payload of a log record: what it did, then what to tell watchers.
 *
 *     payload   effects · changes
 *     effects   count · each: database · count of words · each: length, bytes
 *     changes   count · each: event · [name of the event] · key · [database · length, bytes of the key]
 *     event     its place in EVENTS, from 1 on; 0: its name follows, length and bytes
 *     key       n: the first key of effect number n, from 1 on, and its database; 0: both follow
 *
 * Numbers are LEB128. Nearly every change is of the key of an effect, and one of the known events: two bytes.
 * Revision and time are in the header of the record.
 *
 * Tests: test/keyspace/durability/commit-payload.test.ts
 */
import { assert } from '../../base/index.ts'
import type { RecordSink } from '../../storage/index.ts'
import {
  type Argument,
  type ByteString,
  type Commit,
  type Effect,
  type KeyChange,
  LARGE_VALUE_BYTES,
} from '../engine/index.ts'

/** Stored by their place: names are added at the end, and never taken away. */
const EVENTS: readonly string[] = [
  'set',
  'del',
  'expire',
  'expired',
  'evicted',
  'hset',
  'hdel',
  'sadd',
  'srem',
  'zadd',
  'zrem',
  'lpush',
  'rpush',
  'lpop',
  'rpop',
  'incrby',
  'append',
  'persist',
  'rename_from',
  'rename_to',
  'lock',
  'unlock',
  'restore',
  'hincrby',
  'zincr',
  'ltrim',
  'lset',
  'lrem',
  'spop',
  'setrange',
]
const EVENT_NUMBERS: ReadonlyMap<string, number> = new Map(EVENTS.map((name, i) => [name, i + 1]))

/** Effects that are looked at for the key of a change. */
const EFFECTS_AHEAD = 4

/** Writes the payload of a commit. */
export function writeCommit(
  sink: RecordSink,
  { effects, changes }: Pick<Commit, 'effects' | 'changes'>,
): void {
  sink.number(effects.length)
  for (const { db, argv } of effects) {
    sink.number(db)
    sink.number(argv.length)
    for (let i = 0; i < argv.length; i++) sink.block(argv[i]!)
  }
  sink.number(changes.length)
  let at = 0
  for (const { db, key, event } of changes) {
    const number = EVENT_NUMBERS.get(event) ?? 0
    sink.number(number)
    if (number === 0) sink.block(event)
    // Changes stand in the order of what made them: the same effect again, or one of the next.
    const found = placeOf(effects, at, db, key)
    sink.number(found + 1)
    if (found >= 0) {
      at = found
      continue
    }
    sink.number(db)
    sink.block(key)
  }
}

/** The same for a SET in database 0 without options. */
export function writePlainSet(sink: RecordSink, key: Uint8Array, value: Uint8Array): void {
  sink.number(1)
  sink.number(0)
  sink.number(3)
  sink.block('SET')
  sink.block(key)
  sink.block(value)
  sink.number(1)
  sink.number(EVENT_NUMBERS.get('set')!)
  sink.number(1)
}

/** Where key and value of a SET are that `writePlainSet`, or a commit of just that, has written. */
export interface PlainSetPlace {
  keyOffset: number
  keyLength: number
  valueOffset: number
  valueLength: number
}

/** Count 1, database 0, three words, of which the first is SET. */
const PLAIN_SET = [1, 0, 3, 3, 0x53, 0x45, 0x54]

/** Finds them in a payload that lies among other bytes; false when it holds something else. */
export function findPlainSet(bytes: Uint8Array, start: number, end: number, place: PlainSetPlace): boolean {
  if (end - start < PLAIN_SET.length) return false
  for (let i = 0; i < PLAIN_SET.length; i++) if (bytes[start + i] !== PLAIN_SET[i]) return false
  let at = start + PLAIN_SET.length
  for (let word = 0; word < 2; word++) {
    let length = 0
    for (let unit = 1; ; unit *= 0x80) {
      if (at >= end) return false
      const byte = bytes[at++]!
      length += (byte & 0x7f) * unit
      if (byte < 0x80) break
    }
    if (word === 0) {
      place.keyOffset = at
      place.keyLength = length
    } else {
      place.valueOffset = at
      place.valueLength = length
    }
    at += length
  }
  return at <= end
}

function placeOf(effects: readonly Effect[], from: number, db: number, key: ByteString): number {
  const end = Math.min(effects.length, from + EFFECTS_AHEAD)
  for (let i = from; i < end; i++) if (effects[i]!.db === db && effects[i]!.argv[1] === key) return i
  return -1
}

/** What a payload says. Words that are long are bytes of their own. @throws SHL_ASSERTION when it is none */
export function readCommit(payload: Uint8Array): { effects: Effect[]; changes: KeyChange[] } {
  const reader = new PayloadReader(payload)
  const effects: Effect[] = []
  for (let left = reader.number(); left > 0; left--) {
    const db = reader.number()
    const argv: Argument[] = []
    for (let words = reader.number(); words > 0; words--) argv.push(reader.argument())
    effects.push({ db, argv })
  }
  const changes: KeyChange[] = []
  for (let left = reader.number(); left > 0; left--) {
    const number = reader.number()
    const event = number === 0 ? reader.text() : EVENTS[number - 1]
    assert(event !== undefined, 'an event has a name')
    const place = reader.number()
    if (place === 0) changes.push({ db: reader.number(), key: reader.text(), event })
    else {
      const { db, argv } = effects[place - 1]!
      changes.push({ db, key: argv[1] as ByteString, event })
    }
  }
  assert(reader.isAtEnd, 'a commit ends with its last change')
  return { effects, changes }
}

/** Reads what a `RecordSink` has written. */
export class PayloadReader {
  readonly #bytes: Buffer & { latin1Slice(start: number, end: number): string }
  blockLength = 0
  #at = 0

  constructor(payload: Uint8Array) {
    this.#bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength) as never
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  number(): number {
    const bytes = this.#bytes
    let value = 0
    for (let unit = 1; ; unit *= 0x80) {
      const byte = bytes[this.#at++]
      assert(byte !== undefined, 'a number ends within its record')
      value += (byte & 0x7f) * unit
      if (byte < 0x80) return value
    }
  }

  /** Goes past a block: where its bytes begin. Their number is `blockLength` then. */
  block(): number {
    this.blockLength = this.number()
    return this.#skip(this.blockLength)
  }

  text(): ByteString {
    const start = this.#skip(this.number())
    return this.#bytes.latin1Slice(start, this.#at)
  }

  /** Bytes of their own. */
  bytes(): Uint8Array<ArrayBuffer> {
    const start = this.#skip(this.number())
    return new Uint8Array(this.#bytes.subarray(start, this.#at))
  }

  argument(): Argument {
    const count = this.number()
    const start = this.#skip(count)
    if (count < LARGE_VALUE_BYTES) return this.#bytes.latin1Slice(start, this.#at)
    return new Uint8Array(this.#bytes.subarray(start, this.#at))
  }

  #skip(count: number): number {
    const start = this.#at
    this.#at = start + count
    assert(this.#at <= this.#bytes.length, 'a text ends within its record')
    return start
  }
}
