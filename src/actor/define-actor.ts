/**
 * `defineActor`: what an actor is, as a value; and the types that follow from it.
 *
 * A definition is plain data with a brand, so that a copy of this package in a bundle and one in a worker
 * accept each other's. State comes from `init`, each message type is a function in `receive`, and from their
 * parameter and return types the ref's `tell`, `ask` and `stream` are inferred: nothing is written twice.
 *
 * Types are tested in test/actor/define-actor.types.test.ts.
 * Tests: test/actor/define-actor.test.ts, test/actor/define-actor.types.test.ts
 */
import { checkKnownOptions, choiceOption, invalidOption, numberOption } from '../base/index.ts'
import type { ActorContext } from './context.ts'
import type { MailboxOptions, MailboxPolicy } from './mailbox-options.ts'
import type { Signal } from './signal.ts'

const BRAND = Symbol.for('shardloom.actor')

/** What an actor does after an error of a handler. */
export type ErrorDirective = 'resume' | 'restart' | 'stop'

/** What `onError` is told beside the error. */
export interface ErrorInfo {
  readonly type: string
  /** Whether somebody waits for the answer (and gets the error) or nobody does. */
  readonly kind: 'tell' | 'ask' | 'stream' | 'signal'
}

// Parameters of user handlers are contravariant: only `any` lets each handler name its own payload type.
// biome-ignore lint/suspicious/noExplicitAny: see above.
type AnyPayload = any

/** The handlers of an actor: message type → function of state, payload and context. */
export type HandlerMap<State> = Record<
  string,
  (state: State, payload: AnyPayload, ctx: ActorContext) => unknown
>

/** An actor's definition, as `defineActor` returns it. */
export interface ActorDefinition<State, Args, Receive> {
  readonly name: string
  /** Makes the state. Its error, or a promise that takes longer than `initTimeoutMs`, reaches the spawner. */
  readonly init?: (ctx: ActorContext, args: Args) => State | Promise<State>
  readonly receive: Receive
  /** Lifecycle messages, such as the end of a watched actor. */
  readonly onSignal?: (state: State, signal: Signal, ctx: ActorContext) => void | Promise<void>
  /** Runs once before the actor ends, unless it is killed; at most `stopTimeoutMs`. */
  readonly onStop?: (state: State, ctx: ActorContext) => void | Promise<void>
  /**
   * Default: an asker gets its error and the actor goes on; an error that nobody waits for stops the actor.
   */
  readonly onError?: (error: Error, info: ErrorInfo) => ErrorDirective
  readonly mailbox?: MailboxOptions
  /** Default: the runtime's `timeouts.initMs`. */
  readonly initTimeoutMs?: number
  /** Default: the runtime's `timeouts.stopMs`. */
  readonly stopTimeoutMs?: number
  /** Messages that may be stashed. Default 1024. */
  readonly stashMax?: number
  /**
   * Takes messages while asynchronous handlers of earlier ones go on. Such an actor ends when all have ended.
   * Default false: one message at a time.
   */
  readonly reentrant?: boolean
  /** What `runtime.sys.state` shows of its state: here secrets are left out. Default: the state. */
  readonly formatState?: (state: State) => unknown
}

/** Any definition. */
// biome-ignore lint/suspicious/noExplicitAny: variance, as above.
export type AnyActorDefinition = ActorDefinition<any, any, any>

const KNOWN_OPTIONS = [
  'name',
  'init',
  'receive',
  'onSignal',
  'onStop',
  'onError',
  'mailbox',
  'initTimeoutMs',
  'stopTimeoutMs',
  'stashMax',
  'reentrant',
  'formatState',
]
const POLICIES: readonly MailboxPolicy[] = ['refuse', 'wait', 'drop_newest', 'drop_oldest']
const INT32_MAX = 2 ** 31 - 1

/**
 * Defines an actor. Put it in a module of its own to run it on another thread.
 *
 * @throws SHL_OPTION_INVALID, SHL_OPTION_UNKNOWN
 * @example
 * ```ts
 * import { defineActor } from 'shardloom'
 *
 * export const counter = defineActor({
 *   name: 'counter',
 *   init: (_ctx, args: { start: number }) => ({ value: args.start }),
 *   receive: {
 *     add(state, n: number) { state.value += n },
 *     get(state) { return state.value },
 *   },
 * })
 * ```
 */
export function defineActor<State = undefined, Args = undefined, Receive = object>(
  definition: Omit<
    ActorDefinition<State, Args, Receive>,
    'receive' | 'onSignal' | 'onStop' | 'formatState'
  > & {
    readonly receive: Receive & HandlerMap<NoInfer<State>>
    readonly onSignal?: (state: NoInfer<State>, signal: Signal, ctx: ActorContext) => void | Promise<void>
    readonly onStop?: (state: NoInfer<State>, ctx: ActorContext) => void | Promise<void>
    readonly formatState?: (state: NoInfer<State>) => unknown
  },
): ActorDefinition<State, Args, Receive> {
  checkKnownOptions('defineActor', definition, KNOWN_OPTIONS)
  const { name, receive } = definition as { name: unknown; receive: unknown }
  if (typeof name !== 'string' || name.length === 0 || name.length > 128) {
    invalidOption('name', name, 'a string of 1..128 characters')
  }
  if (typeof receive !== 'object' || receive === null)
    invalidOption('receive', receive, 'an object of functions')
  for (const [type, handler] of Object.entries(receive)) {
    if (typeof handler !== 'function') invalidOption(`receive.${type}`, handler, 'a function')
  }
  for (const hook of ['init', 'onSignal', 'onStop', 'onError', 'formatState'] as const) {
    const value: unknown = definition[hook]
    if (value !== undefined && typeof value !== 'function') invalidOption(hook, value, 'a function')
  }
  checkMailbox(definition.mailbox)
  for (const option of ['initTimeoutMs', 'stopTimeoutMs'] as const) {
    numberOption(option, definition[option], 1, { min: 1, max: INT32_MAX })
  }
  const { reentrant } = definition as { reentrant?: unknown }
  if (reentrant !== undefined && typeof reentrant !== 'boolean') {
    invalidOption('reentrant', reentrant, 'true or false')
  }
  numberOption('stashMax', definition.stashMax, 1, { min: 0, max: INT32_MAX, integer: true })
  const branded = { ...definition } as ActorDefinition<State, Args, Receive>
  Object.defineProperty(branded, BRAND, { value: true })
  return Object.freeze(branded)
}

/** Throws unless the mailbox options are in range. */
export function checkMailbox(mailbox: MailboxOptions | undefined): void {
  if (mailbox === undefined) return
  checkKnownOptions('mailbox', mailbox, ['depthMax', 'bytesMax', 'policy'])
  numberOption('mailbox.depthMax', mailbox.depthMax, 1, { min: 1, max: INT32_MAX, integer: true })
  numberOption('mailbox.bytesMax', mailbox.bytesMax, 1, { min: 1, max: INT32_MAX, integer: true })
  choiceOption('mailbox.policy', mailbox.policy, 'refuse', POLICIES)
}

/** Whether a value is an actor's definition, from this copy of the package or another. */
export function isActorDefinition(value: unknown): value is AnyActorDefinition {
  return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[BRAND] === true
}
