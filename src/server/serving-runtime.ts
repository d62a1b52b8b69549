/**
 * The runtime that can serve its keyspace to clients: what `createRuntime` gives to a program.
 *
 * `keyspace/` knows nothing of the network; this class adds it. The server is loaded when it is asked for.
 *
 * Tests: test/server/serve.race.test.ts, test/package/lazy-dependencies.test.ts
 */
import { orLate, systemClock } from '../base/index.ts'
import { KeyspaceRuntime, type KeyspaceRuntimeOptions } from '../keyspace/index.ts'
import { type CloseOptions, type CloseReport, protectFromEndlessLoops } from '../runtime/index.ts'
import type { RespServer, ServeOptions } from './serve.ts'

/** Of the time to close, that servers may take. */
const SERVERS_SHARE = 0.5

/** A runtime whose keyspace may be served. Made by `createRuntime`. */
export class ServingRuntime extends KeyspaceRuntime {
  readonly #servers = new Set<RespServer>()

  /**
   * Serves the keyspace to clients of the Redis protocol, on all threads that have shards. Without a password
   * or users it listens on the loopback interface only.
   *
   * @throws SHL_KEYSPACE_OFF, SHL_LISTEN_FAILED, SHL_OPTION_INVALID, SHL_OPTION_UNKNOWN, SHL_TLS_UNUSABLE
   * @example
   * ```ts
   * import { createRuntime } from 'shardloom'
   *
   * const runtime = await createRuntime({ threads: 2, keyspace: {} })
   * const server = await runtime.serve({ port: 0 }) // any free port; 6379 by default
   * console.log(`redis-cli -p ${server.address.port}`)
   * await runtime.close() // answers what has come, then closes
   * ```
   */
  async serve(options: ServeOptions = {}): Promise<RespServer> {
    const { serve } = await import('./serve.ts')
    const server = await serve(this, options)
    this.#servers.add(server)
    return server
  }

  /** Ends servers first: what they were asked is answered while there are shards. */
  override async close(options: CloseOptions = {}): Promise<CloseReport> {
    // Without any, what comes after this call is refused from the call on.
    if (this.#servers.size === 0) return super.close(options)
    const clock = systemClock()
    const startMs = clock.nowMs()
    const timeoutMs = this.closeTimeoutMs(options)
    const serversMs = timeoutMs * SERVERS_SHARE
    const closed = [...this.#servers].map((server) =>
      server.close({ timeoutMs: Math.min(server.drainMs, serversMs) }),
    )
    await orLate(clock, Promise.allSettled(closed), serversMs, undefined)
    const leftMs = Math.max(1, Math.ceil(timeoutMs - (clock.nowMs() - startMs)))
    const report = await super.close({ timeoutMs: leftMs })
    return { ...report, durationMs: clock.nowMs() - startMs }
  }
}

/**
 * Starts a runtime: worker threads, linked to each other, ready for actors and supervisors, and, when
 * `keyspace` is given, for keys, which it may serve.
 *
 * @throws SHL_OPTION_INVALID, SHL_OPTION_UNKNOWN, SHL_THREAD_START
 * @example
 * ```ts
 * import { createRuntime, defineActor } from 'shardloom'
 *
 * const greeter = defineActor({ name: 'greeter', receive: { hi: (_state, name: string) => `hi ${name}` } })
 * const runtime = await createRuntime({ threads: 2 })
 * const ref = await runtime.spawn(greeter)
 * const text: string = await ref.ask('hi', 'Ada')
 * await runtime.close()
 * ```
 */
export async function createRuntime(options: KeyspaceRuntimeOptions = {}): Promise<ServingRuntime> {
  protectFromEndlessLoops()
  const runtime = new ServingRuntime(options)
  await runtime.start()
  return runtime
}
