/**
 * Who is asking: sessions in the keyspace, one hash each, that end when they are not used.
 *
 * A session's id is all that a client needs to be who it is. So it cannot be guessed (144 random bits),
 * scripts of a page cannot read its cookie (`HttpOnly`), and other sites cannot make a browser send it along
 * with their requests (`SameSite=Lax`). Behind HTTPS it would also be `Secure`.
 *
 * A thread that is lost takes the sessions of its shards with it: memory is all that the keyspace has.
 * Clients then get new ones.
 *
 * Tests: test/examples/http-keyspace.test.ts
 */
import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Keyspace } from 'shardloom'

const ID_BYTES = 18
/** What a client sends may be anything: only this is looked up. */
const COOKIE = /(?:^|;\s*)sid=([\w-]{24})(?:;|$)/
const MS_PER_SECOND = 1000

/** A session, as it is when a request comes. */
export interface Session {
  readonly id: string
  readonly isNew: boolean
  /** Requests so far, this one included. */
  readonly requests: number
}

/** The sessions of a site. */
export class Sessions {
  readonly #keyspace: Keyspace
  readonly #ttlMs: number

  constructor(keyspace: Keyspace, ttlMs: number) {
    this.#keyspace = keyspace
    this.#ttlMs = ttlMs
  }

  /**
   * The session of a request, which lives longer by being used; undefined when it has none, or it is over.
   */
  async find(request: IncomingMessage): Promise<Session | undefined> {
    const id = COOKIE.exec(request.headers.cookie ?? '')?.[1]
    if (id === undefined || !(await this.#keyspace.expire(sessionKey(id), this.#ttlMs))) return undefined
    const requests = await this.#keyspace.hash(sessionKey(id)).incrBy('requests', 1)
    return { id, isNew: false, requests }
  }

  /** Begins a session, and gives its cookie to the client. */
  async begin(response: ServerResponse): Promise<Session> {
    const id = randomBytes(ID_BYTES).toString('base64url')
    // As one: there is never a session that would live for ever.
    const replies = await this.#keyspace.batch([
      ['HSET', sessionKey(id), 'since', new Date().toISOString(), 'requests', 1],
      ['PEXPIRE', sessionKey(id), this.#ttlMs],
    ])
    const failed = replies.find((reply) => reply instanceof Error)
    if (failed !== undefined) throw failed
    const maxAge = Math.ceil(this.#ttlMs / MS_PER_SECOND)
    response.setHeader('Set-Cookie', `sid=${id}; Path=/; Max-Age=${maxAge}; HttpOnly; SameSite=Lax`)
    return { id, isNew: true, requests: 1 }
  }

  /** Ends a session. */
  async end({ id }: Session, response: ServerResponse): Promise<void> {
    await this.#keyspace.delete(sessionKey(id))
    response.setHeader('Set-Cookie', 'sid=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax')
  }
}

/** Where a session is kept. */
export function sessionKey(id: string): string {
  return `session:${id}`
}
