/**
 * The subsystem `writer`: the only one that writes the output.
 *
 * It keeps no snapshot, because the file is its state: each run reads back which ids are there. Whoever calls
 * `append` twice for one id has one line, so that the call may be made again after any failure; an answer
 * means that the line is on disk. See the head of `result-file.ts`.
 *
 * Tests: test/examples/supervised-pipeline.test.ts
 */
import { defineSubsystem, type SubsystemContext } from 'shardloom'
import type { Result } from './job.ts'
import { type Mischief, mischief } from './mischief.ts'
import { type Appended, ResultFile } from './result-file.ts'

/** What the writer offers. */
export interface WriterApi extends Mischief {
  append(result: Result): Promise<Appended>
  has(id: string): boolean
}

/** What it is started with. */
export interface WriterArgs {
  readonly path: string
}

export default defineSubsystem({
  name: 'writer',
  init: async (_ctx: SubsystemContext, { path }: WriterArgs) => ResultFile.open(path),
  idempotent: ['append', 'has'],
  api: (file, ctx): WriterApi => ({
    ...mischief(),
    async append(result) {
      try {
        const appended = await file.append(result)
        ctx.actor.counter(`pipeline_${appended}`).add(1)
        return appended
      } catch (error) {
        // A disk that fails is not gone on with: the next run reads what is really there.
        ctx.fail(error as Error)
        throw error
      }
    },
    has: (id) => file.has(id),
  }),
  stop: (file) => file.close(),
})
