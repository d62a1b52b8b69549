/** What the other files of `memory` use of arenas. */
export { Arena, type ArenaOptions } from './arena.ts'
export {
  type ArenaGeometry,
  type ArenaRef,
  arenaGeometry,
  NO_REF,
  PAGE_BYTES_DEFAULT,
  SEGMENT_BYTES_DEFAULT,
  UNIT_BYTES,
} from './arena-geometry.ts'
export { AttachedSegments } from './attached-segments.ts'
export {
  type ByteSource,
  copyOwn,
  fillZeros,
  loadBytes,
  moveWords,
  type NativeBuffer,
  storeSource,
} from './block-bytes.ts'
export { NO_PAGE } from './page-lists.ts'
export { blocksOf, chooseSparsePage, emptyingKind, hasRoomForOne, keepSparsePage } from './sparse-pages.ts'
