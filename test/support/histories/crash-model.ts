/**
 * Models of objects that live through crashes.
 *
 * A crash is an operation of its own, between two lives. What was under way then has taken effect before it,
 * or never will: an operation that is called in a life is not to be placed behind the crash that ends it.
 * (Plain linearizability would let it take effect at any time, which nobody could work with.)
 *
 * Source: Aguilera and Frølund, "Strict linearizability and the power of aborting" (2003).
 */
import type { Model, Operation } from '../../../src/testkit/index.ts'

/** What may be called of such an object. */
export type LivedCall<Call> = (Call & { readonly life?: number }) | CrashCall

/** The end of a life. */
export interface CrashCall {
  readonly type: 'crash'
  readonly life: number
}

interface Lived<State> {
  readonly inner: State
  readonly life: number
}

/** The model of an object, with crashes that take nothing away. */
export function throughCrashes<State, Call, Output>(
  model: Model<State, Call, Output>,
): Model<Lived<State>, LivedCall<Call>, Output> {
  return {
    init: () => ({ inner: model.init(), life: 0 }),
    step(state, call, output) {
      if (isCrash(call)) return call.life < state.life ? undefined : { ...state, life: call.life + 1 }
      if (call.life !== undefined && call.life < state.life) return undefined
      const inner = model.step(state.inner, call, output)
      return inner === undefined ? undefined : { inner, life: state.life }
    },
    key: ({ inner, life }) => `${life} ${model.key(inner)}`,
    isRead: (call, output) => !isCrash(call) && model.isRead?.(call, output) === true,
  }
}

function isCrash<Call>(call: LivedCall<Call>): call is CrashCall {
  return (call as { readonly type?: unknown }).type === 'crash'
}

/** A crash of each of the keys, at the end of a life. */
export function crashesOf(keys: ReadonlySet<string>, life: number, at: number): Operation[] {
  return [...keys].map((key) => {
    return { process: 'crash', key, call: { type: 'crash', life }, callAt: at, returnAt: at }
  })
}
