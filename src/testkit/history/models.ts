/**
 * Models of the objects that a keyspace is made of: register, counter, list, set and queue. (The lock is in
 * `lock-model.ts`.)
 *
 * States are values: `step` makes a new one. A model that is too lenient accepts wrong histories and one that
 * is too strict accuses right ones, so the answers are spelled out call by call below. An answer that is
 * undefined where the call has none is not looked at.
 *
 * Tests: test/testkit/history/models.test.ts
 */
import { type Model, UNKNOWN, valueText } from './operation.ts'

/** What the models hold. */
export type ModelValue = string | number | bigint | boolean

/** A call on a register. */
export type RegisterCall =
  /** Answers with the value, or undefined when there is none. */
  | { readonly type: 'get' }
  /** The answer does not count. */
  | { readonly type: 'set'; readonly value: ModelValue }
  /** Sets `to` if the value is `from` (undefined: if there is none); answers whether it did. */
  | { readonly type: 'cas'; readonly from: ModelValue | undefined; readonly to: ModelValue }
  /** Removes the value; answers whether there was one. */
  | { readonly type: 'del' }

/** A state in a box, so that no value is also a state. */
interface Boxed<Value> {
  readonly value: Value
}

/**
 * One value: get, set, compare-and-set, del.
 *
 * @example
 * ```ts
 * import { checkLinearizable, registerModel } from 'shardloom/testing'
 *
 * const outcome = checkLinearizable(
 *   [
 *     { process: 1, key: 'x', call: { type: 'set', value: 'a' }, callAt: 1, returnAt: 2 },
 *     { process: 2, key: 'x', call: { type: 'get' }, output: undefined, callAt: 3, returnAt: 4 },
 *   ],
 *   registerModel(),
 * )
 * if (!outcome.ok) console.log(outcome.text) // a timeline: the get is too late to find nothing
 * ```
 */
export function registerModel(
  initial?: ModelValue,
): Model<Boxed<ModelValue | undefined>, RegisterCall, unknown> {
  return {
    init: () => ({ value: initial }),
    step(state, call, output) {
      const answers = (right: unknown) => output === UNKNOWN || output === right
      switch (call.type) {
        case 'get':
          return answers(state.value) ? state : undefined
        case 'set':
          return { value: call.value }
        case 'cas': {
          const isEqual = state.value === call.from
          if (!answers(isEqual)) return undefined
          return isEqual ? { value: call.to } : state
        }
        case 'del':
          return answers(state.value !== undefined) ? { value: undefined } : undefined
      }
    },
    key: ({ value }) => valueText(value),
    isRead: ({ type }, output) => type === 'get' || ((type === 'cas' || type === 'del') && output === false),
  }
}

/** A call on a counter; both answer with the number, `add` with the one after it. */
export type CounterCall = { readonly type: 'get' } | { readonly type: 'add'; readonly by: number }

/**
 * A number that is added to.
 *
 * @example
 * ```ts
 * import { checkLinearizable, counterModel } from 'shardloom/testing'
 *
 * const add = { process: 1, call: { type: 'add', by: 1 }, output: 1, callAt: 1, returnAt: 2 } as const
 * checkLinearizable([add], counterModel()).ok // true
 * ```
 */
export function counterModel(initial = 0): Model<Boxed<number>, CounterCall, number | undefined> {
  return {
    init: () => ({ value: initial }),
    step(state, call, output) {
      const value = state.value + (call.type === 'add' ? call.by : 0)
      if (output !== UNKNOWN && output !== value && !(output === undefined && call.type === 'add'))
        return undefined
      return { value }
    },
    key: ({ value }) => String(value),
    isRead: ({ type }) => type === 'get',
  }
}

/** A call on a list: `append` answers with the length after it or not at all, `read` with the list. */
export type ListCall = { readonly type: 'append'; readonly value: ModelValue } | { readonly type: 'read' }

/**
 * A list that only grows at its end.
 *
 * @example
 * ```ts
 * import { checkLinearizable, listModel } from 'shardloom/testing'
 *
 * const read = { process: 1, call: { type: 'read' }, output: [], callAt: 1, returnAt: 2 } as const
 * checkLinearizable([read], listModel()).ok // true
 * ```
 */
export function listModel(): Model<
  readonly ModelValue[],
  ListCall,
  readonly ModelValue[] | number | undefined
> {
  return {
    init: () => [],
    step(state, call, output) {
      if (call.type === 'append') {
        const isRight = output === UNKNOWN || output === undefined || output === state.length + 1
        return isRight ? [...state, call.value] : undefined
      }
      if (output === UNKNOWN) return state
      return Array.isArray(output) && isSameList(output, state) ? state : undefined
    },
    key: valueText,
    isRead: ({ type }) => type === 'read',
  }
}

/** A call on a set: `add`, `remove` answer whether they changed it, or not at all; `read` in any order. */
export type SetCall =
  | { readonly type: 'add' | 'remove' | 'has'; readonly value: ModelValue }
  | { readonly type: 'read' }

/**
 * A set of values.
 *
 * @example
 * ```ts
 * import { checkLinearizable, setModel } from 'shardloom/testing'
 *
 * const call = { type: 'add', value: 'a' } as const
 * const add = { process: 1, call, output: true, callAt: 1, returnAt: 2 }
 * checkLinearizable([add], setModel()).ok // true
 * ```
 */
export function setModel(): Model<
  ReadonlySet<ModelValue>,
  SetCall,
  readonly ModelValue[] | boolean | undefined
> {
  return {
    init: () => new Set(),
    step(state, call, output) {
      if (call.type === 'read') {
        if (output === UNKNOWN) return state
        if (!Array.isArray(output) || output.length !== state.size) return undefined
        return new Set(output).size === state.size && output.every((value) => state.has(value))
          ? state
          : undefined
      }
      const isIn = state.has(call.value)
      const right = call.type === 'add' ? !isIn : isIn
      const isSilent = output === undefined && call.type !== 'has'
      if (output !== UNKNOWN && output !== right && !isSilent) return undefined
      if (call.type === 'has' || !right) return state
      const next = new Set(state)
      if (call.type === 'add') next.add(call.value)
      else next.delete(call.value)
      return next
    },
    key: (state) => valueText([...state].map(valueText).sort()),
    isRead: ({ type }, output) => type === 'read' || type === 'has' || output === false,
  }
}

/** A call on a queue: `dequeue` answers with the oldest value, or undefined when there is none. */
export type QueueCall =
  | { readonly type: 'enqueue'; readonly value: ModelValue }
  | { readonly type: 'dequeue' }

/**
 * A queue, first in, first out.
 *
 * @example
 * ```ts
 * import { checkLinearizable, queueModel } from 'shardloom/testing'
 *
 * const dequeue = { process: 1, call: { type: 'dequeue' }, callAt: 1, returnAt: 2 } as const
 * checkLinearizable([dequeue], queueModel()).ok // true
 * ```
 */
export function queueModel(): Model<readonly ModelValue[], QueueCall, ModelValue | undefined> {
  return {
    init: () => [],
    step(state, call, output) {
      if (call.type === 'enqueue') return [...state, call.value]
      return output === UNKNOWN || output === state[0] ? state.slice(1) : undefined
    },
    key: valueText,
    isRead: ({ type }, output) => type === 'dequeue' && output === undefined,
  }
}

function isSameList(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i])
}
