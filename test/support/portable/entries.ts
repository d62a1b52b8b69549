/** Entries in tests: read from bytes, joined from their parts, in a form that is compared. */
import type { PortableEntry, PortableValue, SkippedItem } from '../../../src/keyspace/portable/index.ts'
import { NdjsonReader, RdbReader, type RdbSummary } from '../../../src/keyspace/portable/index.ts'

/** A key with all of its parts. */
export interface WholeKey {
  readonly db: number
  readonly key: string
  readonly expireAt: number
  readonly value: PortableValue
}

export type Chunks = Iterable<Uint8Array> | AsyncIterable<Uint8Array>

/** All that a reading gave. */
export interface Reading {
  readonly entries: readonly PortableEntry[]
  readonly skipped: readonly SkippedItem[]
  readonly summary: RdbSummary
  readonly error: unknown
}

/** Reads a file to its end, or to its error. */
export async function readRdb(chunks: Chunks): Promise<Reading> {
  const skipped: SkippedItem[] = []
  const reader = new RdbReader({ source: 'test.rdb', onSkipped: (item) => skipped.push(item) })
  const { entries, error } = await collect(reader.read(chunks))
  return { entries, skipped, summary: reader.summary, error }
}

/** The keys of a file that is whole. */
export async function keysOfRdb(...chunks: readonly Uint8Array[]): Promise<readonly WholeKey[]> {
  const { entries, error } = await readRdb(chunks)
  if (error !== undefined) throw error
  return joined(entries)
}

/** The keys of an export that is whole. */
export async function keysOfNdjson(
  ...chunks: readonly (Uint8Array | string)[]
): Promise<readonly WholeKey[]> {
  const bytes = chunks.map((chunk) => (typeof chunk === 'string' ? Buffer.from(chunk, 'utf8') : chunk))
  const { entries, error } = await collect(new NdjsonReader({ source: 'test.ndjson' }).read(bytes))
  if (error !== undefined) throw error
  return joined(entries)
}

/** What comes, and the error that ends it. */
export async function collect(
  batches: AsyncIterable<readonly PortableEntry[]>,
): Promise<{ readonly entries: readonly PortableEntry[]; readonly error: unknown }> {
  const entries: PortableEntry[] = []
  try {
    for await (const batch of batches) entries.push(...batch)
  } catch (error) {
    return { entries, error }
  }
  return { entries, error: undefined }
}

/** Keys from their parts, which must come in order; a last one that is not whole is left out. */
export function joined(entries: readonly PortableEntry[]): readonly WholeKey[] {
  const keys: WholeKey[] = []
  let parts: PortableEntry[] = []
  for (const entry of entries) {
    const first = parts[0] ?? entry
    const isNext =
      entry.part === parts.length &&
      entry.key === first.key &&
      entry.db === first.db &&
      entry.expireAt === first.expireAt &&
      entry.value.type === first.value.type
    if (!isNext) throw new Error(`part ${entry.part} of ${entry.key} in the wrong place`)
    parts.push(entry)
    if (!entry.isLast) continue
    const { db, key, expireAt } = first
    keys.push({ db, key, expireAt, value: joinedValue(parts.map(({ value }) => value)) })
    parts = []
  }
  return keys
}

function joinedValue(values: readonly PortableValue[]): PortableValue {
  const [first] = values
  if (first === undefined || values.length === 1) return first!
  const all = (name: string): never[] =>
    values.flatMap((value) => (value as unknown as Record<string, never[]>)[name]!)
  const times = values.some((value) => 'times' in value && value.times !== undefined)
    ? values.flatMap((value) => ('times' in value ? (value.times ?? Array(sizeOf(value)).fill(0)) : []))
    : undefined
  switch (first.type) {
    case 'string':
      throw new Error('a string has one part')
    case 'list':
      return { type: 'list', elements: all('elements') }
    case 'set':
      return { type: 'set', members: all('members'), times }
    case 'hash':
      return { type: 'hash', fields: all('fields'), values: all('values'), times }
    case 'zset':
      return { type: 'zset', members: all('members'), scores: all('scores'), times }
  }
}

function sizeOf(value: PortableValue): number {
  if (value.type === 'string') return 1
  if (value.type === 'list') return value.elements.length
  return value.type === 'hash' ? value.fields.length : value.members.length
}

/** A key as nothing but words, whatever the order of its members; scores to the bit. */
export function plainKey({ db, key, expireAt, value }: WholeKey): unknown {
  return [db, key, expireAt, value.type, plainValue(value)]
}

export function plainKeys(keys: readonly WholeKey[]): readonly unknown[] {
  return [...keys].sort((a, b) => a.db - b.db || (a.key < b.key ? -1 : 1)).map(plainKey)
}

/** The same for what a server holds: a small sorted set has no -0, here as in Redis. */
export function heldKeys(keys: readonly WholeKey[]): readonly unknown[] {
  return plainKeys(
    keys.map((key) => {
      const { value } = key
      if (value.type !== 'zset') return key
      return { ...key, value: { ...value, scores: value.scores.map((score) => score + 0) } }
    }),
  )
}

export function plainValue(value: PortableValue): unknown {
  const time = (i: number): number => ('times' in value ? (value.times?.[i] ?? 0) : 0)
  switch (value.type) {
    case 'string':
      return value.text
    case 'list':
      return value.elements
    case 'set':
      return value.members.map((member, i) => [member, time(i)]).sort(byName)
    case 'hash':
      return value.fields.map((field, i) => [field, value.values[i], time(i)]).sort(byName)
    case 'zset':
      return value.members.map((member, i) => [member, scoreWord(value.scores[i]!), time(i)]).sort(byName)
  }
}

/** A number to the bit: -0 is not 0. */
export function scoreWord(score: number): string {
  return Object.is(score, -0) ? '-0' : String(score)
}

function byName(a: readonly unknown[], b: readonly unknown[]): number {
  return String(a[0]) < String(b[0]) ? -1 : 1
}

/** Bytes in chunks of a size. */
export function cut(bytes: Uint8Array, size: number): Uint8Array[] {
  const chunks: Uint8Array[] = []
  for (let i = 0; i < bytes.length; i += size) chunks.push(bytes.subarray(i, i + size))
  return chunks
}
