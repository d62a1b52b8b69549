/**
 * A process that locks directories as it is told: started by `lock-holder.ts`.
 *
 * It answers each order over its channel. It locks by itself, in a worker thread, or, when its argument is
 * `primary`, in a worker of node:cluster, which it speaks for. `contend` goes on by itself: it takes the
 * directory, writes into a journal that it has it, and gives it back, until it is killed.
 *
 * Tests: test/storage/directory-lock.race.test.ts
 */
import cluster from 'node:cluster'
import { once } from 'node:events'
import { appendFileSync } from 'node:fs'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import type { ShardloomError } from '../../src/base/index.ts'
import { type DirectoryLock, lockDirectory } from '../../src/storage/directory-lock.ts'

/** What a process is told to do. */
export interface Order {
  readonly what: 'take' | 'release' | 'take in a worker' | 'end the workers' | 'contend' | 'crowd' | 'exit'
  readonly dir: string
  /** `contend`: the journal. */
  readonly journal?: string
  /** `crowd`: how many connect to which socket. */
  readonly count?: number
  readonly socket?: string
}

/** What it answers: its pid, and the error if there was one. */
export interface Answer {
  readonly pid: number
  readonly code?: string
  readonly details?: Readonly<Record<string, unknown>>
  /** `crowd`: how each connection went. */
  readonly crowd?: Readonly<Record<string, number>>
}

async function runHolder(): Promise<void> {
  if (!isMainThread) {
    const { dir } = workerData as Order
    // Nothing else keeps the thread.
    parentPort?.on('message', () => undefined)
    parentPort?.postMessage(await outcomeOf(lockDirectory(dir)))
    return
  }
  if (cluster.isPrimary && process.argv[2] === 'primary') {
    // Its worker is told what to do, and answers, through it.
    const worker = cluster.fork()
    worker.on('message', (answer) => process.send?.(answer))
    process.on('message', (order: Order) => worker.send(order))
    return
  }
  const locks: DirectoryLock[] = []
  const workers: Worker[] = []
  process.on('message', async (order: Order) => {
    process.send?.(await obey(order, locks, workers))
    if (order.what === 'exit') process.disconnect()
  })
  process.send?.({ pid: process.pid })
}

async function obey(order: Order, locks: DirectoryLock[], workers: Worker[]): Promise<Answer> {
  const pid = process.pid
  switch (order.what) {
    case 'take':
      return outcomeOf(
        lockDirectory(order.dir).then((lock) => {
          locks.push(lock)
        }),
      )
    case 'release':
      await Promise.all(locks.splice(0).map((lock) => lock.release()))
      return { pid }
    case 'take in a worker': {
      const worker = new Worker(new URL(import.meta.url), { workerData: order })
      workers.push(worker)
      return ((await once(worker, 'message')) as [Answer])[0]
    }
    case 'end the workers':
      await Promise.all(workers.splice(0).map((worker) => worker.terminate()))
      return { pid }
    case 'contend':
      void contend(order.dir, order.journal as string)
      return { pid }
    case 'crowd':
      return { pid, crowd: await crowd(order.socket as string, order.count as number) }
    case 'exit':
      return { pid }
  }
}

async function outcomeOf(taking: Promise<unknown>): Promise<Answer> {
  try {
    await taking
    return { pid: process.pid }
  } catch (error) {
    const { code, details } = error as ShardloomError
    return { pid: process.pid, code, details }
  }
}

/** Takes it again and again. Each line of the journal is one write at its end. */
async function contend(dir: string, journal: string): Promise<void> {
  for (;;) {
    const lock = await lockDirectory(dir).catch((error: ShardloomError) => {
      if (error.code !== 'SHL_DIRECTORY_IN_USE') appendFileSync(journal, `failed ${error.message}\n`)
      return undefined
    })
    if (lock !== undefined) {
      appendFileSync(journal, `enter ${process.pid}\n`)
      await sleep(Math.random() * 5)
      appendFileSync(journal, `leave ${process.pid}\n`)
      await lock.release()
    }
    await sleep(Math.random() * 2)
  }
}

/** Connects so often at once, and leaves it at that. */
async function crowd(socket: string, count: number): Promise<Record<string, number>> {
  const found: Record<string, number> = {}
  await Promise.all(
    Array.from({ length: count }, async () => {
      const connection = connect(socket)
      const how = await Promise.race([
        once(connection, 'connect').then(() => 'connected'),
        once(connection, 'error').then(([error]) => (error as NodeJS.ErrnoException).code ?? ''),
      ]).catch((error: NodeJS.ErrnoException) => error.code ?? '')
      found[how] = (found[how] ?? 0) + 1
      connection.on('error', () => undefined)
    }),
  )
  return found
}

await runHolder()
