/**
 * The two steps of indexing, for any store: a batch of files is read and cut into parts; the parts are merged
 * into posting lists.
 *
 * Both may be done again after a thread was lost: they set the same keys to the same values.
 *
 * Tests: test/examples/search.test.ts
 */
import { indexBatch } from './index-batch.ts'
import { fileKey, type IndexStore, partKey, termKey } from './index-store.ts'
import { cutIntoParts, mergeParts, PARTS } from './parts.ts'
import type { Segment } from './segment.ts'

/** A command is one step for its shard: many small ones cost more, large ones let others wait. */
const TERMS_PER_COMMAND = 200

/** A batch: paths below a folder. */
export interface BatchRequest {
  readonly folder: string
  readonly batch: number
  /** The number of its first file among all files. */
  readonly firstFile: number
  readonly paths: readonly string[]
}

/** What a batch holds. */
export interface BatchReport {
  readonly words: number
  readonly postings: number
}

/** What the merge of one part came to. */
export interface MergeReport {
  readonly terms: number
  /** Of its posting lists. */
  readonly bytes: number
}

/** The keys that a batch is in the store with, until all are merged. */
export function keysOfBatch({ batch, firstFile, paths }: BatchRequest): string[] {
  const parts = Array.from({ length: PARTS }, (_, part) => partKey(batch, part))
  return [...parts, ...paths.map((_, i) => fileKey(firstFile + i))]
}

/** Indexes a batch: afterwards its parts and its files are in the store. */
export function storeBatch(store: IndexStore, request: BatchRequest): Promise<BatchReport> {
  return storeSegment(store, request, indexBatch(request.folder, request.paths))
}

/** Puts a segment into the store. */
export async function storeSegment(
  store: IndexStore,
  { batch, firstFile, paths }: Omit<BatchRequest, 'folder'>,
  segment: Segment,
): Promise<BatchReport> {
  const writes = cutIntoParts(segment, firstFile).map((part, i) => store.set(partKey(batch, i), part))
  let words = 0
  paths.forEach((path, i) => {
    const count = segment.files[i * 2]!
    words += count
    writes.push(store.set(fileKey(firstFile + i), `${count} ${path}`))
  })
  await Promise.all(writes)
  return { words, postings: segment.postings.length }
}

/**
 * Merges one part of all batches: afterwards the lists of its terms are in the store. Undefined: one is gone.
 */
export async function mergePart(
  store: IndexStore,
  part: number,
  batches: number,
): Promise<MergeReport | undefined> {
  const parts: Uint8Array[] = []
  for (let batch = 0; batch < batches; batch++) {
    const bytes = store.getSync(partKey(batch, part), 'buffer')
    if (bytes === undefined) return undefined
    parts.push(bytes)
  }
  const lists = mergeParts(parts)
  const writes: unknown[] = []
  let bytes = 0
  let some: (string | Uint8Array)[] = []
  for (const [term, pieces] of lists) {
    const list = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
    some.push(termKey(term, part), list)
    bytes += list.length
    if (some.length < 2 * TERMS_PER_COMMAND) continue
    writes.push(store.command('MSET', ...some))
    some = []
  }
  if (some.length > 0) writes.push(store.command('MSET', ...some))
  await Promise.all(writes)
  return { terms: lists.size, bytes }
}
