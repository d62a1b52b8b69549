/**
 * One run of a subsystem, as its supervisor sees it: an actor, its calls under way, its probes.
 *
 * A call is a message of Comlink's, sent as an ask. When the actor ends, every call under way is rejected
 * with `SubsystemRestarted`, which says whether it may be made again.
 *
 * Invariants: (1) calls are numbered in the order of sending; (2) each call settles once.
 * Tests: test/supervise/subsystem/subsystem.race.test.ts
 */
import type { ActorRef, AnyActorDefinition, SpawnOptions } from '../../actor/index.ts'
import { ShardloomError, toError } from '../../base/index.ts'
import type { ThreadPulse } from '../../runtime/index.ts'
import type { ActorSpawner } from '../actor-child.ts'
import { endError } from '../child-end.ts'
import type { SubsystemActorHandlers } from './subsystem-host.ts'
import * as protocol from './subsystem-protocol.ts'

/** What a subsystem needs of the runtime. */
export interface SubsystemRuntime extends ActorSpawner {
  beatEvery(thread: number, periodMs: number): void
  pulseOf(thread: number): ThreadPulse | undefined
}

/** How long a call may take, and what ends it sooner. */
export interface CallOptions {
  /** From the call to its answer, waiting for the subsystem included. Default: `timeouts.askMs`. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/** What Comlink's end of a call is made of. */
interface Endpoint {
  postMessage(message: protocol.CallRequest['message'], transfers?: readonly unknown[]): void
  addEventListener(type: string, listener: (event: object) => void): void
  removeEventListener(type: string, listener: (event: object) => void): void
}

/** A call under way. */
interface OpenCall {
  readonly number: number
  readonly method: string
  reject(error: Error): void
}

/** What Comlink is about to send, and then its ask. */
interface SentCall {
  readonly options: { readonly timeoutMs: number; readonly signal?: AbortSignal }
  sent: Promise<unknown> | undefined
}

type Answered = Pick<protocol.InitAnswer, 'version' | 'methods' | 'idempotent' | 'hasSnapshot' | 'hasMigrate'>

const KILL_MS = 100

/** One run. Made by `startInstance`. */
export class SubsystemInstance {
  readonly name: string
  /** Which run it is, of all of its subsystem. */
  readonly run: number
  readonly ref: ActorRef<SubsystemActorHandlers>
  readonly words: Int32Array<SharedArrayBuffer>
  /** Resolves when it has ended: with an error after an abnormal end. */
  readonly ended: Promise<Error | undefined>
  isEnded = false
  answer: Answered = { version: 1, methods: [], idempotent: [], hasSnapshot: false, hasMigrate: false }
  readonly #runtime: SubsystemRuntime
  readonly #calls = new Set<OpenCall>()
  #callCount = 0
  #remote: unknown
  #deliver: (event: object) => void = () => undefined
  /** The options of the call that Comlink sends next, and then its ask. */
  #next: SentCall | undefined

  constructor(
    { name, run }: Pick<InstanceStart, 'name' | 'run'>,
    ref: ActorRef<SubsystemActorHandlers>,
    words: SharedArrayBuffer,
    runtime: SubsystemRuntime,
    wrap: (endpoint: never) => unknown,
  ) {
    this.name = name
    this.run = run
    this.ref = ref
    this.words = new Int32Array(words)
    this.#runtime = runtime
    this.ended = runtime.watch(ref, { unref: true }).then((reason) => {
      this.isEnded = true
      const error = endError(ref, reason)
      this.#rejectCalls(error)
      return error
    })
    const endpoint: Endpoint = {
      postMessage: (message, transfers = []) => this.#send(message, transfers),
      addEventListener: (_type, listener) => {
        this.#deliver = listener
      },
      removeEventListener: () => undefined,
    }
    this.#remote = wrap(endpoint as never)
  }

  /** Calls a function, or reads a value, of its interface. */
  call(
    path: readonly string[],
    args: readonly unknown[] | undefined,
    options: { timeoutMs: number; signal?: AbortSignal },
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const open: OpenCall = { number: this.#callCount + 1, method: path.join('.'), reject }
      const next: SentCall = { options, sent: undefined }
      this.#next = next
      let answer: Promise<unknown>
      try {
        answer = this.#invoke(path, args)
      } finally {
        this.#next = undefined
      }
      this.#calls.add(open)
      answer.then(resolve, reject)
      next.sent?.then(
        () => this.#calls.delete(open),
        (error: unknown) => {
          this.#calls.delete(open)
          reject(this.#callError(open, toError(error)))
        },
      )
    })
  }

  /** How many calls are under way. */
  get callCount(): number {
    return this.#calls.size
  }

  /** The method that blocks its thread just now, where one does. */
  get blockingMethod(): string | undefined {
    return this.answer.methods[Atomics.load(this.words, protocol.WORD_METHOD) - 1]
  }

  get arenaBytes(): number {
    return Atomics.load(this.words, protocol.WORD_ARENA_KIB) * protocol.KIB
  }

  async init(request: protocol.InitRequest, timeoutMs: number, signal: AbortSignal): Promise<void> {
    const options = { timeoutMs, signal }
    this.answer = (await this.#ask('subsystemInit', request, options)) as protocol.InitAnswer
  }

  /** Rejects when it is unhealthy, or does not answer in time. */
  async health(timeoutMs: number): Promise<void> {
    await this.#ask('subsystemHealth', undefined, { timeoutMs })
  }

  /** What its next run shall have; undefined where it hands nothing over. */
  async snapshot(timeoutMs: number): Promise<{ value: unknown; version: number } | undefined> {
    if (!this.answer.hasSnapshot) return undefined
    const value = await this.#ask('subsystemSnapshot', undefined, { timeoutMs })
    return { value, version: this.answer.version }
  }

  /** Resolves when nothing is under way. */
  async drain(timeoutMs: number): Promise<void> {
    await this.#ask('subsystemDrain', undefined, { timeoutMs })
  }

  async resume(previous: protocol.InitRequest['previous'], timeoutMs: number): Promise<void> {
    await this.#ask('subsystemResume', previous, { timeoutMs })
  }

  stop(): void {
    this.#runtime.sendStop(this.ref, 'stop')
  }

  kill(): void {
    void this.ref.stop({ mode: 'kill', timeoutMs: KILL_MS }).catch(() => undefined)
  }

  #ask(type: string, payload: unknown, options: object): Promise<unknown> {
    const ask = this.ref.ask as (type: string, payload: unknown, options: object) => Promise<unknown>
    return Reflect.apply(ask, this.ref, [type, payload, options])
  }

  #invoke(path: readonly string[], args: readonly unknown[] | undefined): Promise<unknown> {
    let target = this.#remote as Record<string, unknown>
    for (const key of path) target = target[key] as Record<string, unknown>
    if (args !== undefined) return Reflect.apply(target as never, undefined, args) as Promise<unknown>
    // Comlink reads a value when its proxy is awaited.
    const read = target['then'] as (resolve: unknown, reject: unknown) => void
    return new Promise((resolve, reject) => read(resolve, reject))
  }

  #send(message: protocol.CallRequest['message'], transfers: readonly unknown[]): void {
    const number = ++this.#callCount
    const next = this.#next
    const options = { ...next?.options, ...(transfers.length > 0 && { transfer: transfers }) }
    const sent = this.#ask('subsystemCall', { number, message }, options)
    if (next !== undefined) next.sent = sent
    sent.then(
      (answer) => this.#deliver({ data: answer }),
      // Comlink forgets the call; whoever made it is told by `call`.
      () => this.#deliver({ data: { id: message.id, type: 'RAW', value: undefined } }),
    )
  }

  #rejectCalls(cause: Error | undefined): void {
    for (const call of [...this.#calls]) {
      this.#calls.delete(call)
      call.reject(this.#restarted(call, cause))
    }
  }

  /** An error of the runtime that means its end, or the error of the call itself. */
  #callError(call: OpenCall, error: Error): Error {
    const code = error instanceof ShardloomError ? error.code : undefined
    const isEnd =
      code === 'SHL_ACTOR_STOPPED' ||
      code === 'SHL_ACTOR_NOT_FOUND' ||
      code === 'SHL_THREAD_LOST' ||
      code === 'SHL_SUBSYSTEM_DOWN'
    return isEnd ? this.#restarted(call, error) : error
  }

  #restarted({ number, method }: OpenCall, cause: Error | undefined): protocol.SubsystemRestarted {
    const hasBegun = Atomics.load(this.words, protocol.WORD_BEGUN) >= number
    const retryable = !hasBegun || this.answer.idempotent.includes(method)
    const details = { subsystem: this.name, method, hasBegun, retryable }
    return new protocol.SubsystemRestarted(details, cause)
  }
}

/** What an instance is started with. */
export interface InstanceStart {
  readonly name: string
  readonly run: number
  readonly module: URL
  readonly spawn: Omit<SpawnOptions<undefined>, 'args' | 'name'>
}

/** Loads the module and starts its actor; `init` is the next step. */
export async function startInstance(
  runtime: SubsystemRuntime,
  { name, run, module, spawn }: InstanceStart,
  signal: AbortSignal,
): Promise<SubsystemInstance> {
  const [ref, { wrap }] = await Promise.all([
    runtime.spawn<AnyActorDefinition>(module, { ...spawn, name, signal }),
    import('comlink'),
  ])
  const words = new SharedArrayBuffer(protocol.WORD_COUNT * Int32Array.BYTES_PER_ELEMENT)
  return new SubsystemInstance(
    { name, run },
    ref as ActorRef<SubsystemActorHandlers>,
    words,
    runtime,
    wrap as never,
  )
}
