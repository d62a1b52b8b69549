/** Comlink over a worker thread, through its own adapter for Node. */
import { Worker } from 'node:worker_threads'
import type { AskPeer } from './peer.ts'

export const comlinkPeer: AskPeer = {
  name: 'Comlink',
  async start() {
    const { wrap } = await import('comlink')
    const { default: nodeEndpoint } = await import('comlink/dist/esm/node-adapter.mjs')
    const worker = new Worker(new URL('./comlink-worker.js', import.meta.url))
    const api = wrap<{ increment(n: number): number }>(nodeEndpoint(worker))
    return { ask: (n) => api.increment(n), stop: async () => void (await worker.terminate()) }
  },
}
