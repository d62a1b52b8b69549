/**
 * An actor as a child: the driver that spawns it, and the ref that survives its restarts.
 *
 * A restart is a new actor with a new address; `SupervisedRef` always means the present one. An ask waits
 * until the child is up, up to its deadline. One that is under way when the actor dies rejects, and is not
 * repeated: whether it was carried out is not known.
 *
 * Source: OTP's `{via, Module, Name}` refs, which outlive a process.
 * Tests: test/supervise/supervised-runtime.race.test.ts
 */
import type {
  ActorDefinition,
  ActorRef,
  AnswerOf,
  AnyActorDefinition,
  ArgsOf,
  AskOptions,
  MessageType,
  MessageUnderWay,
  OfferOptions,
  PayloadArguments,
  ReceiveOf,
  SpawnOptions,
  TellOptions,
  TerminationReason,
} from '../actor/index.ts'
import { type Clock, numberOption, ShardloomError } from '../base/index.ts'
import type { CpuProfile } from '../runtime/index.ts'
import { unlessAborted } from './abortable.ts'
import { endError } from './child-end.ts'
import type { ChildDriver, RunningChild } from './child-spec.ts'
import { CurrentRef } from './current-ref.ts'
import type { ChildHandling } from './supervision-views.ts'
import type { Watchdog } from './watchdog.ts'

const TIMEOUT_MAX_MS = 2 ** 31 - 1
/** A kill is obeyed at once, or the thread is stuck. */
const KILL_MS = 100

/** What the driver needs of a runtime. */
export interface ActorSpawner {
  spawn<D extends AnyActorDefinition>(
    module: URL | string,
    options?: SpawnOptions<ArgsOf<D>>,
  ): Promise<ActorRef<ReceiveOf<D>>>
  spawn<State, Args, Receive>(
    definition: ActorDefinition<State, Args, Receive>,
    options?: SpawnOptions<Args>,
  ): Promise<ActorRef<Receive>>
  watch(ref: ActorRef, options: { readonly unref: boolean }): Promise<TerminationReason>
  /** Ends an actor without waiting for it. */
  sendStop(ref: ActorRef, mode: 'drain' | 'stop' | 'kill'): void
  timeMessages(ref: ActorRef): Promise<readonly string[] | undefined>
  messageUnderWay(ref: ActorRef): MessageUnderWay | undefined
  isRunning(ref: ActorRef): boolean
  killThread(thread: number): Promise<boolean>
  readonly sys: { profile(thread: number, options: { durationMs: number }): Promise<CpuProfile> }
}

/** Follows one child from restart to restart. */
export class ActorChild<Receive> implements ChildDriver {
  readonly #spawner: ActorSpawner
  readonly #spawn: (signal: AbortSignal) => Promise<ActorRef<Receive>>
  readonly #watchdog: Watchdog | undefined
  #living: ActorRef<Receive> | undefined
  /** The actor that runs now, and who waits for it. */
  readonly ref = new CurrentRef<Receive>()

  constructor(
    spawner: ActorSpawner,
    spawn: (signal: AbortSignal) => Promise<ActorRef<Receive>>,
    watchdog?: Watchdog,
  ) {
    this.#spawner = spawner
    this.#spawn = spawn
    this.#watchdog = watchdog
  }

  get current(): ActorRef<Receive> | undefined {
    return this.ref.current
  }

  /** Whether it is this actor, which may be ending already. */
  isLiving(ref: ActorRef): boolean {
    return this.#living?.equals(ref) === true
  }

  async start(signal: AbortSignal): Promise<RunningChild> {
    const ref = await this.#spawn(signal)
    let unwatch: (() => void) | undefined
    this.#living = ref
    const leave = (): void => this.ref.clear(ref)
    const ended = this.#spawner.watch(ref, { unref: true }).then((reason) => {
      unwatch?.()
      leave()
      if (this.#living === ref) this.#living = undefined
      return endError(ref, reason)
    })
    const kill = (): void => {
      leave()
      // A thread that does not react is ended, where it has no other actors. How it ends is heard of above.
      void ref.stop({ mode: 'kill', timeoutMs: KILL_MS }).catch(() => undefined)
    }
    try {
      if (this.#watchdog !== undefined) unwatch = await unlessAborted(this.#watchdog.watch(ref), signal)
    } catch (error) {
      kill()
      throw error
    }
    if (!signal.aborted) this.ref.set(ref)
    // From here on it takes nothing new: who asks waits for the next one.
    const end = (mode: 'drain' | 'stop') => (): void => {
      leave()
      this.#spawner.sendStop(ref, mode)
    }
    return { ended, drain: end('drain'), stop: end('stop'), kill }
  }

  /** What it is handling at this moment. */
  get handling(): ChildHandling | undefined {
    const ref = this.ref.current
    if (ref === undefined) return undefined
    const message = this.#spawner.messageUnderWay(ref)
    if (message === undefined) {
      if (!this.#spawner.isRunning(ref)) return undefined
      return { message: undefined, forMs: undefined, isBlocking: true }
    }
    const { forMs, isBlocking, type } = message
    return { message: this.#watchdog?.types[type], forMs, isBlocking }
  }

  /** It is no child any more: nobody shall wait for it. */
  close(error: Error): void {
    this.ref.close(error)
  }
}

/** A ref to a supervised actor, whichever one it is at the moment. */
export class SupervisedRef<Receive> {
  readonly id: string
  readonly #child: CurrentRef<Receive>
  readonly #clock: Clock
  readonly #askMs: number

  /** @internal Use `supervisor.ref`. */
  constructor(id: string, child: CurrentRef<Receive>, clock: Clock, askMs: number) {
    this.id = id
    this.#child = child
    this.#clock = clock
    this.#askMs = askMs
  }

  /** The ref of the actor that runs now; undefined while it is being restarted. */
  get current(): ActorRef<Receive> | undefined {
    return this.#child.current
  }

  /** As `ActorRef.tell`; false also while it is being restarted. */
  tell<K extends MessageType<Receive>>(type: K, ...rest: PayloadArguments<Receive, K, TellOptions>): boolean {
    return this.#child.current?.tell(type, ...rest) ?? false
  }

  /**
   * As `ActorRef.offer`, but waits for the actor to be up, within the same deadline.
   *
   * @throws as `ActorRef.offer`, or SHL_CHILD_NOT_UP
   */
  async offer<K extends MessageType<Receive>>(
    type: K,
    ...[payload, options]: PayloadArguments<Receive, K, OfferOptions>
  ): Promise<void> {
    const asked = options as OfferOptions | undefined
    const timeoutMs = this.#timeoutMs(asked?.timeoutMs)
    const sinceMs = this.#clock.nowMs()
    const ref = this.#child.current ?? (await this.#up(timeoutMs, asked?.signal))
    const leftMs = Math.max(1, timeoutMs - (this.#clock.nowMs() - sinceMs))
    const rest: unknown = [payload, { ...asked, timeoutMs: leftMs }]
    await ref.offer(type, ...(rest as PayloadArguments<Receive, K, OfferOptions>))
  }

  /**
   * As `ActorRef.ask`, but waits for the actor to be up, within the same deadline.
   *
   * @throws as `ActorRef.ask`, or SHL_CHILD_NOT_UP
   */
  ask<K extends MessageType<Receive>>(
    type: K,
    ...rest: PayloadArguments<Receive, K, AskOptions>
  ): Promise<AnswerOf<Receive, K>> {
    // No step more while it is up: the default deadline of both is the runtime's.
    return this.#child.current?.ask(type, ...rest) ?? this.#askWhenUp(type, rest)
  }

  async #askWhenUp<K extends MessageType<Receive>>(
    type: K,
    [payload, options]: PayloadArguments<Receive, K, AskOptions>,
  ): Promise<AnswerOf<Receive, K>> {
    const asked = options as AskOptions | undefined
    const timeoutMs = this.#timeoutMs(asked?.timeoutMs)
    const sinceMs = this.#clock.nowMs()
    const ref = await this.#up(timeoutMs, asked?.signal)
    const leftMs = Math.max(1, timeoutMs - (this.#clock.nowMs() - sinceMs))
    const rest: unknown = [payload, { ...asked, timeoutMs: leftMs }]
    return ref.ask(type, ...(rest as PayloadArguments<Receive, K, AskOptions>))
  }

  #timeoutMs(given: number | undefined): number {
    return numberOption('timeoutMs', given, this.#askMs, { min: 1, max: TIMEOUT_MAX_MS })
  }

  async #up(timeoutMs: number, signal: AbortSignal | undefined): Promise<ActorRef<Receive>> {
    const given = new AbortController()
    const onAbort = (): void => given.abort(signal?.reason)
    const timer = this.#clock.after(timeoutMs, () =>
      given.abort(new ShardloomError('SHL_CHILD_NOT_UP', { child: this.id, timeoutMs })),
    )
    signal?.addEventListener('abort', onAbort, { once: true })
    if (signal?.aborted) onAbort()
    try {
      return await this.#child.up(given.signal)
    } finally {
      timer.cancel()
      signal?.removeEventListener('abort', onAbort)
    }
  }
}
