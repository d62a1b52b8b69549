/**
 * Invalidations for clients that others have named to be told in their place: CLIENT TRACKING … REDIRECT.
 *
 * The client that is named may be of another thread. What is for such clients goes to all threads in a batch,
 * one at a time; who it is for is told, and when nobody was, there is no such client any more.
 *
 * Invariant: what waits for other threads is bounded: beyond that, any key may have changed; and so is what
 * waits for a client.
 * Tests: test/server/push/tracking.race.test.ts
 */
import type { ByteString } from '../../keyspace/engine/index.ts'
import type { ServerThread } from '../commands/server-command.ts'
import { SharedPush } from './shared-push.ts'

/** The channel by which clients of version 2 of the protocol are told. */
const CHANNEL = '__redis__:invalidate'
const WAITING_MAX = 65_536
/** A client that leaves more unread is closed: of what it has missed it could not be told. */
const UNREAD_BYTES_MAX = 32 * 1024 * 1024
const TOPIC_FIND = 'tracking.find'
const TOPIC_TELL = 'tracking.tell'

/** For whom, in whose place, what. */
type Word = readonly [client: number, redirect: number, keys: readonly ByteString[] | null]

/** The words of one thread's clients for others. */
export class Redirects {
  readonly #thread: ServerThread
  readonly #onBroken: (client: number, redirect: number) => void
  #words: Word[] = []
  #isSending = false

  constructor(thread: ServerThread, onBroken: (client: number, redirect: number) => void) {
    this.#thread = thread
    this.#onBroken = onBroken
    const { topics } = thread.peers
    topics.set(TOPIC_FIND, (id: number) => thread.sessions.has(id))
    // Places of those words that somebody here was told.
    topics.set(TOPIC_TELL, (words: readonly Word[]) => {
      return words.flatMap((word, place) => (this.#deliver(word) ? [place] : []))
    })
  }

  /** Whether there is such a client, on any thread. */
  async find(id: number): Promise<boolean> {
    const { sessions, peers } = this.#thread
    if (sessions.has(id)) return true
    return (await peers.ask<boolean>(TOPIC_FIND, id)).includes(true)
  }

  send(client: number, redirect: number, keys: readonly ByteString[] | null): void {
    const word: Word = [client, redirect, keys]
    if (this.#deliver(word)) return
    this.#words.push(word)
    if (this.#words.length > WAITING_MAX) this.#words = shortened(this.#words)
    if (!this.#isSending) void this.#sendAll()
  }

  async #sendAll(): Promise<void> {
    this.#isSending = true
    // What else is told in this turn goes along.
    await Promise.resolve()
    while (this.#words.length > 0) {
      const words = this.#words
      this.#words = []
      const told = new Set((await this.#thread.peers.ask<readonly number[]>(TOPIC_TELL, words)).flat())
      for (const [place, [client, redirect]] of words.entries()) {
        if (!told.has(place)) this.#onBroken(client, redirect)
      }
    }
    this.#isSending = false
  }

  /** False: there is no such client here. */
  #deliver([, redirect, keys]: Word): boolean {
    const target = this.#thread.sessions.get(redirect)
    if (target === undefined) return false
    if (target.outputBytes > UNREAD_BYTES_MAX) target.close('it leaves unread what others have it told')
    else if (target.resp === 3) target.push(new SharedPush(['invalidate', keys]).in(3))
    // In version 2 of the protocol only such a client can be told.
    else if (target.isSubscribed) target.push(new SharedPush(['message', CHANNEL, keys]).in(2))
    return true
  }
}

/** The same in fewer words: once for each pair of clients. */
function shortened(words: readonly Word[]): Word[] {
  const pairs = new Map<string, Word>()
  for (const [client, redirect] of words) pairs.set(`${client}:${redirect}`, [client, redirect, null])
  return [...pairs.values()]
}
