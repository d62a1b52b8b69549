/** Options of `spawn`, wherever it is called. */
import type { MailboxOptions } from './mailbox-options.ts'

/** Which kind of thread an actor lives on. */
export type Placement = 'shared' | 'dedicated' | 'main'

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
  /** Overrides the definition's bounds. */
  readonly mailbox?: MailboxOptions
}
