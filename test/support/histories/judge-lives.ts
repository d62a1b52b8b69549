/**
 * Judges the histories of a keyspace that nothing was to be taken from: what its clients were told in all
 * lives together is what one keyspace would have told them that never died.
 */
import {
  checkLinearizable,
  checkReads,
  checkSerializable,
  counterModel,
  lockModel,
  type Model,
  type Operation,
  registerModel,
  setModel,
  type Transaction,
} from '../../../src/testkit/index.ts'
import { judge } from '../consistency/judge.ts'
import { LEASE_MS } from '../consistency/lock-step.mjs'
import type { ClientNotes } from '../consistency/workload.mjs'
import { crashesOf, type LivedCall, throughCrashes } from './crash-model.ts'
import type { Life, ToldLives } from './lives.ts'
import { judgeWatched } from './watched.ts'

type ModelName = keyof ClientNotes['operations']

/** The lease of a lock runs by the clock of its shard: it has not ended before. */
const LEASE_SURE_MS = LEASE_MS - 0.01

/** What is wrong, in words; nothing: all is as promised. */
export function judgeLives({ lives }: ToldLives): string[] {
  const wrong = lives.flatMap(({ notes }) => judge(notes.map(alone)))
  const linear = <State, Call, Output>(name: ModelName, model: Model<State, Call, Output>, more = noMore) => {
    const history = [...operationsOf(lives, name), ...more]
    const outcome = checkLinearizable(history as Operation<LivedCall<Call>, Output>[], throughCrashes(model))
    if (outcome.ok !== true) wrong.push(`${name}: ${outcome.text}`)
  }
  linear('register', registerModel())
  linear('counter', counterModel())
  linear('set', setModel())
  linear('lock', lockModel(), leaseEnds(lives))
  const serial = checkSerializable(transactionsOf(lives))
  if (!serial.ok) wrong.push(serial.text)
  const reads = checkReads({
    writes: lives.flatMap(({ notes }) => notes.flatMap((one) => one.writes)),
    reads: lives.flatMap(({ notes }) => notes.flatMap((one) => one.reads)),
  })
  if (!reads.ok) wrong.push(reads.text)
  return [...wrong, ...judgeFencing(lives), ...judgeWatched(lives)]
}

const noMore: readonly Operation[] = []

/** What is judged within each life, by itself: tokens that are moved, lists of keys, own commands. */
export function alone(notes: ClientNotes): ClientNotes {
  const operations = { register: [], counter: [], set: [], lock: [] }
  return { ...notes, operations, transactions: [], writes: [], reads: [] }
}

/** All operations on one kind of object, and the crashes between them. */
function operationsOf(lives: readonly Life[], name: ModelName): Operation[] {
  const all = lives.map(({ notes }) => notes.flatMap(({ operations }) => operations[name]))
  const keys = new Set(all.flat().map(({ key }) => key!))
  return all.flatMap((operations, life) => [
    ...operations.map((one) => (name === 'lock' ? withTokens(one) : one)).map((one) => inLife(one, life)),
    ...crashesOf(keys, life, lives[life]!.endAt),
  ])
}

/** Who has not been answered when a life ends has been heard in it, or not at all. */
function inLife(operation: Operation, life: number): Operation {
  if (operation.pending !== true) return operation
  return { ...operation, call: { ...(operation.call as object), life } }
}

/** Tokens are written down as text. */
function withTokens(operation: Operation): Operation {
  const { call, output } = operation as Operation<{ readonly token?: string }>
  const token = call.token === undefined ? {} : { token: BigInt(call.token) }
  const found = typeof output === 'string' ? { output: BigInt(output) } : {}
  return { ...operation, call: { ...call, ...token }, ...found }
}

/**
 * When leases may end, which nobody sees: after their time, and those that were held when a life ended after
 * that time in the next one, from its beginning.
 */
function leaseEnds(lives: readonly Life[]): Operation[] {
  return lives.flatMap(({ notes, endAt }, life) =>
    notes
      .flatMap(({ operations }) => operations.lock)
      .filter(({ call }) => (call as { type: string }).type === 'acquire')
      .filter(({ output, pending }) => pending === true || output !== undefined)
      .map(({ process, key, call, output, callAt }): Operation => {
        const { owner } = call as { readonly owner: string }
        const token = output === undefined ? undefined : BigInt(output as string)
        let at = callAt + LEASE_SURE_MS
        let end = endAt
        for (let next = life + 1; at >= end && next < lives.length; next++) {
          at = lives[next]!.startAt + LEASE_SURE_MS
          end = lives[next]!.endAt
        }
        return { process, key: key!, call: { type: 'expire', owner, token }, callAt: at, pending: true }
      }),
  )
}

/**
 * Whoever asks after somebody else was answered gets a greater token, in whatever life, and of whatever lock.
 */
export function judgeFencing(lives: readonly Life[]): string[] {
  const given = lives
    .flatMap(({ notes }) => notes.flatMap(({ operations }) => operations.lock))
    .filter(({ call, output }) => (call as { type: string }).type === 'acquire' && output !== undefined)
    .map(({ callAt, returnAt, output }) => ({ callAt, returnAt: returnAt!, token: Number(output) }))
  return given.flatMap((one) =>
    given
      .filter((later) => later !== one && one.returnAt < later.callAt && later.token <= one.token)
      .map((later) => `token ${later.token} was given at ${later.returnAt}, after ${one.token}`),
  )
}

/** What took effect in a life did so before its end. */
function transactionsOf(lives: readonly Life[]): Transaction[] {
  const all = lives.flatMap(({ notes }) => notes.flatMap(({ transactions }) => transactions))
  const seen = new Set<string>()
  for (const { steps, status = 'committed' } of all) {
    if (status !== 'committed') continue
    for (const step of steps) {
      if (step.type === 'read') for (const value of step.value) seen.add(`${step.key} ${String(value)}`)
      else if (step.type === 'get') seen.add(`${step.key} ${String(step.value)}`)
    }
  }
  return lives.flatMap(({ notes, endAt }) =>
    notes
      .flatMap(({ transactions }) => transactions)
      .map((one): Transaction => {
        if (one.status !== 'unknown') return one
        const isSeen = one.steps.some(
          (step) =>
            (step.type === 'append' || step.type === 'set') && seen.has(`${step.key} ${String(step.value)}`),
        )
        return isSeen ? { ...one, status: 'committed', returnAt: endAt } : one
      }),
  )
}
