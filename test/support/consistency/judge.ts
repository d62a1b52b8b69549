/** Judges what clients of a keyspace wrote down; see workload.mjs for what they do. */
import { ErrorReply } from '../../../src/keyspace/engine/index.ts'
import {
  checkLinearizable,
  checkReads,
  checkSerializable,
  counterModel,
  type Model,
  type Operation,
  registerModel,
  setModel,
} from '../../../src/testkit/index.ts'
import { makeEngine, plain } from '../engine.ts'
import { type ClientNotes, FIXED_KEYS, type OwnNote, TOKENS } from './workload.mjs'

/** What is wrong with the notes, in words; nothing: all is as promised. */
export function judge(notes: readonly ClientNotes[]): string[] {
  const wrong: string[] = []
  const operations = (name: 'register' | 'counter' | 'set') => notes.flatMap((one) => one.operations[name])
  const linear = <State, Call, Output>(
    name: 'register' | 'counter' | 'set',
    model: Model<State, Call, Output>,
  ) => {
    const outcome = checkLinearizable(operations(name) as Operation<Call, Output>[], model)
    if (outcome.ok !== true) wrong.push(`${name}: ${outcome.text}`)
  }
  linear('register', registerModel())
  linear('counter', counterModel())
  linear('set', setModel())
  const serial = checkSerializable(notes.flatMap((one) => one.transactions))
  if (!serial.ok) wrong.push(serial.text)
  const reads = checkReads({
    writes: notes.flatMap((one) => one.writes),
    reads: notes.flatMap((one) => one.reads),
  })
  if (!reads.ok) wrong.push(reads.text)
  wrong.push(...judgeTokens(notes), ...judgeListings(notes))
  for (const one of notes) wrong.push(...judgeOwn(one.own, one.process))
  return wrong
}

/** Every token is in exactly one list, whenever all lists are read as one. */
function judgeTokens(notes: readonly ClientNotes[]): string[] {
  return notes.flatMap(({ snapshots }) =>
    snapshots
      .filter((lists) => lists.flat().sort().join() !== TOKENS.join())
      .map((lists) => `tokens: ${JSON.stringify(lists)}`),
  )
}

function judgeListings(notes: readonly ClientNotes[]): string[] {
  return notes.flatMap(({ listings }) =>
    listings.flatMap(({ how, reply }) => {
      if (how === 'size') return reply === FIXED_KEYS.length ? [] : [`DBSIZE: ${String(reply)}`]
      const found = [...(reply as string[])].sort()
      const list = how === 'scan' ? [...new Set(found)] : found
      return list.join() === FIXED_KEYS.join() ? [] : [`${how}: ${found.join()}`]
    }),
  )
}

/** The answers are those of one engine that is given the same commands one after the other. */
function judgeOwn(own: readonly OwnNote[], process: number): string[] {
  const { engine, caller } = makeEngine()
  for (const [at, { commands, reply, isBatch, error }] of own.entries()) {
    // Nobody knows whether it took effect: what comes after has nothing to be compared with.
    if (error?.startsWith('SHL_')) return []
    const expected = commands.map((argv) => engine.execute(caller, argv))
    const right = JSON.stringify(isBatch ? expected.map(textOf) : textOf(expected[0]))
    const given = JSON.stringify(error ?? reply)
    if (right === given) continue
    const before = own.slice(Math.max(0, at - 12), at + 1).map((one) => {
      const commands = one.commands.map((argv) => argv.join(' ')).join('; ')
      return `  ${commands} → ${one.error ?? JSON.stringify(one.reply)}`
    })
    return [`order of process ${process}: expected ${right}, got ${given}\n${before.join('\n')}`]
  }
  return []
}

function textOf(reply: unknown): unknown {
  return reply instanceof ErrorReply ? reply.text : plain(reply as Parameters<typeof plain>[0])
}

/**
 * What must hold when shards are lost: of the keys that lie on the others. `final` is what is there at the
 * end.
 */
export function judgeSurvivors(
  notes: readonly ClientNotes[],
  survives: (key: string) => boolean,
  final: ReadonlyMap<string, readonly string[]>,
): string[] {
  const linear = (operations: readonly Operation[]) => operations.filter(({ key }) => survives(key!))
  const kept = notes.map((one): ClientNotes => {
    const transactions = one.transactions
      .map((each) => ({ ...each, steps: each.steps.filter(({ key }) => survives(key)) }))
      .filter(({ steps }) => steps.length > 0)
    const { register, counter, set } = one.operations
    return {
      ...one,
      operations: { register: linear(register), counter: linear(counter), set: linear(set), lock: [] },
      transactions,
      writes: one.writes.filter(({ key }) => survives(key)),
      reads: one.reads.filter(({ key }) => survives(key)),
      own: [],
      snapshots: [],
      listings: [],
    }
  })
  return [...judge(kept), ...judgeHalves(kept, final)]
}

/** Of what a transaction appended, all is there or nothing. */
function judgeHalves(notes: readonly ClientNotes[], final: ReadonlyMap<string, readonly string[]>): string[] {
  return notes.flatMap(({ transactions }) =>
    transactions.flatMap(({ steps }) => {
      const appends = steps.filter((step) => step.type === 'append')
      const found = appends.filter(({ key, value }) => final.get(key)?.includes(String(value)) === true)
      if (found.length === 0 || found.length === appends.length) return []
      const all = appends.map(({ key, value }) => `${key}:${String(value)}`)
      return [`half applied: of ${all.join(' ')} only ${found.map(({ key }) => key).join(' ')}`]
    }),
  )
}

/** Errors that tell a caller what to do: to ask again, or that nobody knows the outcome. */
export function judgeErrors(notes: readonly ClientNotes[], allowed: readonly string[]): string[] {
  return notes.flatMap(({ errors }) =>
    errors
      .filter(({ code, retryable }) => !(retryable === true && allowed.includes(code)))
      .map(({ code, text, retryable }) => `${code} (retryable: ${String(retryable)}): ${text}`),
  )
}
