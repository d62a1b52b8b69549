/** Raw `postMessage`: the floor that every library over worker threads stands on. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { AskPeer } from './peer.ts'

export const postMessagePeer: AskPeer = {
  name: 'postMessage',
  async start() {
    const worker = new Worker(new URL('./post-message-worker.js', import.meta.url))
    await once(worker, 'online')
    // Answers come in the order of the questions: a queue is enough to match them.
    const waiting: ((n: number) => void)[] = []
    worker.on('message', (n: number) => waiting.shift()?.(n))
    return {
      ask: (n) =>
        new Promise((resolve) => {
          waiting.push(resolve)
          worker.postMessage(n)
        }),
      stop: async () => void (await worker.terminate()),
    }
  },
}
