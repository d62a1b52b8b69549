/** The bounds of a mailbox, as callers give them. */

/** What happens to a message that finds the mailbox full. */
export type MailboxPolicy = 'refuse' | 'wait' | 'drop_newest' | 'drop_oldest'

/** Bounds of a mailbox. */
export interface MailboxOptions {
  /** Messages that may wait, those on their way included. Default 4096. */
  readonly depthMax?: number
  /** Payload bytes that may wait. Default 64 MiB. */
  readonly bytesMax?: number
  /**
   * `refuse`: `tell` says false, `ask` rejects (default). `wait`: `ask` waits up to its deadline.
   * `drop_newest`: the new message is dropped and counted. `drop_oldest`: the oldest waiting one is.
   */
  readonly policy?: MailboxPolicy
}
