/**
 * Transactions over three shards with a log each, cut off at every call of every disk, and with a shard lost
 * at every message: all of a transaction is there afterwards or nothing of it, what was acknowledged is
 * there, and nothing stays locked.
 */
import { describe, expect, test } from 'vitest'
import type { SimulatedDisk } from '../../../src/testkit/index.ts'
import { DurableLab } from '../../support/durable-lab.ts'
import type { Words } from '../../support/shards.ts'

const SHARDS = 3
const SEEDS = process.env['SHL_SOAK'] ? 40 : 1
/** By default some of the places, in another order for each shard. */
const STRIDE = process.env['SHL_SOAK'] ? 1 : 3

interface Step {
  readonly by: number
  readonly commands: readonly Words[]
  /** It changes one shard: as with any command there, memory is ahead of the log. */
  readonly isOfOne?: true
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
    { by: 0, commands: [['SUNIONSTORE', a, a2, b2, c2]], isOfOne: true },
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
    // Some of its commands are over all keys.
    {
      by: 0,
      commands: [
        ['MSET', a, '4', b, '4', c2, 'p'],
        ['FLUSHDB'],
        ['RPUSH', b, '1'],
        ['SWAPDB', '0', '1'],
        ['SET', c, 'z'],
      ],
    },
    { by: 2, commands: [['FLUSHALL']] },
    { by: 1, commands: [['MSET', a, '9', c, '9']] },
  ]
}

/** The states between the steps, as a run has them that nothing happens to, and what is on the disks. */
interface Undisturbed {
  readonly states: string[][]
  readonly disks: (readonly SimulatedDisk[])[]
  readonly calls: number
  readonly messages: number[]
}

async function undisturbed(): Promise<Undisturbed> {
  const lab = await DurableLab.open(DurableLab.disks(SHARDS))
  const states = [lab.state()]
  const disks = [lab.disksAfter()]
  const messages = [lab.messages]
  for (const { by, commands } of stepsOf(lab)) {
    expect(await lab.transact(by, commands)).toBe('done')
    states.push(lab.state())
    disks.push(lab.disksAfter())
    messages.push(lab.messages)
    expect(lab.isFree).toBe(true)
  }
  return { states, disks, calls: lab.calls, messages }
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
      let seenThen: string[] | undefined
      lab.onCall = (index) => {
        if (index < from + cut) return undefined
        // What every thread sees at this moment, by reading memory.
        seenThen ??= lab.state()
        return { type: index % 2 === 0 ? 'stop' : 'stop_after' }
      }
      const done = await runUntilCut(lab)
      for (const seed of [undefined, ...Array.from({ length: SEEDS }, (_, i) => cut * SEEDS + i)]) {
        const found = await DurableLab.open(lab.disksAfter(seed))
        const state = found.state()
        const isOld = isEqual(state, states[done])
        const isNew = isEqual(state, states[done + 1])
        expect(isOld || isNew, `cut ${cut}, seed ${seed}:\n${state.join('\n')}`).toBe(true)
        const about = `cut ${cut}, seed ${seed}: nobody has seen what is gone\n${seenThen?.join('\n')}`
        const isHidden = seenThen === undefined || isEqual(seenThen, states[done])
        expect(isNew || isHidden || stepsOf(found)[done]?.isOfOne === true, about).toBe(true)
        seen.add(isOld ? 0 : 1)
      }
      if (done === states.length - 1) break
    }
    // Some were lost, and some were there that nobody had been told of.
    expect([...seen].sort()).toEqual([0, 1])
  })

  test('are whole when a shard is lost at any message, whichever it is', async () => {
    const run = await undisturbed()
    const { states, messages } = run
    const outcomes = new Set<string>()
    for (let at = 0; at + 1 < states.length; at++) {
      const count = messages[at + 1]! - messages[at]!
      for (let message = 0; message <= count; message++) {
        for (let lost = 0; lost < SHARDS; lost++) {
          if ((message + lost) % STRIDE !== 0) continue
          const lose = (lab: DurableLab): void => {
            lab.onMessage = (index) => {
              if (index === message) lab.lose(lost)
            }
          }
          outcomes.add(await checkLoss(run, at, lost, lose, `message ${message}`))
        }
      }
    }
    expect([...outcomes].sort()).toEqual(['false false', 'false true', 'true true'])
  })

  test('are whole when a shard is lost at any call of its disk', async () => {
    const run = await undisturbed()
    const outcomes = new Set<string>()
    for (let at = 0; at + 1 < run.states.length; at++) {
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
          outcomes.add(await checkLoss(run, at, lost, lose, `call ${nth}`))
        }
      }
    }
    expect([...outcomes].sort()).toEqual(['false false', 'false true', 'true true'])
  })
})

/** Runs one step in which a shard is lost; whether it was answered, and is there when the shard is back. */
async function checkLoss(
  { states, disks }: Undisturbed,
  at: number,
  lost: number,
  lose: (lab: DurableLab) => void,
  when: string,
): Promise<string> {
  const lab = await DurableLab.open(disks[at]!.map((disk) => disk.afterKill()))
  lose(lab)
  const { by, commands } = stepsOf(lab)[at]!
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
