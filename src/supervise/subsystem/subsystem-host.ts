/**
 * A subsystem on its own thread: the actor that carries its calls, its probes and its end.
 *
 * Calls are Comlink's messages, brought by asks instead of by a port: so they share the rings, the bounds and
 * the deadlines of all messages, and end with the actor when it dies. Comlink resolves paths, arguments and
 * proxies; errors bypass it, because it would keep only their text.
 *
 * Writer: the words of `subsystem-protocol.ts`. Invariants: (1) each call is answered once; (2) a drain ends
 * when no call is under way. Tests: test/supervise/subsystem/subsystem.race.test.ts
 */
import { type ActorContext, type ActorRef, defineActor } from '../../actor/index.ts'
import { invalidOption, ShardloomError, systemClock, toError, transfer } from '../../base/index.ts'
import { loadComlink } from './comlink.ts'
import type { AnySubsystemDefinition, SubsystemContext } from './subsystem-definition.ts'
import * as protocol from './subsystem-protocol.ts'

/** The messages of a subsystem's actor. */
export interface SubsystemActorHandlers {
  readonly [message: string]: (host: never, payload: never, ctx: ActorContext) => unknown
}

/** What Comlink exchanges messages with. */
interface Endpoint {
  postMessage(message: { id: string }, transfers?: readonly unknown[]): void
  addEventListener(type: string, listener: (event: object) => void): void
  removeEventListener(type: string, listener: (event: object) => void): void
}

interface OpenCall {
  resolve(answer: unknown): void
  reject(error: Error): void
}

type Previous = protocol.InitRequest['previous']

/** Names with a meaning of their own to promises, or to Comlink's proxies. */
const TAKEN_NAMES = ['then', 'bind']
const UNREF = { unref: true }

/** The actor of a subsystem. */
export function subsystemActor(definition: AnySubsystemDefinition) {
  const { name, mailbox, stopTimeoutMs } = definition
  return {
    name,
    reentrant: true,
    ...(mailbox && { mailbox }),
    ...(stopTimeoutMs !== undefined && { stopTimeoutMs }),
    init: (ctx: ActorContext) => new SubsystemHost(definition, ctx),
    formatState: ({ state }: SubsystemHost) =>
      definition.formatState === undefined || state === undefined ? state : definition.formatState(state),
    onStop: (host: SubsystemHost) => host.stop(),
    receive: {
      subsystemInit: (host: SubsystemHost, request: protocol.InitRequest) => host.init(request),
      subsystemCall: (host: SubsystemHost, request: protocol.CallRequest, ctx: ActorContext) =>
        host.call(request, ctx.signal),
    },
  }
}

/**
 * The actor that answers for it when it is asked how it is: beside it, so that calls do not stand in the way.
 */
function probeActor(host: SubsystemHost) {
  return defineActor({
    name: 'probes',
    reentrant: true,
    receive: {
      health: () => host.health(),
      snapshot: () => host.numbered(),
      drain: (_state, isForReload: boolean) => host.drain(isForReload),
      resume: (_state, previous: Previous) => host.resume(previous),
    },
  })
}

/** Runs one subsystem. */
class SubsystemHost {
  state: unknown = undefined
  readonly #definition: AnySubsystemDefinition
  readonly #actor: ActorContext
  readonly #clock = systemClock()
  readonly #calls = new Map<string, OpenCall>()
  readonly #waiting: (() => void)[] = []
  #request: protocol.InitRequest | undefined
  #words = new Int32Array(new SharedArrayBuffer(protocol.WORD_COUNT * 4))
  #api: unknown = undefined
  #methods: readonly string[] = []
  #ending = new AbortController()
  #current = ''
  #failing: Error | undefined
  #isMade = false
  #isPaused = false
  #snapshots = 0
  #deliver: (event: object) => void = () => undefined

  constructor(definition: AnySubsystemDefinition, actor: ActorContext) {
    this.#definition = definition
    this.#actor = actor
  }

  async init(request: protocol.InitRequest): Promise<protocol.InitAnswer> {
    this.#request = request
    this.#words = new Int32Array(request.words)
    await this.#make(request.previous)
    const probes = await this.#actor.spawn(probeActor(this))
    const { version = 1, idempotent = [], snapshot, migrate } = this.#definition
    return {
      version,
      methods: this.#methods,
      idempotent,
      hasSnapshot: snapshot !== undefined,
      hasMigrate: migrate !== undefined,
      probes: probes as ActorRef<never>,
    }
  }

  /** Carries out a call. What its function throws is an answer: only the way to it may fail. */
  async call({ number, message }: protocol.CallRequest, signal: AbortSignal): Promise<unknown> {
    Atomics.store(this.#words, protocol.WORD_BEGUN, number)
    const method = message.path?.join('.') ?? ''
    try {
      if (message.type === 'APPLY') this.#checkMethod(message.path ?? [], method)
      return await this.#carryOut(message, method, signal)
    } catch (error) {
      return error === this.#failing ? { thrown: error, isFailing: true } : { thrown: toError(error) }
    }
  }

  async #carryOut(
    message: protocol.CallRequest['message'],
    method: string,
    signal: AbortSignal,
  ): Promise<unknown> {
    const { callMs } = this.#request!
    const timer =
      callMs === undefined
        ? undefined
        : this.#clock.after(callMs, () => this.fail(this.#hangError(method, callMs)), UNREF)
    const answer = new Promise<unknown>((resolve, reject) => {
      this.#calls.set(message.id, { resolve, reject })
      // Nobody waits for it any more: nor does a drain.
      signal.addEventListener('abort', () => reject(toError(signal.reason)), { once: true })
    })
    Atomics.store(this.#words, protocol.WORD_METHOD, this.#methods.indexOf(method) + 1)
    this.#current = message.id
    this.#deliver({ data: message, origin: '' })
    this.#current = ''
    Atomics.store(this.#words, protocol.WORD_METHOD, 0)
    try {
      return await answer
    } finally {
      timer?.cancel()
      this.#calls.delete(message.id)
      if (this.#calls.size === 0) for (const go of this.#waiting.splice(0)) go()
    }
  }

  async health(): Promise<void> {
    const health: unknown = await this.#definition.health?.(this.state)
    if (health !== false) return
    throw new ShardloomError('SHL_SUBSYSTEM_UNHEALTHY', { subsystem: this.#name, why: 'it says so' })
  }

  /** A snapshot with its number, which it gets as it is begun. */
  async numbered(): Promise<protocol.NumberedSnapshot> {
    const number = ++this.#snapshots
    const value: unknown = await this.#definition.snapshot?.(this.state)
    return { number, value, version: this.#definition.version ?? 1 }
  }

  /** Resolves when nothing is under way. */
  async drain(isForReload: boolean): Promise<void> {
    const { drain, snapshot } = this.#definition
    // What it could not hand over stays as it is, in case that the new version fails.
    this.#isPaused = isForReload && drain === undefined && snapshot === undefined
    if (!this.#isPaused) this.#announceEnd()
    await drain?.(this.state)
    while (this.#calls.size > 0) await new Promise<void>((go) => this.#waiting.push(go))
  }

  #announceEnd(): void {
    this.#ending.abort(
      new ShardloomError('SHL_SUBSYSTEM_DOWN', { subsystem: this.#name, why: 'it is ending' }),
    )
  }

  /** Goes on after a drain, from a snapshot: what was drained is over. */
  async resume(previous: Previous): Promise<void> {
    if (this.#isPaused) return
    await this.#definition.stop?.(this.state)
    this.#ending = new AbortController()
    await this.#make(previous)
  }

  /** It has failed: nobody shall wait for its calls. */
  fail(error: Error): void {
    this.#ending.abort(error)
    const failing = new ShardloomError('SHL_SUBSYSTEM_DOWN', { subsystem: this.#name, why: error.message })
    this.#failing = failing
    for (const { reject } of [...this.#calls.values()]) reject(failing)
    this.#actor.stop(error)
  }

  async stop(): Promise<void> {
    this.#ending.abort()
    if (this.#isMade) await this.#definition.stop?.(this.state)
  }

  get #name(): string {
    return this.#request?.name ?? this.#definition.name
  }

  /** Makes the state, and the interface over it. */
  async #make(previous: Previous): Promise<void> {
    const { init, api, migrate, version = 1 } = this.#definition
    let value = previous?.value
    if (previous !== undefined && previous.version !== version) {
      const from = previous.version
      if (migrate === undefined) {
        throw new ShardloomError('SHL_SUBSYSTEM_MIGRATE', { subsystem: this.#name, from, version })
      }
      value = migrate(previous.value as never, { version: from })
    }
    const ctx = this.#context()
    this.state = await init(ctx, this.#request!.args, value)
    this.#isMade = true
    this.#api = api?.(this.state, ctx) ?? {}
    this.#methods = methodsOf(this.#api)
    for (const name of TAKEN_NAMES) {
      if (this.#methods.includes(name))
        invalidOption(`api.${name}`, name, 'another name: promises and proxies use this one')
    }
    await this.#expose(this.#api)
  }

  #context(): SubsystemContext {
    const request = this.#request!
    const actor = this.#actor
    return {
      name: request.name,
      thread: actor.thread,
      signal: this.#ending.signal,
      fail: (error) => this.fail(toError(error)),
      checkpoint: async () => {
        const snapshot = await this.numbered()
        await request.keeper.ask('keep', { run: request.run, ...snapshot })
      },
      holds: (arenaBytes) => {
        Atomics.store(this.#words, protocol.WORD_ARENA_KIB, Math.round(arenaBytes / protocol.KIB))
      },
      actor,
    }
  }

  async #expose(api: unknown): Promise<void> {
    const comlink = await loadComlink()
    const endpoint: Endpoint = {
      postMessage: (answer, transfers) => {
        const reply = { answer }
        this.#calls.get(answer.id)?.resolve(transfers?.length ? transfer(reply, transfers) : reply)
      },
      addEventListener: (_type, listener) => {
        this.#deliver = listener
      },
      removeEventListener: () => undefined,
    }
    comlink.expose(this.#catching(api), endpoint as never)
  }

  /** The interface, with errors that reach whoever called as what they are. */
  #catching<T>(target: T): T {
    if ((typeof target !== 'object' && typeof target !== 'function') || target === null) return target
    const fail = (id: string, error: unknown): never => {
      this.#calls.get(id)?.reject(toError(error))
      throw error
    }
    const own = new Map<unknown, unknown>()
    return new Proxy(target, {
      get: (object, key) => {
        const value: unknown = Reflect.get(object, key, object)
        // Comlink's own marks are looked for on every value.
        if (typeof key === 'symbol' || !isOwnKey(key)) return value
        if (typeof value !== 'function') return isOwnObject(value) ? this.#catching(value) : value
        const known = own.get(value)
        if (known !== undefined) return known
        const caught = (...args: unknown[]): unknown => {
          const id = this.#current
          try {
            const result: unknown = Reflect.apply(value, object, args)
            return isPromise(result) ? result.catch((error: unknown) => fail(id, error)) : result
          } catch (error) {
            return fail(id, error)
          }
        }
        own.set(value, caught)
        return caught
      },
    }) as T
  }

  #checkMethod(path: readonly string[], method: string): void {
    let target: unknown = this.#api
    for (const key of path) {
      target = isOwnKey(key) ? (target as Record<string, unknown> | undefined | null)?.[key] : undefined
    }
    if (typeof target === 'function' && path.length > 0) return
    const methods = this.#methods.join(', ')
    throw new ShardloomError('SHL_SUBSYSTEM_METHOD', { subsystem: this.#name, method, methods })
  }

  #hangError(message: string, messageMs: number): ShardloomError {
    const { name } = this.#actor
    return new ShardloomError('SHL_CHILD_HANGS', {
      actor: name,
      message,
      forMs: messageMs,
      messageMs,
      how: 'it awaits',
    })
  }
}

/** The names of the functions of an interface, those of its class included. */
function methodsOf(api: unknown): readonly string[] {
  const names = new Set<string>()
  for (let object = api; isPlainOrClass(object); object = Object.getPrototypeOf(object) as unknown) {
    for (const name of Object.getOwnPropertyNames(object)) {
      const { value } = Object.getOwnPropertyDescriptor(object, name) as { value?: unknown }
      if (typeof value === 'function' && name !== 'constructor') names.add(name)
    }
  }
  return [...names]
}

function isPlainOrClass(object: unknown): object is object {
  return typeof object === 'object' && object !== null && object !== Object.prototype
}

/** What every object has is no part of an interface. */
function isOwnKey(key: string): boolean {
  return !(key in Object.prototype)
}

/** An object of the program, and not one of JavaScript's or Node's own classes. */
function isOwnObject(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) return true
  const { constructor: maker } = prototype as { constructor: unknown }
  const text = typeof maker === 'function' ? Function.prototype.toString.call(maker) : ''
  return text.startsWith('class') && !ArrayBuffer.isView(value)
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof (value as { then?: unknown } | undefined)?.then === 'function'
}
