/**
 * The keyspace as a program holds it: typed commands, and reads without a message.
 * Tests: test/keyspace/keyspace.race.test.ts
 */
import { argumentOf } from '../engine/index.ts'
import type { KeyspaceClient } from './keyspace-client.ts'
import { type ReplyValue, replyValue } from './reply-value.ts'

/** The keyspace of a runtime, on one thread. */
export class Keyspace {
  readonly #client: KeyspaceClient

  /** @internal */
  constructor(client: KeyspaceClient) {
    this.#client = client
  }

  /** @internal */
  get client(): KeyspaceClient {
    return this.#client
  }

  /** Runs any command, as a Redis client would. @throws ShardloomError */
  async command(name: string, ...args: (string | Uint8Array | number | bigint)[]): Promise<ReplyValue> {
    const argv = [name, ...args].map((arg) =>
      typeof arg === 'number' || typeof arg === 'bigint' ? String(arg) : argumentOf(arg),
    )
    return replyValue(await this.#client.callRaw(argv), name)
  }

  /** The string at a key, read from shared memory; undefined when there is none. */
  getSync(key: string): string | undefined {
    return this.#client.getSync(key)
  }
}
