/**
 * What a command does to a collection that is there, where that is all it does: LPUSH, SADD, HSET, ZADD.
 *
 * A command that adds to a collection finds it, adds, and says so. Where nobody wants to know, and neither
 * the key nor a member expires, what is around the adding costs more than it: so a row may name the adding
 * alone, and the shard's short way does the rest. The row's handler does with it all else: keys that are
 * missing, options, what is logged and told.
 *
 * Tests: test/keyspace/engine/in-place.test.ts
 */
import type { ByteString } from './byte-string.ts'
import type { CollectionType, CollectionValue } from './collection.ts'

/** The part of a command that changes a collection. */
export interface InPlace {
  readonly type: CollectionType
  /**
   * Adds what the arguments say from index 2 on; the key among them may be missing. The reply; or its
   * complement (`~reply`), where nothing was changed; or NaN: nothing was done, the handler is to be asked.
   * Leaves no collection empty, and gives no member an expiry.
   */
  run(value: CollectionValue, argv: readonly ByteString[], nowMs: number): number
}

/** The reply that `run` has given. */
export function replyOf(done: number): number {
  return done < 0 ? ~done : done
}
