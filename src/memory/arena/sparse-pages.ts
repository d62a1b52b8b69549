/**
 * Which page of an arena to empty next, and what is in it: the choice that compaction makes.
 *
 * A page can be gained where the pages of one class have room for a whole page together. The class that can
 * gain most comes first, and of its pages the sparsest of the last ones in its list: full pages that get room
 * come to the head, so sparse ones gather at the end, and looking at all would cost more than it finds.
 *
 * Writer: the owner of the arena; all of this is private to it. Readers: none.
 * Invariants: (1) a page that is being emptied is in no list, so nothing is allocated in it; (2) when it is
 * chosen, the other pages of its class have room for all its blocks.
 * Cost: some hundred steps a choice. Tests: test/memory/key-table/compaction.test.ts
 */
import type { Arena } from './arena.ts'
import type { ArenaRef } from './arena-geometry.ts'
import { NO_OFFSET, NO_PAGE } from './page-lists.ts'

/** Pages at the end of a list that are looked at. */
const CANDIDATES_MAX = 64
/** A page that is fuller than this is not worth emptying: it costs more copies than it gains room. */
const FULLNESS_MAX = 7 / 8

/** Chooses a page as the one to be emptied. False when none is worth it. */
export function chooseSparsePage(arena: Arena): boolean {
  const { pages, classes } = arena
  let best = -1
  let bestGain = 0
  for (let list = 0; list < pages.head.length; list++) {
    const blocks = classes.pageBlocks[list % classes.count]!
    const gain = Math.floor(pages.pageCount[list]! - pages.blockCount[list]! / blocks)
    if (gain <= bestGain || sparsestOf(arena, list) === NO_PAGE) continue
    best = list
    bestGain = gain
  }
  if (best === -1) return false
  const page = sparsestOf(arena, best)
  pages.unlink(best, page)
  arena.emptying = page
  return true
}

/** Takes a page that could not be emptied back among the others. */
export function keepSparsePage(arena: Arena): void {
  const { pages, emptying } = arena
  pages.link(pages.list[emptying]!, emptying)
  arena.emptying = NO_PAGE
}

/** Whether the page that is being emptied can be: another of its class has room. */
export function hasRoomForOne(arena: Arena): boolean {
  const { pages, emptying } = arena
  return pages.head[pages.list[emptying]!] !== NO_PAGE
}

/** What the blocks of the page that is being emptied hold. */
export function emptyingKind(arena: Arena): number {
  return Math.floor(arena.pages.list[arena.emptying]! / arena.classes.count)
}

/** The blocks in use of a page. */
export function blocksOf(arena: Arena, page: number): ArenaRef[] {
  const { pages, classes, geometry } = arena
  const first = page << geometry.pageShift
  const isFree = new Uint8Array(2 ** geometry.pageShift)
  for (let offset = pages.freeHead[page]!; offset !== NO_OFFSET; ) {
    isFree[offset] = 1
    offset = arena.wordsOf(first)[arena.wordOf(first + offset)]!
  }
  const units = classes.blockBytes[pages.list[page]! % classes.count]! >> 3
  const found: ArenaRef[] = []
  for (let offset = 0; offset < pages.bump[page]!; offset += units) {
    if (isFree[offset] === 0) found.push(first + offset)
  }
  return found
}

/** The page with the fewest blocks among the last of a list that are worth emptying. */
function sparsestOf(arena: Arena, list: number): number {
  const { pages, classes } = arena
  const head = pages.head[list]!
  if (head === NO_PAGE) return NO_PAGE
  let usedMin = Math.floor(classes.pageBlocks[list % classes.count]! * FULLNESS_MAX) + 1
  let sparsest = NO_PAGE
  let page = head
  for (let i = 0; i < CANDIDATES_MAX; i++) {
    page = pages.previous[page]!
    if (pages.used[page]! < usedMin) {
      usedMin = pages.used[page]!
      sparsest = page
    }
    if (page === head) break
  }
  return sparsest
}
