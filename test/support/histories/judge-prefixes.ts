/**
 * Judges the histories of a keyspace that may lose what was not synced: what a crash leaves of each shard is
 * what it was at one moment, with all that came before it and nothing that came behind; and what was done
 * over several shards together is there, on all of them.
 *
 *     shard   set r0   incr c1   mset r0 r1   sadd s0   set r2   ✗   get r0 …
 *                                over shards,     │
 *                                so it is synced  └ cut: anywhere behind that, once for all keys of the shard
 *
 * So a shard is one object here, whatever its keys are. A cut is an operation of each life of which nobody
 * knows when it was: when it is placed the state is kept, and at the crash it is the state again.
 */
import {
  checkLinearizable,
  checkReads,
  checkSerializable,
  counterModel,
  type Model,
  type Operation,
  registerModel,
  setModel,
  type Transaction,
} from '../../../src/testkit/index.ts'
import { judge } from '../consistency/judge.ts'
import type { ClientNotes } from '../consistency/workload.mjs'
import { alone, judgeFencing } from './judge-lives.ts'
import { type Life, shardOf, type ToldLives } from './lives.ts'

const MODELS = { register: registerModel(), counter: counterModel(), set: setModel() }
type Name = keyof typeof MODELS
const NAMES = Object.keys(MODELS) as Name[]
/** A cut may be anywhere: that is much to try. */
const STEPS_MAX = 5_000_000

type ShardCall = EndCall | ObjectCall

interface EndCall {
  readonly type: 'crash' | 'cut'
  readonly life: number
}

interface ObjectCall {
  readonly type: Name
  readonly key: string
  readonly call: unknown
  readonly life: number
  /** It is synced before it is answered. */
  readonly isSynced: boolean
}

/** Objects by their keys, as texts and as states. */
type Objects = ReadonlyMap<string, { readonly text: string; readonly state: unknown }>

interface ShardState {
  readonly life: number
  readonly now: Objects
  /** What the crash leaves; undefined: all. */
  readonly kept: Objects | undefined
}

/** What is wrong, in words. */
export function judgePrefixes({ lives }: ToldLives): string[] {
  const wrong = lives.flatMap(({ notes }) => judge(notes.map(alone)))
  const shards = new Map<number, Operation<ShardCall>[]>()
  for (const [life, { notes, startAt, endAt }] of lives.entries()) {
    for (const one of operationsOf(notes, life)) {
      const shard = shardOf((one.call as { readonly key: string }).key)
      if (!shards.has(shard)) shards.set(shard, [])
      shards.get(shard)!.push(one)
    }
    for (const operations of shards.values()) {
      operations.push(
        { process: 'cut', call: { type: 'cut', life }, callAt: startAt, pending: true },
        { process: 'crash', call: { type: 'crash', life }, callAt: endAt, returnAt: endAt },
      )
    }
  }
  for (const [shard, operations] of shards) {
    const outcome = checkLinearizable(operations, shardModel(), { stepsMax: STEPS_MAX })
    if (outcome.ok !== true) wrong.push(`shard ${shard}: ${outcome.text}`)
  }
  return [...wrong, ...judgeTransactions(lives), ...judgeFencing(lives), ...judgeReads(lives)]
}

function operationsOf(notes: readonly ClientNotes[], life: number): Operation<ShardCall>[] {
  return notes.flatMap(({ operations }) =>
    NAMES.flatMap((type) =>
      operations[type].map((one) => {
        // What was asked for together has begun together.
        const together = operations[type].filter(({ callAt }) => callAt === one.callAt)
        const shards = new Set(together.map(({ key }) => shardOf(key!)))
        const isRead = MODELS[type].isRead?.(one.call as never, one.output as never) === true
        // Of a set nobody knows whether both shards had something to change.
        const isSynced = shards.size > 1 && type !== 'set' && one.pending !== true && !isRead
        const { key: _, ...rest } = one
        return { ...rest, call: { type, key: one.key!, call: one.call, life, isSynced } }
      }),
    ),
  )
}

function shardModel(): Model<ShardState, ShardCall, unknown> {
  return {
    init: () => ({ life: 0, now: new Map(), kept: undefined }),
    step(state, call, output) {
      if (call.life < state.life) return undefined
      if (!isOnObject(call)) return ended(state, call)
      // Behind the cut, and yet it stays.
      if (call.isSynced && state.kept !== undefined) return undefined
      const { type, key } = call
      const model = MODELS[type] as Model<unknown, unknown, unknown>
      const known = state.now.get(key)?.state ?? model.init()
      const next = model.step(known, call.call, output)
      if (next === undefined) return undefined
      if (next === known) return state
      return { ...state, now: new Map(state.now).set(key, { text: model.key(next), state: next }) }
    },
    key: ({ life, now, kept }) => `${life}|${textOf(now)}|${kept === undefined ? '' : textOf(kept)}`,
    isRead: (call, output) => {
      if (!isOnObject(call)) return false
      return (MODELS[call.type] as Model<unknown, unknown, unknown>).isRead?.(call.call, output) === true
    },
  }
}

function isOnObject(call: ShardCall): call is ObjectCall {
  return call.type !== 'crash' && call.type !== 'cut'
}

/** A crash, or a cut, which is one at most in each life. */
function ended(state: ShardState, { type, life }: EndCall): ShardState | undefined {
  if (type === 'crash') return { life: life + 1, now: state.kept ?? state.now, kept: undefined }
  return state.kept === undefined ? { ...state, kept: state.now } : undefined
}

function textOf(objects: Objects): string {
  return [...objects]
    .map(([key, { text }]) => `${key}=${text}`)
    .sort()
    .join()
}

/** Within a life as ever, from what was there when it began; and what was there fits to what was before. */
function judgeTransactions(lives: readonly Life[]): string[] {
  return lives.flatMap((life, i) => {
    const all = life.notes.flatMap(({ transactions }) => transactions)
    const next = lives.slice(i + 1).find((later) => openerOf(later) !== undefined)
    const opener = openerOf(life)
    const outcome = checkSerializable([...(opener === undefined ? [] : beginningOf(opener)), ...all])
    const left = next === undefined ? [] : judgeLeft(all, openerOf(next)!)
    return [
      ...(outcome.ok ? [] : [`life ${i}: ${outcome.text}`]),
      ...left.map((text) => `life ${i}: ${text}`),
    ]
  })
}

/** Who has read everything before anybody wrote. */
function openerOf({ notes }: Life): Transaction | undefined {
  const first = notes[0]?.transactions[0]
  return first?.status === 'committed' && first.steps.length === 8 ? first : undefined
}

/** As if what the opener has found had been written just before. */
function beginningOf({ steps, callAt }: Transaction): Transaction[] {
  const written = steps.flatMap((step): Transaction['steps'] => {
    if (step.type === 'read') return step.value.map((value) => ({ type: 'append', key: step.key, value }))
    const isSet = step.type === 'get' && step.value !== undefined
    return isSet ? [{ type: 'set', key: step.key, value: step.value! }] : []
  })
  return written.length === 0 ? [] : [{ steps: written, callAt: callAt - 0.2, returnAt: callAt - 0.1 }]
}

/**
 * Lists are what they were at one moment; of a transaction all is left or nothing, and all when it was
 * synced.
 */
function judgeLeft(transactions: readonly Transaction[], { steps }: Transaction): string[] {
  const left = new Map(steps.flatMap((step) => (step.type === 'read' ? [[step.key, step.value]] : [])))
  return transactions.flatMap(({ steps, status }) => {
    const wrong: string[] = []
    for (const step of steps) {
      if (step.type !== 'read' || status !== 'committed') continue
      const found = left.get(step.key) ?? []
      const isPrefix = step.value.every((value, i) => i >= found.length || found[i] === value)
      if (!isPrefix) wrong.push(`${step.key} was [${step.value.join()}], and is [${found.join()}] afterwards`)
    }
    const appends = steps.filter((step) => step.type === 'append')
    const there = appends.filter(({ key, value }) => left.get(key)?.includes(value) === true)
    const all = appends.map(({ key, value }) => `${key}:${String(value)}`).join(' ')
    if (there.length > 0 && there.length < appends.length) wrong.push(`half of ${all} is left`)
    const writes = steps.filter((step) => step.type === 'append' || step.type === 'set')
    const isSynced = status === 'committed' && new Set(writes.map(({ key }) => shardOf(key))).size > 1
    if (isSynced && there.length < appends.length) wrong.push(`${all} was synced, and is lost`)
    return wrong
  })
}

/** Whatever an earlier life wrote may be there, or not. */
function judgeReads(lives: readonly Life[]): string[] {
  return lives.flatMap(({ notes }, i) => {
    const before = lives.slice(0, i).flatMap((life) => life.notes.flatMap(({ writes }) => writes))
    const outcome = checkReads({
      writes: [
        ...before.map(({ key, value, callAt }) => ({ key, value, callAt })),
        ...notes.flatMap(({ writes }) => writes),
      ],
      reads: notes.flatMap(({ reads }) => reads),
    })
    return outcome.ok ? [] : [outcome.text]
  })
}
