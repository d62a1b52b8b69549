/**
 * The actor that indexes: it is asked for a batch of paths and answers with their segment.
 *
 * It has no state and no memory of other batches. That is what makes it safe to kill: whoever asked asks another
 * one.
 */
import { defineActor } from 'shardloom'
import { indexBatch } from './segment.ts'

/** A batch: paths below a folder. */
export interface IndexRequest {
  readonly folder: string
  readonly paths: readonly string[]
}

export const indexer = defineActor({
  name: 'indexer',
  receive: {
    index(_state, { folder, paths }: IndexRequest) {
      return indexBatch(folder, paths)
    },
  },
})
