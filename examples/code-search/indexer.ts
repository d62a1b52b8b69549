/**
 * The actor that indexes: it is asked for a batch of files, or to merge a part of all batches, and leaves
 * what it makes in the keyspace. Only counts travel back to whoever asked.
 *
 * It has no state and no memory of other batches. That is what makes it safe to kill: whoever asked asks
 * another one. It takes the next batch while the keyspace still writes the last one (`reentrant`). Before its
 * first batch it indexes a sample, so that the code is compiled when the clock starts; so does the
 * single-threaded run.
 */
import { defineActor } from 'shardloom'
import { type BatchRequest, mergePart, storeBatch } from './index-steps.ts'
import { warmUpCode } from './warm-up.ts'

/** A part, and of how many batches. */
export interface MergeRequest {
  readonly part: number
  readonly batches: number
}

export const indexer = defineActor({
  name: 'indexer',
  reentrant: true,
  init(_ctx, sample: readonly BatchRequest[]): Promise<void> {
    return warmUpCode(sample)
  },
  receive: {
    index: (_state, request: BatchRequest, ctx) => storeBatch(ctx.keyspace, request),
    merge: (_state, { part, batches }: MergeRequest, ctx) => mergePart(ctx.keyspace, part, batches),
  },
})
