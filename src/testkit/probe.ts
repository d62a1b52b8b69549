/**
 * A probe: an actor that keeps what it is sent, and expectations about it in virtual time.
 *
 * Messages are expected one after the other, in the order of their arrival. An expectation that fails says
 * what came instead.
 * Source: Akka's `TestProbe`.
 * Tests: test/testkit/probe.test.ts
 */
import {
  type ActorContext,
  type ActorRef,
  type AnyActorDefinition,
  defineActor,
  describeReason,
  type TerminationReason,
} from '../actor/index.ts'
import { type Clock, orLate, ShardloomError } from '../base/index.ts'

const WITHIN_MS = 1000
const QUIET_MS = 100

/** A message that a probe was sent. */
export interface ProbeMessage {
  readonly type: string
  readonly payload: unknown
  readonly sender: ActorRef | undefined
  readonly atMs: number
}

/** Options of `sim.probe`. */
export interface ProbeOptions {
  /** Shown in errors. Default: `probe`. */
  readonly name?: string
  /** Default 0, the main thread. */
  readonly thread?: number
  /** What an ask is answered with. Default: undefined. */
  answer?(type: string, payload: unknown): unknown
}

/** How long to wait, in virtual time. */
export interface Within {
  /** Default 1,000. */
  readonly withinMs?: number
}

/** What a probe needs of a runtime. */
interface Watcher {
  watch(ref: ActorRef): Promise<TerminationReason>
}

/** An actor for tests. Made by `sim.probe`. */
export class Probe {
  readonly name: string
  /** @internal */
  readonly definition: AnyActorDefinition
  readonly #clock: Clock
  #ref: ActorRef | undefined
  #runtime: Watcher | undefined
  readonly #messages: ProbeMessage[] = []
  readonly #watched = new Map<string, Promise<TerminationReason>>()
  #onMessage: (() => void) | undefined

  /** @internal Use `sim.probe`. */
  constructor(clock: Clock, { name = 'probe', answer }: ProbeOptions) {
    this.name = name
    this.#clock = clock
    const take = (_state: unknown, payload: unknown, { type, sender }: ActorContext): unknown => {
      this.#messages.push({ type, payload, sender, atMs: clock.nowMs() })
      this.#onMessage?.()
      return answer?.(type, payload)
    }
    // It has a handler for every name.
    const getOwnPropertyDescriptor = () => ({ value: take, configurable: true, enumerable: true })
    const receive = new Proxy({}, { get: () => take, getOwnPropertyDescriptor })
    this.definition = defineActor({ name, receive })
  }

  /** @internal */
  started(runtime: Watcher, ref: ActorRef): this {
    this.#runtime = runtime
    this.#ref = ref
    return this
  }

  /** Where to send to. */
  get ref(): ActorRef {
    return this.#ref!
  }

  /** What has come and was not expected yet. */
  get pending(): readonly ProbeMessage[] {
    return this.#messages
  }

  /** The next message, which must be of this type when one is named. @throws SHL_EXPECTATION */
  async expectMessage(type?: string, { withinMs = WITHIN_MS }: Within = {}): Promise<ProbeMessage> {
    const expected = type === undefined ? 'a message' : `a message '${type}'`
    if (this.#messages.length === 0) await this.#wait(withinMs)
    const message = this.#messages.shift()
    if (message === undefined) throw this.#error(expected, 'none', withinMs)
    if (type !== undefined && message.type !== type) throw this.#error(expected, textOf(message), withinMs)
    return message
  }

  /** Nothing may come for a while. @throws SHL_EXPECTATION */
  async expectNoMessage(forMs = QUIET_MS): Promise<void> {
    if (this.#messages.length === 0) await this.#wait(forMs)
    const message = this.#messages[0]
    if (message !== undefined) throw this.#error('no message', textOf(message), forMs)
  }

  /** Waits for an actor's end from now on, so that its reason is known later. */
  watch(ref: ActorRef): void {
    if (!this.#watched.has(ref.address)) this.#watched.set(ref.address, this.#runtime!.watch(ref))
  }

  /** The actor ends, or has ended. @throws SHL_EXPECTATION */
  async expectTerminated(ref: ActorRef, { withinMs = WITHIN_MS }: Within = {}): Promise<TerminationReason> {
    this.watch(ref)
    const ended = this.#watched.get(ref.address)!
    const reason = await orLate(this.#clock, ended, withinMs, undefined)
    if (reason === undefined) throw this.#error(`the end of ${ref}`, 'it lives', withinMs)
    return reason
  }

  /** The actor ends in the way that is named. @throws SHL_EXPECTATION */
  async expectReason(ref: ActorRef, type: TerminationReason['type'], within: Within = {}): Promise<void> {
    const reason = await this.expectTerminated(ref, within)
    if (reason.type === type) return
    throw this.#error(`${ref} to be ${type}`, describeReason(reason), within.withinMs ?? WITHIN_MS)
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#onMessage = undefined
        timer.cancel()
        resolve()
      }
      const timer = this.#clock.after(ms, done)
      this.#onMessage = done
    })
  }

  #error(expected: string, found: string, withinMs: number): ShardloomError {
    return new ShardloomError('SHL_EXPECTATION', { probe: this.name, expected, found, withinMs })
  }
}

function textOf({ type, payload }: ProbeMessage): string {
  return `'${type}' ${JSON.stringify(payload)}`
}
