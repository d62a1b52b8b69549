/**
 * The actor that indexes: it is asked for a batch of paths and answers with their segment.
 *
 * It has no state and no memory of other batches. That is what makes it safe to kill: whoever asked asks
 * another one. Before its first batch it indexes a sample, so that the code is compiled when the clock
 * starts; so does the single-threaded run. The arrays of an answer move to the asker instead of being copied.
 */
import { defineActor, transfer } from 'shardloom'
import { indexBatch } from './index-batch.ts'

/** A batch: paths below a folder. */
export interface IndexRequest {
  readonly folder: string
  readonly paths: readonly string[]
}

export const indexer = defineActor({
  name: 'indexer',
  init(_ctx, sample: readonly IndexRequest[]): undefined {
    for (const { folder, paths } of sample) indexBatch(folder, paths)
  },
  receive: {
    index(_state, { folder, paths }: IndexRequest) {
      const segment = indexBatch(folder, paths)
      return transfer(segment, [segment.postings.buffer, segment.ends.buffer, segment.termEnds.buffer])
    },
  },
})
