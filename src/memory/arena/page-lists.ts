/**
 * What an arena knows about its pages: columns of numbers, and lists threaded through them.
 *
 * A page belongs to a list, which stands for a kind of content and a size class; those of its pages that
 * have room are linked in it. Free pages belong to no list and are shared by all. This is private to the
 * writer: a reader neither needs it nor could trust it. Columns and not an object per page, since a shard of
 * 32 GiB has half a million pages and the collector would trace each one.
 *
 * A list is a ring with its head in front: blocks are taken from the head, and a full page that gets room
 * comes to the head. So the fullest pages fill first, and sparse ones drift to the end, where compaction
 * looks for them.
 *
 * Cost: 17 bytes a page. Tests: test/memory/arena/arena.prop.test.ts
 */

/** The list of a free page, and of one that is never given out. */
export const FREE_LIST = 0xffff
export const RESERVED_LIST = 0xfffe
/** No block: a page without a free one. */
export const NO_OFFSET = 0xffff
export const NO_PAGE = -1

const PAGES_INITIAL = 64

/** The columns and lists. */
export class PageLists {
  /** Page → its list, blocks in use, unit offset of its first free block, of its first never used one. */
  list: Uint16Array = new Uint16Array(PAGES_INITIAL)
  used: Uint16Array = new Uint16Array(PAGES_INITIAL)
  freeHead: Uint16Array = new Uint16Array(PAGES_INITIAL)
  bump: Uint16Array = new Uint16Array(PAGES_INITIAL)
  /** Page → its neighbours in the ring of its list; of a free page, the next free one. */
  next: Int32Array = new Int32Array(PAGES_INITIAL)
  previous: Int32Array = new Int32Array(PAGES_INITIAL)
  /** List → its first page with room, all its pages, all its blocks in use. */
  readonly head: Int32Array
  readonly pageCount: Int32Array
  readonly blockCount: Int32Array
  count = 0
  #freeHead = NO_PAGE

  constructor(lists: number) {
    this.head = new Int32Array(lists).fill(NO_PAGE)
    this.pageCount = new Int32Array(lists)
    this.blockCount = new Int32Array(lists)
  }

  /** Adds pages behind the last; the first `reserved` of them are never given out. */
  add(count: number, reserved: number): void {
    const first = this.count
    this.count += count
    if (this.count > this.list.length) this.#grow()
    for (let page = this.count - 1; page >= first; page--) {
      if (page < first + reserved) this.list[page] = RESERVED_LIST
      else this.#release(page)
    }
  }

  /** Takes a free page for `list`, or says NO_PAGE. It is at the head of the list then. */
  open(list: number): number {
    const page = this.#freeHead
    if (page === NO_PAGE) return NO_PAGE
    this.#freeHead = this.next[page]!
    this.list[page] = list
    this.used[page] = 0
    this.freeHead[page] = NO_OFFSET
    this.bump[page] = 0
    this.pageCount[list] = this.pageCount[list]! + 1
    this.link(list, page)
    return page
  }

  /** Gives back a page without blocks, which is linked in no list. */
  close(page: number): void {
    const list = this.list[page]!
    this.pageCount[list] = this.pageCount[list]! - 1
    this.#release(page)
  }

  /** Links a page at the head of a list. */
  link(list: number, page: number): void {
    const head = this.head[list]!
    if (head === NO_PAGE) {
      this.next[page] = page
      this.previous[page] = page
    } else {
      const last = this.previous[head]!
      this.next[page] = head
      this.previous[page] = last
      this.next[last] = page
      this.previous[head] = page
    }
    this.head[list] = page
  }

  unlink(list: number, page: number): void {
    const next = this.next[page]!
    if (next === page) {
      this.head[list] = NO_PAGE
      return
    }
    const previous = this.previous[page]!
    this.next[previous] = next
    this.previous[next] = previous
    if (this.head[list] === page) this.head[list] = next
  }

  /** Frees all pages that are not reserved. */
  reset(): void {
    this.head.fill(NO_PAGE)
    this.pageCount.fill(0)
    this.blockCount.fill(0)
    this.#freeHead = NO_PAGE
    for (let page = this.count - 1; page >= 0; page--) {
      if (this.list[page] !== RESERVED_LIST) this.#release(page)
    }
  }

  /** How many pages are free: walks them. For checks. */
  countFree(): number {
    let count = 0
    for (let page = this.#freeHead; page !== NO_PAGE; page = this.next[page]!) count++
    return count
  }

  #release(page: number): void {
    this.list[page] = FREE_LIST
    this.next[page] = this.#freeHead
    this.#freeHead = page
  }

  #grow(): void {
    const capacity = Math.max(this.count, this.list.length * 2)
    this.list = grown(this.list, new Uint16Array(capacity))
    this.used = grown(this.used, new Uint16Array(capacity))
    this.freeHead = grown(this.freeHead, new Uint16Array(capacity))
    this.bump = grown(this.bump, new Uint16Array(capacity))
    this.next = grown(this.next, new Int32Array(capacity))
    this.previous = grown(this.previous, new Int32Array(capacity))
  }
}

function grown<T extends Uint16Array | Int32Array>(column: T, larger: T): T {
  larger.set(column)
  return larger
}
