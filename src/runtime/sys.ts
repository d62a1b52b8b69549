/**
 * `runtime.sys`: an actor's state, suspension, traces; what a thread is doing. For people who look at a
 * running system, and for drills.
 *
 * Questions go to the thread's guardian. A thread that is stuck does not answer; then suspension and traces
 * still stand in shared memory, before its next message, and state, stack and profile are read through V8's
 * inspector, in the middle of the loop.
 *
 * Source: OTP's `sys` module. Tests: test/runtime/sys.race.test.ts
 */
import {
  type ActorAddress,
  type ActorRef,
  formatAddress,
  type MessageUnderWay,
  messageUnderWay,
  setSuspended,
  setTrace,
  TRACE_MAX,
  type TraceRecord,
} from '../actor/index.ts'
import { type Clock, checkKnownOptions, numberOption, ShardloomError, toError } from '../base/index.ts'
import type { ThreadMemory } from '../transport/index.ts'
import type { ActorReport, guardianActor } from './guardian.ts'
import { type CpuProfile, type InspectedThread, ThreadInspector } from './thread-inspector.ts'

/** A thread that has not answered for so long is asked through the inspector. */
const PATIENCE_MS = 200
const PROFILE_MS = 500
const INT_MAX = 2 ** 31 - 1

/** What `sys.state` tells. */
export interface ActorStateView {
  /** As `formatState` shows it; undefined where it cannot be sent, or its thread is stuck. */
  readonly state: unknown
  /** The same as text. */
  readonly text: string
  readonly status: string
  /** Messages that wait for it. */
  readonly depth: number
  /** What it handles now. Its name and duration are known of actors whose messages are timed. */
  readonly handling: { readonly message: string | undefined; readonly forMs: number | undefined } | undefined
  readonly isSuspended: boolean
  /** Whether its thread did not answer, and was asked through the inspector. */
  readonly isStuck: boolean
}

/** @internal What it needs of the runtime. */
export interface SysParts {
  readonly clock: Clock
  guardianOf(thread: number): ActorRef<ReturnType<typeof guardianActor>['receive']>
  memoryOf(thread: number): ThreadMemory | undefined
  warn(text: string): void
  /** A worker thread: Node's id of it, and its end. */
  workerOf(thread: number): { readonly nodeId: number; readonly ended: Promise<void> } | undefined
}

/** Looks at running actors and threads. */
export class Sys {
  readonly #parts: SysParts
  readonly #traces = new Map<string, { readonly onStep: (record: TraceRecord) => void; left: number }>()

  /** @internal */
  constructor(parts: SysParts) {
    this.#parts = parts
  }

  /**
   * The state of an actor, and what it is doing. Works also when its thread is stuck.
   *
   * @throws SHL_ACTOR_NOT_FOUND, SHL_THREAD_SILENT
   */
  async state(ref: ActorAddress): Promise<ActorStateView> {
    const answer = await this.#answerOf(ref)
    const report = answer ?? (await this.#inspected(ref))
    if (report === undefined || report === GONE) throw notFound(ref)
    const underWay = this.#underWay(ref)
    const { message } = report
    return {
      state: report.state,
      text: report.text,
      status: report.status,
      depth: report.depth,
      isSuspended: report.isSuspended,
      handling: message === undefined ? undefined : { message, forMs: underWay?.forMs },
      isStuck: answer === undefined,
    }
  }

  /**
   * The actor takes no messages until it is resumed; they wait in its mailbox, within its bounds. It can
   * still be stopped. What it handles at the moment goes on.
   *
   * @throws SHL_ACTOR_NOT_FOUND
   */
  suspend(ref: ActorAddress): void {
    this.#setSuspended(ref, true)
  }

  /** @throws SHL_ACTOR_NOT_FOUND */
  resume(ref: ActorAddress): void {
    this.#setSuspended(ref, false)
    // Its mailbox is looked at again; a thread that is stuck does so when it gets there.
    this.#parts.guardianOf(ref.thread).tell('wake', { slot: ref.slot, generation: ref.generation })
  }

  /**
   * Tells of the actor's next `count` messages, as each begins and ends. Payloads are shown, as text, only if
   * `payloads` is true. Returns what ends it sooner.
   *
   * @throws SHL_ACTOR_NOT_FOUND, SHL_OPTION_INVALID, SHL_OPTION_UNKNOWN
   */
  trace(
    ref: ActorAddress,
    count: number,
    onStep: (record: TraceRecord) => void,
    options: { readonly payloads?: boolean } = {},
  ): () => void {
    checkKnownOptions('trace', options, ['payloads'])
    const messages = numberOption('count', count, 1, { min: 1, max: TRACE_MAX, integer: true })
    const { slot, generation, thread } = ref
    const memory = this.#memoryOf(ref)
    const key = formatAddress(thread, slot, generation)
    this.#traces.set(key, { onStep, left: messages })
    if (!setTrace(memory, slot, generation, messages, options.payloads === true)) {
      this.#traces.delete(key)
      throw notFound(ref)
    }
    return () => {
      // Another trace may have taken its place.
      if (this.#traces.get(key)?.onStep !== onStep) return
      this.#traces.delete(key)
      setTrace(memory, slot, generation, 0, false)
    }
  }

  /** The functions that a worker thread is in, the innermost first. @throws SHL_THREAD_SILENT */
  async stack(thread: number): Promise<string[]> {
    return ThreadInspector.stack(this.#parts.clock, this.#threadToInspect(thread))
  }

  /**
   * What a worker thread computes, for so long (500 ms unless told): to be opened in Chrome's developer
   * tools.
   *
   * @throws SHL_THREAD_SILENT, SHL_OPTION_INVALID, SHL_OPTION_UNKNOWN
   */
  async profile(thread: number, options: { readonly durationMs?: number } = {}): Promise<CpuProfile> {
    checkKnownOptions('profile', options, ['durationMs'])
    const range = { min: 1, max: INT_MAX }
    const durationMs = numberOption('durationMs', options.durationMs, PROFILE_MS, range)
    return ThreadInspector.profile(this.#parts.clock, this.#threadToInspect(thread), durationMs)
  }

  /** @internal A step of a traced message has happened somewhere. */
  onTrace(record: TraceRecord): void {
    const key = record.actor.slice(record.actor.lastIndexOf('@') + 1)
    const trace = this.#traces.get(key)
    if (trace === undefined) return
    if (record.step === 'end' && --trace.left === 0) this.#traces.delete(key)
    try {
      trace.onStep(record)
    } catch (error) {
      this.#parts.warn(`shardloom: a trace's listener threw: ${toError(error).message}`)
    }
  }

  #setSuspended(ref: ActorAddress, isOn: boolean): void {
    if (!setSuspended(this.#memoryOf(ref), ref.slot, ref.generation, isOn)) throw notFound(ref)
  }

  /** What the guardian says; undefined when it does not answer. */
  async #answerOf({ thread, slot, generation }: ActorAddress): Promise<ActorReport | undefined> {
    const guardian = this.#parts.guardianOf(thread)
    const ask = (withState: boolean) =>
      guardian.ask('actor', { slot, generation, withState }, { timeoutMs: PATIENCE_MS })
    try {
      return (await ask(true)) ?? GONE
    } catch (error) {
      if (codeOf(error) === 'SHL_VALUE_NOT_SENDABLE') return (await ask(false)) ?? GONE
      if (codeOf(error) === 'SHL_ASK_TIMEOUT') return undefined
      if (codeOf(error) === 'SHL_THREAD_LOST') return GONE
      throw error
    }
  }

  async #inspected({ thread, slot, generation }: ActorAddress): Promise<ActorReport | undefined> {
    const { clock } = this.#parts
    const expression = `globalThis[Symbol.for('shardloom.thread')].report(${slot}, ${generation})`
    const text = await ThreadInspector.evaluate(clock, this.#threadToInspect(thread), expression)
    return typeof text === 'string' ? (JSON.parse(text) as ActorReport) : undefined
  }

  #underWay({ thread, slot, generation }: ActorAddress): MessageUnderWay | undefined {
    const memory = this.#parts.memoryOf(thread)
    return memory && messageUnderWay(memory, slot, generation, this.#parts.clock.nowMs())
  }

  #memoryOf(ref: ActorAddress): ThreadMemory {
    const memory = this.#parts.memoryOf(ref.thread)
    if (memory === undefined) throw notFound(ref)
    return memory
  }

  #threadToInspect(thread: number): InspectedThread {
    const found = this.#parts.workerOf(thread)
    if (found !== undefined) return { thread, ...found }
    const reason = 'it is no worker thread of this runtime, or has ended'
    throw new ShardloomError('SHL_THREAD_SILENT', { thread, reason })
  }
}

const GONE: ActorReport = {
  state: undefined,
  text: '',
  status: 'ended',
  depth: 0,
  message: undefined,
  isSuspended: false,
}

function notFound(ref: ActorAddress): ShardloomError {
  return new ShardloomError('SHL_ACTOR_NOT_FOUND', { actor: `${ref.name}`, reason: 'it has ended' })
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown }).code
}
