/** Options of `spawn`, wherever it is called. */
import type { MailboxOptions } from './mailbox-options.ts'

/** Which kind of thread an actor lives on. */
export type Placement = 'shared' | 'dedicated' | 'main'

/** Limits of a thread's heap, as Node's `resourceLimits`. */
export interface ThreadResourceLimits {
  readonly maxOldGenerationSizeMb?: number
  readonly maxYoungGenerationSizeMb?: number
  readonly codeRangeSizeMb?: number
  readonly stackSizeMb?: number
}

/** Options of `spawn`. */
export interface SpawnOptions<Args> {
  /** The second argument of `init`; must be sendable. */
  readonly args?: Args
  /** Shown in messages and by `inspect`. Default: the definition's name. */
  readonly name?: string
  /**
   * Which export of the module is the actor. Default: `default`, else the only definition among the exports.
   */
  readonly export?: string
  /**
   * `shared`: the least busy worker thread (default). `dedicated`: a thread of its own. `main`: the main
   * thread.
   */
  readonly placement?: Placement
  /** Hard limits of a dedicated thread's heap: beyond them the thread ends, as out of memory. */
  readonly resourceLimits?: ThreadResourceLimits
  /** Overrides the definition's bounds. */
  readonly mailbox?: MailboxOptions
  /** Aborting gives up the start: `spawn` rejects, and what has begun is ended. */
  readonly signal?: AbortSignal
}
