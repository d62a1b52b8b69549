/** A server in a process of its own: measured, told what to do, killed. */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { TestServerOptions } from '../server.ts'

const PROGRAM = fileURLToPath(new URL('./server-program.mjs', import.meta.url))
const MODULE = import.meta.resolve('shardloom')

/**
 * Environment of a process that has one thread for its files, so that opening a pipe to which nobody writes
 * holds up all syncs: those of every thread.
 */
export const HELD_DISK: Readonly<Record<string, string>> = { UV_THREADPOOL_SIZE: '1' }

/** Megabytes. */
export interface ProcessMemory {
  readonly rss: number
  /** The most since it began, or since `forgetPeak`. */
  readonly peak: number
}

interface Answer {
  readonly id: number
  readonly result?: unknown
  readonly error?: string
}

/** A process that serves. */
export class ServerProcess {
  readonly port: number
  /** Code and signal of its end. */
  readonly ended: Promise<readonly [number | null, NodeJS.Signals | null]>
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, { resolve(result: unknown): void; reject(error: Error): void }>()
  #id = 0

  static start(
    options: TestServerOptions = {},
    env: Readonly<Record<string, string>> = {},
  ): Promise<ServerProcess> {
    return new Promise((resolve, reject) => {
      const child = fork(PROGRAM, [MODULE, JSON.stringify(options)], {
        env: { ...process.env, ...env },
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      })
      child.once('error', reject)
      child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)))
      child.once('message', ({ result }: Answer) => {
        resolve(new ServerProcess(child, (result as { port: number }).port))
      })
    })
  }

  constructor(child: ChildProcess, port: number) {
    this.#child = child
    this.port = port
    child.on('message', ({ id, result, error }: Answer) => {
      const waiter = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (error === undefined) waiter?.resolve(result)
      else waiter?.reject(new Error(error))
    })
    this.ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        for (const { reject } of this.#waiting.values()) reject(new Error('the server has ended'))
        resolve([code, signal])
      })
    })
  }

  memory(): Promise<ProcessMemory> {
    return this.#ask('memory') as Promise<ProcessMemory>
  }

  forgetPeak(): Promise<ProcessMemory> {
    return this.#ask('forgetPeak') as Promise<ProcessMemory>
  }

  async holdDisk(path: string): Promise<void> {
    await this.#ask('holdDisk', { path })
  }

  async moveSlots(first: number, count: number, shard: number): Promise<void> {
    await this.#ask('moveSlots', { first, count, shard })
  }

  /** Lets it drain and end. */
  async close(timeoutMs = 5000): Promise<void> {
    await this.#ask('close', { timeoutMs })
  }

  /** Ends it now. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.ended
  }

  #ask(action: string, args: object = {}): Promise<unknown> {
    const id = ++this.#id
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#child.send({ id, action, args })
    })
  }
}
