/**
 * A push that many clients get: turned into bytes once for each version of the protocol that one of them
 * speaks.
 * Tests: test/server/push/shared-push.test.ts
 */
import { EncodedReply, PushReply, ReplyWriter, type ServerReply } from '../resp/index.ts'

/** Of this thread: what it has written is taken at once. */
const writer = new ReplyWriter()

/** A push, and its bytes. */
export class SharedPush {
  readonly #items: readonly ServerReply[]
  #two: EncodedReply | undefined
  #three: EncodedReply | undefined

  constructor(items: readonly ServerReply[]) {
    this.#items = items
  }

  /** As clients of this version are sent it. */
  in(resp: 2 | 3): EncodedReply {
    if (resp === 3) {
      this.#three ??= encoded(new PushReply(this.#items), 3)
      return this.#three
    }
    this.#two ??= encoded(new PushReply(this.#items), 2)
    return this.#two
  }
}

/** A reply as its bytes. */
export function encoded(reply: ServerReply, resp: 2 | 3): EncodedReply {
  writer.resp = resp
  writer.reply(reply)
  return new EncodedReply(writer.take())
}
