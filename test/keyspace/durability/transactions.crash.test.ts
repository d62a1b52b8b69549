/**
 * Transactions over three shards with a log each, cut off at every call of every disk, and with a shard lost
 * at every message: all of a transaction is there afterwards or nothing of it, what was acknowledged is
 * there, and nothing stays locked.
 */
import { describe, expect, test } from 'vitest'
import { DurableLab } from '../../support/durable-lab.ts'
import type { Words } from '../../support/shards.ts'

const SHARDS = 3
const SEEDS = process.env['SHL_SOAK'] ? 40 : 1
/** By default some of the places, in another order for each shard. */
const STRIDE = process.env['SHL_SOAK'] ? 1 : 3

interface Step {
  readonly by: number
  readonly commands: readonly Words[]
}

function isEqual(state: readonly string[], other: readonly string[] | undefined): boolean {
  return JSON.stringify(state) === JSON.stringify(other)
}

/** One of each way in which a transaction runs. */
function stepsOf(lab: DurableLab): Step[] {
  const [a, b, c] = [lab.keyOn(0), lab.keyOn(1), lab.keyOn(2)]
  const [a2, b2, c2] = [lab.keyOn(0, 1), lab.keyOn(1, 1), lab.keyOn(2, 1)]
  return [
    { by: 0, commands: [['MSET', a, '1', b, '1', c, '1']] },
    { by: 1, commands: [['MSET', b, '2', c, '2']] },
    // Its coordinator has no part.
    { by: 2, commands: [['MSET', a, '3', b, '3']] },
    {
      by: 0,
      commands: [
        ['SADD', a2, 'x'],
        ['SADD', b2, 'y', 'z'],
        ['SADD', c2, 'w'],
      ],
    },
    { by: 0, commands: [['SUNIONSTORE', a, a2, b2, c2]] },
    { by: 1, commands: [['RENAME', a, c]] },
    {
      by: 2,
      commands: [
        ['INCR', b],
        ['RPUSH', a, '1'],
        ['SET', c2, 'q', 'PX', '1000000'],
      ],
    },
    {
      by: 1,
      commands: [
        ['SMOVE', b2, a2, 'z'],
        ['APPEND', b, 'x'],
      ],
    },
    { by: 0, commands: [['DEL', a, b, c]] },
    { by: 2, commands: [['FLUSHALL']] },
    { by: 1, commands: [['MSET', a, '9', c, '9']] },
  ]
}

/** The states between the steps, as a run has them that nothing happens to. */
async function undisturbed(): Promise<{ states: string[][]; calls: number; messages: number[] }> {
  const lab = await DurableLab.open(DurableLab.disks(SHARDS))
  const states = [lab.state()]
  const messages = [lab.messages]
  for (const { by, commands } of stepsOf(lab)) {
    expect(await lab.transact(by, commands)).toBe('done')
    states.push(lab.state())
    messages.push(lab.messages)
    expect(lab.isFree).toBe(true)
  }
  return { states, calls: lab.calls, messages }
}

/** Runs the steps until one is never answered: how many were. */
async function runUntilCut(lab: DurableLab): Promise<number> {
  let done = 0
  for (const { by, commands } of stepsOf(lab)) {
    if ((await lab.transact(by, commands)) !== 'done') return done
    done++
  }
  return done
}

describe('transactions over shards with logs', () => {
  test('are whole, wherever all shards are cut off', async () => {
    const { states, calls } = await undisturbed()
    const seen = new Set<number>()
    for (let cut = 0; cut < calls; cut += STRIDE) {
      const lab = await DurableLab.open(DurableLab.disks(SHARDS))
      const from = lab.calls
      lab.onCall = (index) =>
        index >= from + cut ? { type: index % 2 === 0 ? 'stop' : 'stop_after' } : undefined
      const done = await runUntilCut(lab)
      for (const seed of [undefined, ...Array.from({ length: SEEDS }, (_, i) => cut * SEEDS + i)]) {
        const found = await DurableLab.open(lab.disksAfter(seed))
        const state = found.state()
        const isOld = isEqual(state, states[done])
        expect(
          isOld || isEqual(state, states[done + 1]),
          `cut ${cut}, seed ${seed}:\n${state.join('\n')}`,
        ).toBe(true)
        seen.add(isOld ? 0 : 1)
      }
      if (done === states.length - 1) break
    }
    // Some were lost, and some were there that nobody had been told of.
    expect([...seen].sort()).toEqual([0, 1])
  })

  test('are whole when a shard is lost at any message, whichever it is', async () => {
    const { states, messages } = await undisturbed()
    const outcomes = new Set<string>()
    for (let at = 0; at + 1 < states.length; at++) {
      for (let message = messages[at]!; message <= messages[at + 1]!; message++) {
        for (let lost = 0; lost < SHARDS; lost++) {
          if ((message + lost) % STRIDE !== 0) continue
          const lose = (lab: DurableLab): void => {
            lab.onMessage = (index) => {
              if (index === message) lab.lose(lost)
            }
          }
          outcomes.add(await checkLoss(states, at, lost, lose, `message ${message - messages[at]!}`))
        }
      }
    }
    expect([...outcomes].sort()).toEqual(['false false', 'false true', 'true true'])
  })

  test('are whole when a shard is lost at any call of its disk', async () => {
    const { states } = await undisturbed()
    const outcomes = new Set<string>()
    for (let at = 0; at + 1 < states.length; at++) {
      for (let lost = 0; lost < SHARDS; lost++) {
        let isReached = true
        for (let nth = at % STRIDE; isReached; nth += STRIDE) {
          isReached = false
          const lose = (lab: DurableLab): void => {
            let count = 0
            lab.onCall = (_, shard) => {
              if (shard !== lost || count++ !== nth) return undefined
              isReached = true
              lab.lose(lost)
              return { type: nth % 2 === 0 ? 'stop' : 'stop_after' }
            }
          }
          outcomes.add(await checkLoss(states, at, lost, lose, `call ${nth}`))
        }
      }
    }
    expect([...outcomes].sort()).toEqual(['false false', 'false true', 'true true'])
  })
})

/** Runs one step in which a shard is lost; whether it was answered, and is there when the shard is back. */
async function checkLoss(
  states: readonly string[][],
  at: number,
  lost: number,
  lose: (lab: DurableLab) => void,
  when: string,
): Promise<string> {
  const lab = await DurableLab.open(DurableLab.disks(SHARDS))
  const steps = stepsOf(lab)
  for (const { by, commands } of steps.slice(0, at)) await lab.transact(by, commands)
  lose(lab)
  const { by, commands } = steps[at]!
  const outcome = await lab.transact(by, commands)
  lab.onCall = () => undefined
  if (!lab.lives[lost]!.isLost) lab.lose(lost)
  await lab.restart(lost)
  await lab.settle(new Promise(() => undefined))
  const state = lab.state()
  const about = `step ${at}, ${when}, shard ${lost} lost, ${String(outcome)}\n${state.join('\n')}`
  const isNew = isEqual(state, states[at + 1])
  expect(isNew || (outcome !== 'done' && isEqual(state, states[at])), about).toBe(true)
  expect(lab.isFree, about).toBe(true)
  return `${outcome === 'done'} ${isNew}`
}
