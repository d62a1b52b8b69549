/**
 * Asserts everything that must hold in a key table and its arena: walks all of it, for tests.
 *
 * It goes from the directory to every block that can be reached and compares what it has found with what the
 * arena believes to have given out: a block too few is lost memory, one too many is used twice.
 *
 * Writer: the owner of the table; nothing is changed. Readers: none.
 * Invariants: all of key-table-layout.ts, stripes.ts, records.ts, record-chunks.ts and arena.ts.
 * Cost: linear in the table. Tests: test/memory/key-table/key-table-writer.prop.test.ts
 */
import { assert } from '../../base/index.ts'
import { type Arena, type ArenaRef, blocksOf, type NativeBuffer, NO_PAGE, NO_REF } from '../arena/index.ts'
import { hashBytes } from './key-hash.ts'
import {
  ASCII,
  BUCKETS,
  BUCKETS_LOG2,
  CHUNKED,
  DIRECTORY_HEADER_WORDS,
  HASH,
  KEY,
  KEY_COUNT,
  KEY_LENGTH,
  KIND_BUCKETS,
  KIND_CHUNK,
  KIND_RECORD,
  KIND_TABLE,
  META,
  NEXT,
  SEED_WORD,
  SEQUENCE,
  STRIPE_WORDS,
  TYPE_MASK,
  VALUE_LENGTH,
} from './key-table-layout.ts'
import type { Records } from './records.ts'
import type { Stripes } from './stripes.ts'

/** Throws `SHL_ASSERTION` for the first thing that does not hold. No update is open. */
export function checkTable(stripes: Stripes, records: Records): void {
  const { arena, directory, stripeBits } = stripes
  /** Block → kind of content. */
  const reached = new Map<ArenaRef, number>()
  const sizes = new Int32Array(stripes.sizes.length)
  let count = 0
  for (let i = 0; i < 2 ** stripeBits; i++) {
    const stripe = DIRECTORY_HEADER_WORDS + i * STRIPE_WORDS
    assert((directory[stripe + SEQUENCE]! & 1) === 0, 'no stripe is being written')
    const log2 = directory[stripe + BUCKETS_LOG2]!
    sizes[log2] = sizes[log2]! + 1
    const keys = checkStripe(stripes, records, i, reached)
    assert(keys === directory[stripe + KEY_COUNT], 'a stripe counts its keys')
    count += keys
  }
  assert(count === stripes.count, 'the table counts its keys')
  assert(
    sizes.every((found, log2) => found === stripes.sizes[log2]),
    'stripes are counted by size',
  )
  checkArena(arena, reached, (DIRECTORY_HEADER_WORDS + (STRIPE_WORDS << stripeBits)) * 4)
}

function checkStripe(
  stripes: Stripes,
  records: Records,
  number: number,
  reached: Map<ArenaRef, number>,
): number {
  const { arena, directory } = stripes
  const stripe = DIRECTORY_HEADER_WORDS + number * STRIPE_WORDS
  const buckets = directory[stripe + BUCKETS]!
  const log2 = directory[stripe + BUCKETS_LOG2]!
  if (buckets === NO_REF) {
    assert(log2 === 0, 'without buckets there is no size')
    return 0
  }
  reach(reached, buckets, KIND_BUCKETS)
  assert(arena.blockBytes(buckets) >= 4 * 2 ** log2, 'the buckets fit their block')
  const keys = new Set<string>()
  let count = 0
  for (let bucket = 0; bucket < 2 ** log2; bucket++) {
    let ref = arena.wordsOf(buckets)[arena.wordOf(buckets) + bucket]!
    for (; ref !== NO_REF; ref = arena.wordsOf(ref)[arena.wordOf(ref) + NEXT]!) {
      reach(reached, ref, KIND_RECORD)
      const hash = arena.wordsOf(ref)[arena.wordOf(ref) + HASH]!
      assert(hash >>> stripes.stripeShift === number, 'a record is in the stripe of its hash')
      assert(stripes.bucketOf(hash, log2) === bucket, 'a record is in the bucket of its hash')
      keys.add(checkRecord(stripes, records, ref, reached))
      count++
    }
  }
  assert(keys.size === count, 'no key is there twice')
  assert(count > 0 && (count <= 2 ** log2 || log2 === stripes.sizes.length - 1), 'a stripe has grown in time')
  return count
}

/** Returns the key. */
function checkRecord(
  { arena, directory }: Stripes,
  records: Records,
  ref: ArenaRef,
  reached: Map<ArenaRef, number>,
): string {
  const words = arena.wordsOf(ref)
  const bytes = arena.bytesOf(ref) as NativeBuffer
  const record = arena.wordOf(ref)
  const keyLength = words[record + KEY_LENGTH]!
  const keyStart = (record + KEY) << 2
  const seed = [directory[SEED_WORD]!, directory[SEED_WORD + 1]!] as const
  assert(
    (hashBytes(bytes, keyStart, keyLength, seed) | 0) === words[record + HASH],
    'the hash is that of the key',
  )
  for (let at = keyLength; (at & 3) !== 0; at++)
    assert(bytes[keyStart + at] === 0, 'a key is filled with zeros')
  const meta = words[record + META]!
  const length = words[record + VALUE_LENGTH]!
  const valueWord = records.valueWord(ref)
  const isChunked = (meta & CHUNKED) !== 0
  const inlineBytes = isChunked || (meta & TYPE_MASK) !== 0 ? 4 : length
  assert(((valueWord - record) << 2) + inlineBytes <= arena.blockBytes(ref), 'a record fits its block')
  if (isChunked) checkChunks(arena, records, words[valueWord]!, length, words[record + HASH]!, reached)
  else if ((meta & ASCII) !== 0) {
    const value = bytes.subarray(valueWord << 2, (valueWord << 2) + length)
    assert(
      value.every((byte) => byte < 0x80),
      'a value is ASCII when it says so',
    )
  }
  return bytes.latin1Slice(keyStart, keyStart + keyLength)
}

function checkChunks(
  arena: Arena,
  { chunks }: Records,
  table: ArenaRef,
  length: number,
  hash: number,
  reached: Map<ArenaRef, number>,
): void {
  reach(reached, table, KIND_TABLE)
  const isPage = arena.blockBytes(table) === arena.geometry.pageBytes
  assert(isPage || chunks.ownerOfTable(table) === hash, 'a table knows its key')
  assert(length > 0, 'a chunked value is not empty')
  const count = chunks.countFor(length)
  for (let i = 0; i < count; i++) {
    const chunk = chunks.chunkAt(table, i)
    reach(reached, chunk, KIND_CHUNK)
    assert(chunks.ownerOfChunk(chunk) === hash, 'a chunk knows its key')
    const rest = Math.min(chunks.chunkBytes, length - i * chunks.chunkBytes)
    assert(arena.blockBytes(chunk) >= rest, 'a chunk has room for its part')
  }
}

function reach(reached: Map<ArenaRef, number>, ref: ArenaRef, kind: number): void {
  assert(!reached.has(ref), 'a block is used once')
  reached.set(ref, kind)
}

/** Whether what was reached is what the arena has given out. */
function checkArena(arena: Arena, reached: Map<ArenaRef, number>, directoryBytes: number): void {
  const { pages, classes } = arena
  const reservedPages = Math.ceil(directoryBytes / arena.geometry.pageBytes)
  const opened = new Set<number>()
  let usedBytes = directoryBytes
  for (const [ref, kind] of reached) {
    const page = arena.pageOf(ref)
    opened.add(page)
    assert(Math.floor(pages.list[page]! / classes.count) === kind, 'a page holds blocks of one kind')
    usedBytes += arena.blockBytes(ref)
  }
  assert(usedBytes === arena.usedBytes, 'used bytes are those of all blocks')
  assert(opened.size + reservedPages === arena.pagesUsed, 'a page without blocks is free')
  assert(pages.countFree() + arena.pagesUsed === pages.count, 'every page is free or used')
  const linked = new Set<number>()
  for (const head of pages.head) {
    if (head === NO_PAGE) continue
    let page = head
    do {
      linked.add(page)
      page = pages.next[page]!
    } while (page !== head)
  }
  let blocks = 0
  for (const page of opened) {
    const found = blocksOf(arena, page)
    blocks += found.length
    assert(found.length === pages.used[page], 'a page counts its blocks')
    assert(
      found.every((ref) => reached.has(ref)),
      'a block that was given out is reached',
    )
    const isFull = found.length === classes.pageBlocks[pages.list[page]! % classes.count]
    assert(linked.has(page) === (!isFull && page !== arena.emptying), 'a page with room is in its list')
  }
  assert(blocks === reached.size, 'a block that is reached was given out')
}
