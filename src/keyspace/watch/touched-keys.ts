/**
 * Keys that have changed, for who keeps copies of them: names only, each once however often it changed since
 * they were last taken.
 *
 * Not the changes of a watch, which have revisions and an order and cost a record each: who throws a copy
 * away wants to know of which key, and soon. What is too much is told in one word: any key may have changed.
 *
 * Invariant: a key that changes while the stream is open is told, or `all` is; at most `KEYS_MAX` names wait.
 * Cost: an entry of a set for each key, and only while somebody listens.
 * Tests: test/keyspace/watch/touched-keys.test.ts
 */
import { addAbortListener } from '../../base/index.ts'
import type { ByteString } from '../engine/index.ts'

const KEYS_MAX = 65_536
const KEY_BYTES_MAX = 8 * 1024 * 1024
const BATCH_KEYS = 1024

/** What a stream of them gives: `open` first. */
export type TouchedItem =
  | { readonly type: 'open' }
  | {
      readonly type: 'keys'
      readonly keys: readonly ByteString[]
      /** The client that has changed each; 0: several, or one that was not named. Missing: all are 0. */
      readonly by?: readonly number[]
    }
  /** Any key may have changed. */
  | { readonly type: 'all' }

/** Names that wait to be taken. */
export class TouchedKeys {
  /** Each with the client that has changed it. */
  readonly #keys = new Map<ByteString, number>()
  #bytes = 0
  #isAll = false
  /** Tells the stream to look again. */
  wake: () => void = () => {}

  get isReady(): boolean {
    return this.#isAll || this.#keys.size > 0
  }

  /** A key has changed; '': all may have. */
  add(key: ByteString, by: number): void {
    if (this.#isAll) return
    const before = this.#keys.get(key)
    if (before !== undefined) {
      if (before !== by && before !== 0) this.#keys.set(key, 0)
      return
    }
    if (key === '' || this.#keys.size >= KEYS_MAX || this.#bytes > KEY_BYTES_MAX) {
      this.#keys.clear()
      this.#bytes = 0
      this.#isAll = true
    } else {
      this.#keys.set(key, by)
      this.#bytes += key.length
    }
    this.wake()
  }

  /** What is next. */
  take(): TouchedItem {
    if (this.#isAll) {
      this.#isAll = false
      return { type: 'all' }
    }
    const keys: ByteString[] = []
    const by: number[] = []
    for (const [key, client] of this.#keys) {
      keys.push(key)
      by.push(client)
      this.#keys.delete(key)
      this.#bytes -= key.length
      if (keys.length === BATCH_KEYS) break
    }
    return by.some((client) => client !== 0) ? { type: 'keys', keys, by } : { type: 'keys', keys }
  }
}

/** A stream of them. `local`: whoever reads it is called at once instead, and hears nothing by the stream. */
export async function* touchedKeys(
  onTouched: (listener: (key: ByteString, by: number) => void) => () => void,
  signal: AbortSignal,
  local: ((key: ByteString, by: number) => void) | undefined,
): AsyncGenerator<TouchedItem, void> {
  const keys = new TouchedKeys()
  const stop = onTouched(local ?? ((key, by) => keys.add(key, by)))
  try {
    yield { type: 'open' }
    while (!signal.aborted) {
      if (keys.isReady) yield keys.take()
      else await waitFor(keys, signal)
    }
  } finally {
    stop()
  }
}

function waitFor(keys: TouchedKeys, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      forget()
      keys.wake = () => {}
      resolve()
    }
    const forget = addAbortListener(signal, wake)
    keys.wake = wake
  })
}
