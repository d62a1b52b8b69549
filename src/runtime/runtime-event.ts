/** What a runtime tells about itself: the argument of `onEvent`. */
import type { SystemEvent, ThreadLossCause } from '../actor/index.ts'

/** The kinds of worker threads. */
export type ThreadKind = 'shared' | 'dedicated'

/** One event. Discriminated by `type`. */
export type RuntimeEvent =
  | { readonly type: 'thread_started'; readonly thread: number; readonly kind: ThreadKind }
  | { readonly type: 'thread_stopped'; readonly thread: number; readonly kind: ThreadKind }
  | {
      readonly type: 'thread_lost'
      readonly thread: number
      readonly kind: ThreadKind
      readonly cause: ThreadLossCause
      readonly error: Error | undefined
    }
  | { readonly type: 'thread_replaced'; readonly thread: number; readonly by: number }
  | { readonly type: 'thread_not_replaced'; readonly thread: number; readonly error: Error }
  | (SystemEvent & { readonly thread: number })
