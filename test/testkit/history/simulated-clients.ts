/**
 * Histories for the checkers to judge: random clients of an atomic object, with calls that overlap and
 * clients that are lost.
 *
 * Each call is made, takes effect at one moment, and returns; a random choice among the clients says who goes
 * on. What a lost client had called takes effect later, or never. The objects here are written without the
 * models that they are judged by.
 */
import type { Random } from '../../../src/base/index.ts'
import type { LockCall, Operation } from '../../../src/testkit/index.ts'

export interface Load<Call, Output> {
  readonly clients: number
  readonly count: number
  /** How often a call never returns. */
  readonly lossRate?: number
  next(process: number): { key?: string; call: Call }
  /** The effect, at one moment. */
  apply(call: Call, process: number, key: string): Output
}

interface Client<Call> {
  process: number
  call?: { key?: string; call: Call; callAt: number }
  output?: { value: unknown }
}

/** A history of the load, in the order of the calls. */
export function runClients<Call, Output>(
  random: Random,
  load: Load<Call, Output>,
): Operation<Call, Output>[] {
  const history: Operation<Call, Output>[] = []
  const lost: { call: Call; process: number; key: string }[] = []
  const clients = Array.from({ length: load.clients }, (_, process): Client<Call> => ({ process }))
  let now = 0
  let processes = load.clients
  let begun = 0
  while (begun < load.count || clients.some(({ call }) => call !== undefined)) {
    if (lost.length > 0 && random.below(8) === 0) {
      const [late] = lost.splice(random.below(lost.length), 1)
      if (late !== undefined && random.below(2) === 0) load.apply(late.call, late.process, late.key)
    }
    const client = clients[random.below(clients.length)]!
    if (client.call === undefined) {
      if (begun === load.count) continue
      begun++
      client.call = { ...load.next(client.process), callAt: ++now }
      continue
    }
    const { key, call, callAt } = client.call
    const base = { process: client.process, ...(key === undefined ? {} : { key }), call, callAt }
    if (client.output === undefined && random.next() < (load.lossRate ?? 0)) {
      lost.push({ call, process: client.process, key: key ?? '' })
      history.push({ ...base, pending: true })
      client.process = processes++
      delete client.call
    } else if (client.output === undefined) {
      client.output = { value: load.apply(call, client.process, key ?? '') }
    } else {
      history.push({ ...base, output: client.output.value as Output, returnAt: ++now })
      delete client.call
      delete client.output
    }
  }
  return history.sort((a, b) => a.callAt - b.callAt)
}

/** The history with one operation's answer replaced: a planted bug. */
export function withOutput<Call, Output>(
  history: readonly Operation<Call, Output>[],
  target: Operation<Call, Output>,
  output: Output,
): Operation<Call, Output>[] {
  return history.map((operation) => (operation === target ? { ...operation, output } : operation))
}

/** Whether one operation had returned when the other was called. */
export function isBefore(a: Operation, b: Operation): boolean {
  return a.pending !== true && a.returnAt! < b.callAt
}

/** A history of clients that take a lock, write under it, and let it go or let it expire. */
export function lockHistory(
  random: Random,
  lossRate = 0,
): Operation<LockCall, bigint | boolean | undefined>[] {
  let holder: string | undefined
  let last = 0n
  const held = new Map<string, bigint>()
  const history = runClients<LockCall, bigint | boolean | undefined>(random, {
    clients: 3,
    count: 30,
    lossRate,
    next(process) {
      const owner = `p${process}`
      const token = held.get(owner)
      if (token === undefined) return { call: { type: 'acquire', owner } }
      if (random.below(2) === 0) return { call: { type: 'write', token } }
      held.delete(owner)
      return {
        call: random.below(4) === 0 ? { type: 'expire', owner, token } : { type: 'release', owner, token },
      }
    },
    apply(call) {
      switch (call.type) {
        case 'acquire':
          if (holder !== undefined) return undefined
          holder = call.owner
          last += 1n + BigInt(random.below(3))
          held.set(call.owner, last)
          return last
        case 'write':
          return call.token === last
        case 'release':
        case 'expire': {
          const isHolder = holder === call.owner && call.token === last
          if (isHolder) holder = undefined
          return call.type === 'release' ? isHolder : undefined
        }
      }
    },
  })
  return history
}
