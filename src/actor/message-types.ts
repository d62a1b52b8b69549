/**
 * The types that follow from an actor's handlers: payloads, answers, items, and the arguments of a call.
 *
 * Structural on purpose: a definition is recognised by its `init` and `receive`, so that refs and contexts
 * can be typed by definitions without importing them. Tests: test/actor/define-actor.types.test.ts
 */
import type { Untransferred } from '../base/index.ts'

/** A definition, as far as the types of its users go. */
export interface DefinitionShape<Args, Receive> {
  readonly name: string
  readonly init?: (ctx: never, args: Args) => unknown
  readonly receive: Receive
}

/** The arguments of an actor's `init`. */
export type ArgsOf<D> = D extends DefinitionShape<infer Args, infer _R> ? Args : never
/** The handlers of a definition: the message contract of its ref. */
export type ReceiveOf<D> = D extends { readonly receive: infer Receive } ? Receive : never
/** The names of the messages of a contract. */
export type MessageType<R> = keyof R & string
/** The payload of one message. */
export type PayloadOf<R, K extends keyof R> = R[K] extends (state: never, ...rest: infer Rest) => unknown
  ? Rest extends readonly []
    ? undefined
    : Rest extends readonly [infer P, ...unknown[]]
      ? P
      : Rest extends readonly [(infer P)?, ...unknown[]]
        ? P | undefined
        : undefined
  : never
type ReturnOf<R, K extends keyof R> = R[K] extends (...args: never[]) => infer A ? A : never
/** What an `ask` of one message resolves with. */
export type AnswerOf<R, K extends keyof R> = Untransferred<Awaited<ReturnOf<R, K>>>
/** What a `stream` of one message yields. */
export type ItemOf<R, K extends keyof R> =
  ReturnOf<R, K> extends AsyncIterable<infer T> | Iterable<infer T> ? Untransferred<T> : never
/** The payload as a call's arguments: left out where there is none. */
export type PayloadArguments<R, K extends keyof R, Options> =
  undefined extends PayloadOf<R, K>
    ? [payload?: PayloadOf<R, K>, options?: Options]
    : [payload: PayloadOf<R, K>, options?: Options]
