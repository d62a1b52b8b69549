/**
 * The model of a lock with fencing tokens: at most one holder, tokens that only grow, and writes that carry
 * an old token refused.
 *
 *     acquire → token       nobody holds it, and the token is greater than any before
 *     acquire → undefined   refused: somebody holds it
 *     release → true        by the holder with its token; anything else → false
 *     expire                the lease of that token ends (undefined: of an acquire whose token nobody knows);
 *                           if it has ended already, nothing happens
 *     write → true          the token is the last one given; false: a newer one was, or the lease is over
 *
 * Nobody sees a lease expire: record it as a pending operation, called when the lease may first end.
 * A pending `acquire` was given a token that nobody knows: greater than those before, that is all.
 *
 * Source: Gray and Cheriton, "Leases" (1989); Kleppmann, "How to do distributed locking" (2016).
 * Tests: test/testkit/history/models.test.ts
 */
import { type Model, UNKNOWN } from './operation.ts'

/** A call on a lock. */
export type LockCall =
  | { readonly type: 'acquire'; readonly owner: string }
  | { readonly type: 'release'; readonly owner: string; readonly token: bigint }
  | { readonly type: 'expire'; readonly owner: string; readonly token: bigint | undefined }
  | { readonly type: 'write'; readonly token: bigint }

/** Who holds the lock, and what is known of the tokens. */
export interface LockState {
  readonly owner: string | undefined
  /** The last token given, or a bound below it. */
  readonly token: bigint
  readonly isTokenKnown: boolean
}

/**
 * A lock with fencing tokens.
 *
 * @example
 * ```ts
 * import { checkLinearizable, lockModel } from 'shardloom/testing'
 *
 * const history = [
 *   { process: 1, call: { type: 'acquire', owner: 'a' }, output: 1n, callAt: 1, returnAt: 2 },
 *   { process: 2, call: { type: 'acquire', owner: 'b' }, output: 2n, callAt: 3, returnAt: 4 },
 * ] as const
 * checkLinearizable(history, lockModel()).ok // false: two holders at once
 * ```
 */
export function lockModel(): Model<LockState, LockCall, bigint | boolean | undefined> {
  return {
    init: () => ({ owner: undefined, token: 0n, isTokenKnown: true }),
    step(state, call, output) {
      switch (call.type) {
        case 'acquire':
          return acquire(state, call.owner, output)
        case 'release': {
          const isHolder = state.owner === call.owner && mayBeToken(state, call.token)
          if (output === false) {
            const isSurely = isHolder && state.isTokenKnown
            return isSurely ? undefined : state
          }
          if (!isHolder) return output === UNKNOWN ? state : undefined
          return { owner: undefined, token: call.token, isTokenKnown: true }
        }
        case 'expire': {
          if (state.owner !== call.owner) return state
          if (call.token === undefined) return state.isTokenKnown ? state : { ...state, owner: undefined }
          if (!mayBeToken(state, call.token)) return state
          return { owner: undefined, token: call.token, isTokenKnown: true }
        }
        case 'write': {
          if (output === UNKNOWN) return state
          if (output === true) return mayBeToken(state, call.token) ? known(state, call.token) : undefined
          const isSurelyHeld = state.owner !== undefined && state.isTokenKnown && state.token === call.token
          return isSurelyHeld ? undefined : state
        }
      }
    },
    key: ({ owner, token, isTokenKnown }) =>
      `${owner === undefined ? '-' : `+${owner}`} ${token} ${isTokenKnown}`,
    isRead: ({ type }, output) =>
      (type === 'acquire' && output === undefined) ||
      (type === 'release' && output === false) ||
      (type === 'write' && output !== true),
  }
}

function acquire(state: LockState, owner: string, output: unknown): LockState | undefined {
  if (output === undefined) return state.owner === undefined ? undefined : state
  if (state.owner !== undefined) return output === UNKNOWN ? state : undefined
  if (output === UNKNOWN) return { owner, token: state.token + 1n, isTokenKnown: false }
  if (typeof output !== 'bigint' || output <= state.token) return undefined
  return { owner, token: output, isTokenKnown: true }
}

function mayBeToken(state: LockState, token: bigint): boolean {
  return state.isTokenKnown ? token === state.token : token >= state.token
}

/** The state, now that the last token is known. */
function known(state: LockState, token: bigint): LockState {
  return state.isTokenKnown ? state : { ...state, token, isTokenKnown: true }
}
