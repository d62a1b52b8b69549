/**
 * Numbers that grow over all threads of a server: of clients, and of commands in the slow log.
 *
 *     words (Int32)   0 the last client · 1 the last slow command
 *
 * Writers and readers: any thread of the server, with atomic additions.
 * Invariant: each number is given once, and one that is given later is larger.
 * Tests: test/server/report/slow-log.test.ts, test/server/commands/info-commands.race.test.ts
 */

const CLIENT = 0
const SLOW_COMMAND = 1
const WORDS = 2

/** The numbers, as one thread draws them. */
export class NextIds {
  readonly #words: Int32Array

  constructor(buffer: SharedArrayBuffer) {
    this.#words = new Int32Array(buffer)
  }

  static buffer(): SharedArrayBuffer {
    return new SharedArrayBuffer(WORDS * 4)
  }

  /** From 1 on. */
  client(): number {
    return Atomics.add(this.#words, CLIENT, 1) + 1
  }

  /** From 0 on, as in Redis. */
  slowCommand(): number {
    return Atomics.add(this.#words, SLOW_COMMAND, 1)
  }
}
