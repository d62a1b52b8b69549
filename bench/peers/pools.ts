/** The task pools: Piscina, Tinypool, workerpool, each with one worker, as the actor has. */
import { fileURLToPath } from 'node:url'
import type { AskPeer } from './peer.ts'

const JOB = new URL('./increment.js', import.meta.url)

export const piscinaPeer: AskPeer = {
  name: 'Piscina',
  async start() {
    const { Piscina } = await import('piscina')
    const pool = new Piscina({
      filename: JOB.href,
      minThreads: 1,
      maxThreads: 1,
      concurrentTasksPerWorker: 256,
    })
    return { ask: (n) => pool.run(n) as Promise<number>, stop: () => pool.destroy() }
  },
}

export const tinypoolPeer: AskPeer = {
  name: 'Tinypool',
  async start() {
    const { Tinypool } = await import('tinypool')
    const pool = new Tinypool({
      filename: JOB.href,
      minThreads: 1,
      maxThreads: 1,
      concurrentTasksPerWorker: 256,
      runtime: 'worker_threads',
    })
    return { ask: (n) => pool.run(n) as Promise<number>, stop: () => pool.destroy() }
  },
}

export const workerpoolPeer: AskPeer = {
  name: 'workerpool',
  async start() {
    const workerpool = (await import('workerpool')).default
    const script = fileURLToPath(new URL('./workerpool-worker.js', import.meta.url))
    const pool = workerpool.pool(script, { maxWorkers: 1, minWorkers: 1, workerType: 'thread' })
    return {
      ask: async (n) => (await pool.exec('increment', [n])) as number,
      stop: async () => void (await pool.terminate()),
    }
  },
}
