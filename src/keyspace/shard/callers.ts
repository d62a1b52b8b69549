/**
 * Who calls, for commands on a database in a version of the protocol: made once each.
 * Tests: test/keyspace/shard/shard.test.ts
 */
import type { Caller } from '../engine/index.ts'

/** Callers of version 3 of the protocol stand behind those of version 2. */
const DATABASES_MAX = 16

/** The callers of one shard. */
export class Callers {
  readonly #id: string
  readonly #all: Caller[] = []

  constructor(id: string) {
    this.#id = id
  }

  of(db: number, resp: 2 | 3): Caller {
    const at = resp === 2 ? db : db + DATABASES_MAX
    this.#all[at] ??= { id: this.#id, resp, db }
    return this.#all[at]
  }
}
