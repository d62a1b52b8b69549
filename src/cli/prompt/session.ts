/**
 * A session as somebody at a prompt has it: one connection at a time, and what it was told.
 *
 * The database, the protocol, the user and whether a transaction is open are followed from what is typed and
 * what the server says to it, so that the prompt can show them and a new connection can be put where the old
 * one was. A command that was on its way when the connection ended is not sent again: it may have been run.
 *
 * Tests: test/cli/prompt/session.test.ts
 */

import type { RespValue } from '../../server/resp/index.ts'
import type { AddressOptions } from '../connection/address-options.ts'
import { errorTextOf } from '../connection/reading.ts'
import { reasonText } from '../connection/reason-text.ts'
import { addressText, greet, RespConnection } from '../connection/resp-connection.ts'

/** What happens between the commands. */
export interface SessionEvents {
  /** A line for somebody, such as a refusal of the password. */
  readonly say: (line: string) => void
  readonly onPush: (value: RespValue) => void
  /** The connection was lost while nobody waited for a reply. */
  readonly onIdleLoss: () => void
}

const STREAMS: readonly string[] = ['SUBSCRIBE', 'PSUBSCRIBE', 'SSUBSCRIBE', 'MONITOR', 'WATCHREV']
/** In RESP3 their replies are pushes. */
const PUSH_REPLIED: readonly string[] = ['UNSUBSCRIBE', 'PUNSUBSCRIBE', 'SUNSUBSCRIBE']

/** One user's session. */
export class Session {
  readonly #address: AddressOptions
  readonly #events: SessionEvents
  #connection: RespConnection | undefined
  #resp: 2 | 3
  #db: number
  /** The database that a transaction will leave us in. */
  #dbInTransaction: number | undefined
  #isBusy = false

  constructor(address: AddressOptions, events: SessionEvents) {
    this.#address = { ...address }
    this.#events = events
    this.#db = address.db
    this.#resp = address.resp ?? 2
  }

  get isConnected(): boolean {
    return this.#connection?.isLost === false
  }

  /** For those who speak to the server themselves. */
  get connection(): RespConnection | undefined {
    return this.#connection
  }

  get address(): string {
    return addressText(this.#address)
  }

  /** `127.0.0.1:6379[1](TX)> `. */
  get prompt(): string {
    if (!this.isConnected) return 'not connected> '
    const db = this.#dbInTransaction ?? this.#db
    const transaction = this.#dbInTransaction === undefined ? '' : '(TX)'
    return `${this.address}${db === 0 ? '' : `[${db}]`}${transaction}> `
  }

  /** Connects and greets; false, with a line that says why, when it cannot. */
  async connect(): Promise<boolean> {
    this.close()
    this.#dbInTransaction = undefined
    try {
      const connection = await RespConnection.connect(this.#address)
      this.#connection = connection
      connection.onPush = this.#events.onPush
      connection.onLost = () => this.#lost(connection)
      const resp = this.#resp === 2 ? this.#address.resp : 3
      const { complaints } = await greet(connection, { ...this.#address, resp, db: this.#db })
      for (const complaint of complaints) this.#events.say(complaint)
      if (complaints.some((text) => text.startsWith('SELECT'))) this.#db = 0
      return true
    } catch (error) {
      this.#events.say(`Could not connect to ${this.address}: ${reasonText(error)}`)
      return false
    }
  }

  /** Goes to another server, in its first database. */
  moveTo(host: string, port: number): Promise<boolean> {
    Object.assign(this.#address, { host, port, path: undefined })
    this.#db = 0
    return this.connect()
  }

  /** Whether a command makes the connection a stream. */
  isStream(argv: readonly string[]): boolean {
    return STREAMS.includes((argv[0] ?? '').toUpperCase())
  }

  /** A reply; undefined: the connection was lost, or could not be made, which was said. */
  async call(argv: readonly string[]): Promise<RespValue | undefined> {
    if (!this.isConnected && !(await this.connect())) return undefined
    const connection = this.#connection as RespConnection
    this.#isBusy = true
    try {
      const isPushReplied = this.#resp === 3 && PUSH_REPLIED.includes((argv[0] ?? '').toUpperCase())
      const reply = await connection.call(argv, isPushReplied)
      if (reply === undefined && connection.failure !== undefined) {
        this.#events.say(`Error: ${connection.failure}`)
      }
      if (reply !== undefined && errorTextOf(reply) === undefined) this.#follow(argv, reply)
      return reply
    } finally {
      this.#isBusy = false
    }
  }

  /** A reply for our own use; undefined: there is none. Says and changes nothing. */
  async query(argv: readonly string[]): Promise<RespValue | undefined> {
    const reply = await this.#connection?.call(argv)
    return errorTextOf(reply) === undefined ? reply : undefined
  }

  /**
   * Everything that comes goes to `listener`, until the connection ends or is closed. A refusal that comes
   * first is given back: then there is no stream.
   */
  async stream(
    argv: readonly string[],
    listener: (value: RespValue) => void,
  ): Promise<RespValue | undefined> {
    if (!this.isConnected && !(await this.connect())) return undefined
    const connection = this.#connection as RespConnection
    this.#isBusy = true
    const refusal = await new Promise<RespValue | undefined>((resolve) => {
      let isFirst = true
      connection.onLost = () => resolve(undefined)
      connection.stream(argv, (value) => {
        if (isFirst && errorTextOf(value) !== undefined) return resolve(value)
        isFirst = false
        listener(value)
      })
    })
    if (refusal !== undefined) {
      connection.listen(undefined)
      connection.onLost = () => this.#lost(connection)
    }
    this.#isBusy = false
    return refusal
  }

  close(): void {
    const connection = this.#connection
    this.#connection = undefined
    connection?.close()
  }

  #lost(connection: RespConnection): void {
    if (connection === this.#connection && !this.#isBusy) this.#events.onIdleLoss()
  }

  /** What a command that was not refused changes of the session. */
  #follow(argv: readonly string[], reply: RespValue): void {
    const [name = '', first = ''] = argv.map((word) => word.toUpperCase())
    switch (name) {
      case 'SELECT':
        if (this.#dbInTransaction === undefined) this.#db = Number(first)
        else this.#dbInTransaction = Number(first)
        return
      case 'MULTI':
        this.#dbInTransaction = this.#db
        return
      case 'EXEC':
        if (reply.type !== 'null') this.#db = this.#dbInTransaction ?? this.#db
        this.#dbInTransaction = undefined
        return
      case 'DISCARD':
        this.#dbInTransaction = undefined
        return
      case 'RESET':
        this.#dbInTransaction = undefined
        this.#db = 0
        this.#resp = 2
        return
      case 'HELLO':
        if (first === '2' || first === '3') this.#resp = first === '3' ? 3 : 2
        this.#followUser(helloCredentials(argv))
        return
      case 'AUTH':
        this.#followUser(argv.slice(1))
        return
    }
  }

  /** Whoever was let in is let in again. */
  #followUser(credentials: readonly string[]): void {
    const [one, other] = credentials.map((word) => Buffer.from(word, 'latin1').toString())
    if (one === undefined) return
    const isNamed = other !== undefined
    Object.assign(
      this.#address,
      isNamed ? { user: one, password: other } : { user: undefined, password: one },
    )
  }
}

/** `HELLO 3 AUTH user password`. */
function helloCredentials(argv: readonly string[]): readonly string[] {
  const auth = argv.findIndex((word, index) => index >= 2 && word.toUpperCase() === 'AUTH')
  return auth < 0 ? [] : argv.slice(auth + 1, auth + 3)
}
