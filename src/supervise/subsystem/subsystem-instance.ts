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
import { type Clock, orLate, ShardloomError, toError } from '../../base/index.ts'
import type { ThreadPulse } from '../../runtime/index.ts'
import type { ActorSpawner } from '../actor-child.ts'
import { endError } from '../child-end.ts'
import { loadComlink } from './comlink.ts'
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
/** The news of an end may come a little after the error of a message. */
const END_MS = 50
const GONE = new Set(['SHL_ACTOR_STOPPED', 'SHL_ACTOR_NOT_FOUND', 'SHL_THREAD_LOST'])

/** One run. Made by `startInstance`. */
export class SubsystemInstance {
  readonly name: string
  readonly ref: ActorRef<SubsystemActorHandlers>
  readonly words: Int32Array<SharedArrayBuffer>
  /** Resolves when it has ended: with an error after an abnormal end. */
  readonly ended: Promise<Error | undefined>
  isEnded = false
  /** Its number among the runs of its subsystem. */
  readonly run: number
  /** What is started in its place should it end: the old version, while it is on probation. */
  fallback: Answered | undefined = undefined
  /** Of the newest snapshot of it that was kept. */
  keptNumber = 0
  answer: Answered = { version: 1, methods: [], idempotent: [], hasSnapshot: false, hasMigrate: false }
  readonly #runtime: SubsystemRuntime
  readonly #calls = new Set<OpenCall>()
  #callCount = 0
  #remote: unknown
  #probes: ActorRef<never> | undefined
  readonly #targets = new Map<string, Record<string, unknown>>()
  #deliver: (event: object) => void = () => undefined
  /** The options of the call that Comlink sends next, and then its ask. */
  #next: SentCall | undefined

  constructor(
    name: string,
    run: number,
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
        (reply) => {
          this.#calls.delete(open)
          const { thrown, isFailing } = reply as protocol.CallReply
          if (isFailing === true) reject(this.#restarted(open, thrown))
          else if (thrown !== undefined) reject(thrown)
        },
        (error: unknown) => {
          this.#calls.delete(open)
          reject(this.#callError(open, toError(error)))
        },
      )
    })
  }

  /** Its error, if it has ended or is about to; undefined when it goes on. */
  endSoon(clock: Clock): Promise<Error | undefined> {
    return orLate(clock, this.ended, END_MS, undefined)
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
    const answer = (await this.#ask(this.ref, 'subsystemInit', request, options)) as protocol.InitAnswer
    this.answer = answer
    this.#probes = answer.probes
  }

  /** Rejects when it is unhealthy, or does not answer in time. */
  async health(timeoutMs: number): Promise<void> {
    await this.#probe('health', undefined, timeoutMs)
  }

  /** What its next run shall have; undefined where it hands nothing over. */
  async snapshot(timeoutMs: number): Promise<protocol.NumberedSnapshot | undefined> {
    if (!this.answer.hasSnapshot) return undefined
    return (await this.#probe('snapshot', undefined, timeoutMs)) as protocol.NumberedSnapshot
  }

  /** Resolves when nothing is under way. */
  async drain(timeoutMs: number, isForReload = false): Promise<void> {
    await this.#probe('drain', isForReload, timeoutMs)
  }

  async resume(previous: protocol.InitRequest['previous'], timeoutMs: number): Promise<void> {
    await this.#probe('resume', previous, timeoutMs)
  }

  stop(): void {
    this.#runtime.sendStop(this.ref, 'stop')
  }

  /** Ends it, by force when it takes longer. */
  stopWithin(stopMs: number): void {
    void this.ref.stop({ mode: 'stop', timeoutMs: stopMs }).catch(() => undefined)
  }

  kill(): void {
    void this.ref.stop({ mode: 'kill', timeoutMs: KILL_MS }).catch(() => undefined)
  }

  /** Probes have a mailbox of their own: they come through while calls fill the other one. */
  #probe(type: string, payload: unknown, timeoutMs: number): Promise<unknown> {
    return this.#ask(this.#probes ?? this.ref, type, payload, { timeoutMs })
  }

  #ask(ref: ActorRef<never>, type: string, payload: unknown, options: object): Promise<unknown> {
    return Reflect.apply(ref.ask, ref, [type, payload, options]) as Promise<unknown>
  }

  #invoke(path: readonly string[], args: readonly unknown[] | undefined): Promise<unknown> {
    // Comlink's proxies take this name for the function's own.
    if (path.includes('bind')) throw this.#noMethod(path)
    const target = this.#targetOf(path)
    if (args !== undefined) return Reflect.apply(target as never, undefined, args) as Promise<unknown>
    // Comlink reads a value when its proxy is awaited.
    const read = target['then'] as (resolve: unknown, reject: unknown) => void
    return new Promise((resolve, reject) => read(resolve, reject))
  }

  #noMethod(path: readonly string[]): ShardloomError {
    const methods = this.answer.methods.join(', ')
    const method = path.join('.')
    return new ShardloomError('SHL_SUBSYSTEM_METHOD', { subsystem: this.name, method, methods })
  }

  /**
   * Comlink makes a proxy, and registers it for its end, at each step of a path: one for all calls will do.
   */
  #targetOf(path: readonly string[]): Record<string, unknown> {
    const key = path.join('.')
    let target = this.#targets.get(key)
    if (target !== undefined) return target
    target = this.#remote as Record<string, unknown>
    for (const step of path) target = target[step] as Record<string, unknown>
    this.#targets.set(key, target)
    return target
  }

  #send(message: protocol.CallRequest['message'], transfers: readonly unknown[]): void {
    const number = ++this.#callCount
    const next = this.#next
    const options = { ...next?.options, ...(transfers.length > 0 && { transfer: transfers }) }
    const sent = this.#ask(this.ref, 'subsystemCall', { number, message }, options)
    if (next !== undefined) next.sent = sent
    // Comlink forgets a call that failed; whoever made it is told by `call`.
    const forget = (): void => this.#deliver({ data: { id: message.id, type: 'RAW', value: undefined } })
    sent.then((reply) => {
      const { answer } = reply as protocol.CallReply
      if (answer === undefined) forget()
      else this.#deliver({ data: answer })
    }, forget)
  }

  #rejectCalls(cause: Error | undefined): void {
    for (const call of [...this.#calls]) {
      this.#calls.delete(call)
      call.reject(this.#restarted(call, cause))
    }
  }

  /** An error of the way to it: what its functions throw comes in a reply. */
  #callError(call: OpenCall, error: Error): Error {
    const isEnd = error instanceof ShardloomError && GONE.has(error.code)
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
  readonly module: URL
  readonly run: number
  readonly spawn: Omit<SpawnOptions<undefined>, 'args' | 'name'>
}

/** Loads the module and starts its actor; `init` is the next step. */
export async function startInstance(
  runtime: SubsystemRuntime,
  { name, module, run, spawn }: InstanceStart,
  signal: AbortSignal,
): Promise<SubsystemInstance> {
  const [ref, { wrap }] = await Promise.all([
    runtime.spawn<AnyActorDefinition>(module, { ...spawn, name, signal }),
    loadComlink(),
  ])
  const words = new SharedArrayBuffer(protocol.WORD_COUNT * Int32Array.BYTES_PER_ELEMENT)
  const instance = new SubsystemInstance(
    name,
    run,
    ref as ActorRef<SubsystemActorHandlers>,
    words,
    runtime,
    wrap as never,
  )
  if (!signal.aborted) return instance
  instance.kill()
  throw toError(signal.reason)
}
