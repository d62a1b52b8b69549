/**
 * The floor: two threads that pass a word to and fro, and nothing else. It is what the two cores need for a
 * round trip at this moment, and says how much of an ask is the machine.
 */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { ANSWER_WORD, FLOOR_BYTES, QUESTION_WORD, ROUND_WORD } from './cache-line-words.ts'

/** Starts the other side. `roundTrips` returns the microseconds of one, on average. */
export async function startFloor(): Promise<{ roundTrips(count: number): number; stop(): Promise<void> }> {
  const buffer = new SharedArrayBuffer(FLOOR_BYTES)
  const words = new Int32Array(buffer)
  const worker = new Worker(new URL('./cache-line-worker.js', import.meta.url), { workerData: buffer })
  await once(worker, 'online')
  let asked = 0
  return {
    roundTrips(count) {
      Atomics.store(words, ROUND_WORD, asked + count)
      Atomics.notify(words, ROUND_WORD)
      let startMs = performance.now()
      for (let i = 0; i < count; i++) {
        // The first one wakes the other side.
        if (i === 1) startMs = performance.now()
        Atomics.store(words, QUESTION_WORD, ++asked)
        while (Atomics.load(words, ANSWER_WORD) !== asked);
      }
      const spentMs = performance.now() - startMs
      while (Atomics.load(words, ROUND_WORD) !== 0);
      return (spentMs * 1000) / (count - 1)
    },
    stop: async () => void (await worker.terminate()),
  }
}
