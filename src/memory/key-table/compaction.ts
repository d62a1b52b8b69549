/**
 * Brings back memory that deletions scattered: moves what is left out of sparse pages.
 *
 * Without it, a table that was large once and then lost all but one key per page would keep every page, each
 * for its size class alone. A page is chosen (sparse-pages.ts), nothing is allocated in it any more, and its
 * blocks are moved one by one: each is copied out of sight, and one store within a write section puts the
 * copy in its place. Who points at a block is found from the block: a record knows its hash, a chunk and a
 * table know the hash of their key, and a bucket array is one of those in the directory.
 *
 * Segments are not given back: readers may hold them for ever. Their pages are used again.
 *
 * Writer: the shard's thread. Readers: those that are in a block that moves validate in vain, and try again.
 * Invariants: those of the arena and the table. Publication order: copy, sequence odd, pointer, even; then
 * the old block is freed.
 * Cost: a look-up and a copy per block. Tests: test/memory/key-table/compaction.test.ts
 */
import { ShardloomError } from '../../base/index.ts'
import {
  type Arena,
  type ArenaRef,
  blocksOf,
  chooseSparsePage,
  emptyingKind,
  hasRoomForOne,
  keepSparsePage,
  moveWords,
  NO_PAGE,
  NO_REF,
} from '../arena/index.ts'
import { type SharedWords, storePayload } from '../seqlock.ts'
import {
  BUCKETS,
  DIRECTORY_HEADER_WORDS,
  HASH,
  KIND_BUCKETS,
  KIND_CHUNK,
  KIND_RECORD,
  NEXT,
  STRIPE_WORDS,
  VALUE_LENGTH,
} from './key-table-layout.ts'
import type { Records } from './records.ts'
import type { Stripes } from './stripes.ts'

/** Empties sparse pages, some blocks at a time. */
export class Compaction {
  readonly #arena: Arena
  readonly #stripes: Stripes
  readonly #records: Records

  constructor(stripes: Stripes, records: Records) {
    this.#arena = stripes.arena
    this.#stripes = stripes
    this.#records = records
  }

  /** Moves up to `budgetBlocks`; returns how many were moved. */
  run(budgetBlocks: number): number {
    const arena = this.#arena
    let moved = 0
    while (moved < budgetBlocks) {
      if (arena.emptying === NO_PAGE && !chooseSparsePage(arena)) break
      const before = moved
      moved += this.#emptySome(budgetBlocks - moved)
      if (arena.emptying !== NO_PAGE && moved === before) {
        // Others have taken the room since the page was chosen.
        keepSparsePage(arena)
        break
      }
    }
    return moved
  }

  #emptySome(budgetBlocks: number): number {
    const arena = this.#arena
    const page = arena.emptying
    const kind = emptyingKind(arena)
    if (kind === KIND_BUCKETS) return this.#moveBuckets(page, budgetBlocks)
    let moved = 0
    for (const ref of blocksOf(arena, page)) {
      if (moved >= budgetBlocks || !hasRoomForOne(arena)) break
      if (kind === KIND_RECORD) this.#moveRecord(ref)
      else if (kind === KIND_CHUNK) this.#moveChunk(ref)
      else this.#moveTable(ref)
      moved++
    }
    return moved
  }

  #moveRecord(ref: ArenaRef): void {
    this.#stripes.replace(ref, this.#records.copy(ref))
    this.#arena.free(ref)
  }

  #moveTable(table: ArenaRef): void {
    const hash = this.#records.chunks.ownerOfTable(table)
    const ref = this.#recordOf(hash, (candidate) => this.#records.pointer(candidate) === table)
    const copy = this.#records.chunks.copyTable(table)
    this.#publish(hash, this.#arena.wordsOf(ref), this.#records.valueWord(ref), copy)
    this.#arena.free(table)
  }

  #moveChunk(chunk: ArenaRef): void {
    const arena = this.#arena
    const { chunks } = this.#records
    const hash = chunks.ownerOfChunk(chunk)
    let word = 0
    const ref = this.#recordOf(hash, (candidate) => {
      const table = this.#records.pointer(candidate)
      const words = arena.wordsOf(table)
      const first = arena.wordOf(table)
      const count = chunks.countFor(arena.wordsOf(candidate)[arena.wordOf(candidate) + VALUE_LENGTH]!)
      word = words.subarray(0, first + count).indexOf(chunk, first)
      return word !== -1
    })
    this.#publish(hash, arena.wordsOf(this.#records.pointer(ref)), word, chunks.copyChunk(chunk))
    arena.free(chunk)
  }

  /** Bucket arrays do not say whose they are: one walk of the directory finds all of a page. */
  #moveBuckets(page: number, budgetBlocks: number): number {
    const arena = this.#arena
    const { directory, stripeBits } = this.#stripes
    const end = DIRECTORY_HEADER_WORDS + (STRIPE_WORDS << stripeBits)
    let moved = 0
    for (
      let stripe = DIRECTORY_HEADER_WORDS;
      stripe < end && arena.emptying === page;
      stripe += STRIPE_WORDS
    ) {
      const buckets = directory[stripe + BUCKETS]!
      if (buckets === NO_REF || arena.pageOf(buckets) !== page) continue
      if (moved >= budgetBlocks || !hasRoomForOne(arena)) break
      const blockBytes = arena.blockBytes(buckets)
      const copy = arena.allocate(KIND_BUCKETS, blockBytes)
      moveWords(
        arena.wordsOf(buckets),
        arena.wordOf(buckets),
        arena.wordsOf(copy),
        arena.wordOf(copy),
        blockBytes >> 2,
        arena.isAtomic,
      )
      arena.free(this.#stripes.moveBuckets(stripe, copy))
      moved++
    }
    return moved
  }

  /** The record with a chunked value, among those of a hash, that `isIt`. */
  #recordOf(hash: number, isIt: (ref: ArenaRef) => boolean): ArenaRef {
    const arena = this.#arena
    for (let ref = this.#stripes.headOf(hash); ref !== NO_REF; ) {
      const words = arena.wordsOf(ref)
      const record = arena.wordOf(ref)
      if (words[record + HASH] === hash && this.#records.isChunked(ref) && isIt(ref)) return ref
      ref = words[record + NEXT]!
    }
    throw new ShardloomError('SHL_ASSERTION', { text: 'a chunk or table belongs to the key of its hash' })
  }

  #publish(hash: number, words: SharedWords, word: number, ref: ArenaRef): void {
    const stripe = this.#stripes.stripeOf(hash)
    this.#stripes.begin(stripe)
    storePayload(words, word, ref, this.#arena.isAtomic)
    this.#stripes.end(stripe)
  }
}
