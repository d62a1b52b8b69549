/**
 * A list, typed. Tests: test/keyspace/faces.race.test.ts
 */
import { type CommandCaller, itemsOf, type KeyspaceInput, textOf } from './caller.ts'

/** How long a blocking pop waits. */
export interface WaitOptions {
  /** Milliseconds; 0: for ever. Default 0. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/** The list at a key. */
export class KeyspaceList {
  readonly #key: KeyspaceInput
  readonly #caller: CommandCaller

  /** @internal Use `keyspace.list`. */
  constructor(caller: CommandCaller, key: KeyspaceInput) {
    this.#caller = caller
    this.#key = key
  }

  /** Adds at the end; the new length. */
  push(...values: KeyspaceInput[]): Promise<number> {
    return this.#caller.integer('RPUSH', this.#key, ...values)
  }

  /** Adds at the beginning, one after the other; the new length. */
  unshift(...values: KeyspaceInput[]): Promise<number> {
    return this.#caller.integer('LPUSH', this.#key, ...values)
  }

  /** Takes from the end. */
  pop(): Promise<string | undefined> {
    return this.#caller.text('RPOP', this.#key)
  }

  /** Takes from the beginning. */
  shift(): Promise<string | undefined> {
    return this.#caller.text('LPOP', this.#key)
  }

  /** Takes from the end; waits for an element. Undefined when the time is over. */
  popWait(options: WaitOptions = {}): Promise<string | undefined> {
    return this.#wait('BRPOP', options)
  }

  /** Takes from the beginning; waits for an element. Undefined when the time is over. */
  shiftWait(options: WaitOptions = {}): Promise<string | undefined> {
    return this.#wait('BLPOP', options)
  }

  length(): Promise<number> {
    return this.#caller.integer('LLEN', this.#key)
  }

  /** The element at an index; a negative one counts from the end. */
  at(index: number): Promise<string | undefined> {
    return this.#caller.text('LINDEX', this.#key, index)
  }

  /** Elements from `start` to `stop`, both included; negative indexes count from the end. */
  range(start = 0, stop = -1): Promise<string[]> {
    return this.#caller.texts('LRANGE', this.#key, start, stop)
  }

  set(index: number, value: KeyspaceInput): Promise<void> {
    return this.#caller.done('LSET', this.#key, index, value)
  }

  /** Keeps only the elements from `start` to `stop`. */
  trim(start: number, stop: number): Promise<void> {
    return this.#caller.done('LTRIM', this.#key, start, stop)
  }

  /** Removes elements that equal `value`: the first `count`, the last -`count`, or with 0 all; how many. */
  remove(value: KeyspaceInput, count = 0): Promise<number> {
    return this.#caller.integer('LREM', this.#key, count, value)
  }

  /** Inserts before or after the first element that equals `pivot`; the new length, -1 without such a one. */
  insert(where: 'before' | 'after', pivot: KeyspaceInput, value: KeyspaceInput): Promise<number> {
    return this.#caller.integer('LINSERT', this.#key, where.toUpperCase(), pivot, value)
  }

  /** The index of the first element that equals `value`. */
  indexOf(value: KeyspaceInput): Promise<number | undefined> {
    return this.#caller.number('LPOS', this.#key, value)
  }

  async #wait(command: string, { timeoutMs = 0, signal }: WaitOptions): Promise<string | undefined> {
    const argv = [command, this.#key, timeoutMs / 1000]
    const wait = timeoutMs === 0 ? {} : { waitMs: timeoutMs }
    const reply = await this.#caller.run(argv, { ...wait, ...(signal && { signal }) })
    return textOf(itemsOf(reply)[1] ?? null)
  }
}
