/**
 * Memory off the JS heap: blocks of size classes, cut out of pages of fixed shared segments.
 *
 *     segment 0          segment 1                 each `segmentBytes`, never moved, never given back
 *     +----+----+----+   +----+----+----+
 *     | R  | c3 | c9 |   | c3 |free|free|          pages of 64 KiB, each of one kind and size class
 *     +----+----+----+   +----+----+----+
 *      reserved: what the owner puts there         a page: blocks of one size, free ones linked
 *
 * Segments have a fixed size and come one by one, because typed arrays over growable shared memory are slow.
 * A page whose last block is freed is free for every class. The classes of one kind of content have pages of
 * their own, so that compaction knows how to find who points at a block.
 *
 * Writer: one thread, which also has all the bookkeeping in private arrays; in shared memory there is only
 * the link of a free block, in its first word. Readers: any thread may still be in a block that has been
 * freed, or given out again; the seqlock of the one who published it tells it so.
 * Invariants: (1) a block lies in one page; (2) a page with a free block is in the list of its class, but for
 * the one that is being emptied; (3) `usedBytes` is the sum of all blocks, the reserved bytes included;
 * (4) a reference into a segment is made only after `onSegment` was called for it.
 * Cost: 10 to 20 ns to allocate or free; an eighth of a block is waste at most, and one page per class in
 * use.
 * Tests: test/memory/arena/arena.test.ts, arena.prop.test.ts. Source: the slabs of memcached.
 */
import { assert } from '../../base/index.ts'
import { payloadIsAtomic, type SharedWords, storePayload } from '../seqlock.ts'
import { type ArenaGeometry, type ArenaRef, UNIT_BYTES } from './arena-geometry.ts'
import { NO_OFFSET, NO_PAGE, PageLists } from './page-lists.ts'
import { type SizeClasses, sizeClasses } from './size-classes.ts'

/** How an arena is made. */
export interface ArenaOptions {
  readonly geometry: ArenaGeometry
  /** Kinds of content; `allocate` is told one of them. */
  readonly kinds: number
  /** Bytes at the beginning of segment 0 that the owner uses as it likes. At least one. */
  readonly reservedBytes: number
  /** Architecture, as in `process.arch`. */
  readonly arch: string
  /** Called with each segment before there is any reference into it. */
  readonly onSegment?: ((id: number, buffer: SharedArrayBuffer) => void) | undefined
}

/** Blocks of shared memory. */
export class Arena {
  readonly geometry: ArenaGeometry
  readonly classes: SizeClasses
  readonly pages: PageLists
  /** Whether payload has to be stored with `Atomics`. */
  readonly isAtomic: boolean
  /** Segment → its memory, as words and as bytes. */
  readonly buffers: SharedArrayBuffer[] = []
  readonly words: SharedWords[] = []
  readonly bytes: Buffer[] = []
  readonly segmentShift: number
  readonly unitMask: number
  /** Bytes of all blocks in use, and the reserved ones. */
  usedBytes: number
  /** The page that compaction is emptying: nothing is allocated in it. */
  emptying: number = NO_PAGE
  readonly #pageShift: number
  readonly #pageUnitMask: number
  readonly #reservedBytes: number
  readonly #reservedPages: number
  readonly #onSegment: ((id: number, buffer: SharedArrayBuffer) => void) | undefined

  constructor({ geometry, kinds, reservedBytes, arch, onSegment }: ArenaOptions) {
    this.geometry = geometry
    this.classes = sizeClasses(geometry.pageBytes)
    this.pages = new PageLists(kinds * this.classes.count)
    this.isAtomic = payloadIsAtomic(arch)
    this.segmentShift = geometry.segmentShift
    this.unitMask = 2 ** geometry.segmentShift - 1
    this.#pageShift = geometry.pageShift
    this.#pageUnitMask = 2 ** geometry.pageShift - 1
    this.#onSegment = onSegment
    this.usedBytes = reservedBytes
    this.#reservedBytes = reservedBytes
    this.#reservedPages = Math.ceil(reservedBytes / geometry.pageBytes)
    assert(reservedBytes > 0 && reservedBytes <= geometry.segmentBytes, 'what is reserved fits segment 0')
    this.#addSegment(this.#reservedPages)
  }

  /** A block of at least `bytes`, at most a page. Its content is whatever was there. */
  allocate(kind: number, bytes: number): ArenaRef {
    const { classes, pages } = this
    const sizeClass = classes.classOfUnits[(bytes + UNIT_BYTES - 1) >> 3]!
    const list = kind * classes.count + sizeClass
    let page = pages.head[list]!
    if (page === NO_PAGE) page = this.#openPage(list)
    const blockBytes = classes.blockBytes[sizeClass]!
    const pageRef = page << this.#pageShift
    let offset = pages.freeHead[page]!
    if (offset === NO_OFFSET) {
      offset = pages.bump[page]!
      pages.bump[page] = offset + (blockBytes >> 3)
    } else {
      const ref = pageRef + offset
      pages.freeHead[page] = this.words[ref >>> this.segmentShift]![(ref & this.unitMask) << 1]!
    }
    const used = pages.used[page]! + 1
    pages.used[page] = used
    pages.blockCount[list] = pages.blockCount[list]! + 1
    if (used === classes.pageBlocks[sizeClass]) pages.unlink(list, page)
    this.usedBytes += blockBytes
    return pageRef + offset
  }

  /** Gives a block back. Readers must have been told before, by the sequence of whoever published it. */
  free(ref: ArenaRef): void {
    const { classes, pages } = this
    const page = ref >>> this.#pageShift
    const list = pages.list[page]!
    const sizeClass = list % classes.count
    const words = this.words[ref >>> this.segmentShift]!
    storePayload(words, (ref & this.unitMask) << 1, pages.freeHead[page]!, this.isAtomic)
    pages.freeHead[page] = ref & this.#pageUnitMask
    const used = pages.used[page]! - 1
    pages.used[page] = used
    pages.blockCount[list] = pages.blockCount[list]! - 1
    this.usedBytes -= classes.blockBytes[sizeClass]!
    const isFirstRoom = used === classes.pageBlocks[sizeClass]! - 1
    if (page === this.emptying) {
      if (used > 0) return
      this.emptying = NO_PAGE
      pages.close(page)
    } else if (used === 0) {
      if (!isFirstRoom) pages.unlink(list, page)
      pages.close(page)
    } else if (isFirstRoom) pages.link(list, page)
  }

  /** The size of a block. */
  blockBytes(ref: ArenaRef): number {
    const { classes, pages } = this
    return classes.blockBytes[pages.list[ref >>> this.#pageShift]! % classes.count]!
  }

  /** The size of the block that `allocate` would give. */
  roundedBytes(bytes: number): number {
    const { classes } = this
    return classes.blockBytes[classes.classOfUnits[(bytes + UNIT_BYTES - 1) >> 3]!]!
  }

  /** The number of the page that a block lies in. */
  pageOf(ref: ArenaRef): number {
    return ref >>> this.#pageShift
  }

  /** Where a block begins in the words of its segment. */
  wordOf(ref: ArenaRef): number {
    return (ref & this.unitMask) << 1
  }

  wordsOf(ref: ArenaRef): SharedWords {
    return this.words[ref >>> this.segmentShift]!
  }

  bytesOf(ref: ArenaRef): Buffer {
    return this.bytes[ref >>> this.segmentShift]!
  }

  /** Gives all blocks back at once. */
  reset(): void {
    this.pages.reset()
    this.emptying = NO_PAGE
    this.usedBytes = this.#reservedBytes
  }

  /** Bytes of all segments. */
  get reservedBytes(): number {
    return this.buffers.length * this.geometry.segmentBytes
  }

  /** Pages that hold something, the reserved ones included. */
  get pagesUsed(): number {
    let count = this.#reservedPages
    for (const pages of this.pages.pageCount) count += pages
    return count
  }

  #openPage(list: number): number {
    const page = this.pages.open(list)
    if (page !== NO_PAGE) return page
    this.#addSegment(0)
    return this.pages.open(list)
  }

  #addSegment(reservedPages: number): void {
    const { segmentBytes, segmentsMax, pageBytes } = this.geometry
    const id = this.buffers.length
    assert(id < segmentsMax, 'references of 32 bits reach all segments')
    const buffer = new SharedArrayBuffer(segmentBytes)
    this.#onSegment?.(id, buffer)
    this.buffers.push(buffer)
    this.words.push(new Int32Array(buffer))
    this.bytes.push(Buffer.from(buffer))
    this.pages.add(segmentBytes / pageBytes, reservedPages)
  }
}
