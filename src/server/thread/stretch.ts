/**
 * One stretch of requests that a thread reads at a time: which of its shards work in it.
 *
 * A shard is begun when the first request for it comes, and all are ended together, so that a chunk of a
 * hundred requests costs one look at the clock and one drawing of revisions per shard. Nothing is awaited
 * within a stretch.
 *
 * Tests: test/server/serve.race.test.ts
 */
import type { InlineRun } from '../../keyspace/serving/index.ts'

/** The stretch of a thread. */
export class Stretch {
  readonly #shards: ReadonlyMap<number, InlineRun>
  readonly #open: (InlineRun | undefined)[] = []
  readonly #begun: number[] = []

  constructor(shards: ReadonlyMap<number, InlineRun>) {
    this.#shards = shards
  }

  /** The shard, begun, if it is of this thread and serves. */
  of(shard: number): InlineRun | undefined {
    const open = this.#open[shard]
    if (open !== undefined) return open
    const run = this.#shards.get(shard)
    if (run === undefined || !run.isServing) return undefined
    run.begin()
    this.#open[shard] = run
    this.#begun.push(shard)
    return run
  }

  /** Ends it; a promise: when what was done may be told. */
  end(): Promise<void> | undefined {
    const begun = this.#begun
    let wait: Promise<void> | undefined
    for (let i = 0; i < begun.length; i++) {
      const shard = begun[i]!
      const until = this.#open[shard]!.end()
      this.#open[shard] = undefined
      if (until === undefined) continue
      wait = wait === undefined ? until : Promise.all([wait, until]).then(() => undefined)
    }
    begun.length = 0
    return wait
  }
}
