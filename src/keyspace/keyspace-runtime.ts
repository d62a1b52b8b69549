/**
 * The runtime with a keyspace.
 *
 * `supervise/` knows nothing of keys; this class adds them. The keyspace is loaded only when it is asked for.
 *
 * Tests: test/keyspace/keyspace.race.test.ts, test/package/lazy-dependencies.test.ts
 */
import { availableParallelism } from 'node:os'
import { ShardloomError } from '../base/index.ts'
import { type CloseOptions, type CloseReport, nodePlatform, type Platform } from '../runtime/index.ts'
import { SupervisedRuntime, type SupervisedRuntimeOptions } from '../supervise/index.ts'
import type { Keyspace } from './client/keyspace.ts'
import type { DataDirectory } from './host/data-directory.ts'
import type { KeyspaceHost } from './host/keyspace-host.ts'
import type { KeyspaceOptions } from './host/keyspace-options.ts'
import type { ShardChange } from './shard/shard-change.ts'

/** Options of `createRuntime`. */
export interface KeyspaceRuntimeOptions extends SupervisedRuntimeOptions {
  /** The keyspace; `{}` for one with its defaults. Default: there is none, and nothing of it is loaded. */
  readonly keyspace?: KeyspaceOptions
}

declare module '../actor/context.js' {
  interface ActorContext {
    /** The keyspace of the runtime, from this thread. @throws SHL_KEYSPACE_OFF when there is none */
    readonly keyspace: Keyspace
  }
}

let hostModule: typeof import('./host/index.ts') | undefined

/** @internal Loads what a keyspace needs. */
export async function loadKeyspace(): Promise<typeof import('./host/index.ts')> {
  hostModule = await import('./host/index.ts')
  return hostModule
}

/** A runtime that may have a keyspace. */
export class KeyspaceRuntime extends SupervisedRuntime {
  readonly #platform: Platform
  readonly #options: KeyspaceRuntimeOptions
  #host: KeyspaceHost | undefined
  #stopBalancing: () => void = () => undefined
  #directory: DataDirectory | undefined

  /** @internal Use `createRuntime`. */
  constructor({ keyspace, ...options }: KeyspaceRuntimeOptions, platform = nodePlatform()) {
    super(options, platform)
    this.#platform = platform
    this.#options = { ...options, ...(keyspace && { keyspace }) }
  }

  /** The keyspace, from the main thread. @throws SHL_KEYSPACE_OFF when the runtime was started without */
  get keyspace(): Keyspace {
    const keyspace = this.system.services.get('keyspace')
    if (keyspace === undefined) throw new ShardloomError('SHL_KEYSPACE_OFF', { thread: 0 })
    return keyspace as Keyspace
  }

  /** @internal Changes what shards go by, for as long as the runtime runs. */
  async changeKeyspace(change: ShardChange): Promise<void> {
    await this.#host?.change(this.keyspace.client, change)
  }

  /** @internal */
  override async start(): Promise<this> {
    const { keyspace, threads, timeouts } = this.#options
    if (keyspace === undefined) return super.start()
    const { KeyspaceHost, keyspaceSettings, openDirectory } = hostModule ?? (await loadKeyspace())
    const count = threads ?? Math.max(1, availableParallelism() - 1)
    const asked = keyspaceSettings(keyspace, count, timeouts?.askMs)
    const { clock, random } = this.#platform
    const warn = (text: string): void => this.#platform.warn(text)
    const directory = asked.files && (await openDirectory(clock, random, asked, warn))
    this.#directory = directory
    const settings = { ...asked, shards: directory?.manifest.shards ?? asked.shards }
    const host = new KeyspaceHost(this.#hostRuntime(), settings, random, directory)
    this.#host = host
    try {
      await super.start()
    } catch (error) {
      await directory?.close()
      throw error
    }
    try {
      await this.hold(host.attach(0))
      await this.hold(host.start())
      const { client } = this.keyspace
      const stops = [host.balance(client), host.spread(client)]
      this.#stopBalancing = () => {
        for (const stop of stops) stop()
      }
    } catch (error) {
      await this.close()
      throw error
    }
    return this
  }

  /** @internal */
  protected override async prepareThread(thread: number): Promise<void> {
    await this.#host?.attach(thread)
  }

  /** Ends balancing first: it would move slots between shards that end. */
  override async close(options?: CloseOptions): Promise<CloseReport> {
    this.#stopBalancing()
    const report = await super.close(options)
    await this.#directory?.close()
    return report
  }

  #hostRuntime(): ConstructorParameters<typeof KeyspaceHost>[0] {
    const sharedThreads = (): readonly number[] => this.sharedThreads
    return {
      get sharedThreads() {
        return sharedThreads()
      },
      spawnOn: (thread, request) => this.spawnOn(thread, request),
      sendStop: (ref, mode) => this.sendStop(ref, mode),
      refTo: (address) => this.system.refFor(address, undefined) as never,
      watch: (ref, options) => this.watch(ref, options),
      supervise: (options) => this.supervise(options),
      clock: this.#platform.clock,
      warn: (text) => this.#platform.warn(text),
    }
  }
}
