/**
 * Slots that move between shards with a log each, cut off at every call of every disk, and with either shard
 * lost at every message and every call: no key is lost, none comes back, and each is in one place.
 */
import { describe, expect, test } from 'vitest'
import { hashSlotOf } from '../../../src/keyspace/hash-slot.ts'
import { DurableLab } from '../../support/durable-lab.ts'
import type { Words } from '../../support/shards.ts'

const SHARDS = 2
const SEEDS = process.env['SHL_SOAK'] ? 20 : 1
/** By default some of the places. */
const STRIDE = process.env['SHL_SOAK'] ? 1 : 9
const RETRIES_MAX = 20

type Step =
  | { readonly type: 'write'; readonly commands: readonly Words[] }
  | { readonly type: 'move'; readonly keys: readonly string[]; readonly to: number }
  | { readonly type: 'snapshot'; readonly shard: number }

/** Keys go there and back; some change, go and come while they are elsewhere. */
function stepsOf(lab: DurableLab): Step[] {
  const [a, b, c, d] = [lab.keyOn(0), lab.keyOn(0, 1), lab.keyOn(1), lab.keyOn(1, 1)]
  const write = (...commands: Words[]): Step => ({ type: 'write', commands })
  const move = (to: number, ...keys: string[]): Step => ({ type: 'move', keys, to })
  const snapshot = (shard: number): Step => ({ type: 'snapshot', shard })
  return [
    write(['SET', a, '1']),
    write(['RPUSH', b, 'x', 'y']),
    write(['SET', c, '1', 'PXAT', '1800000000000']),
    write(['LOCK.ACQUIRE', a, 'me', 'PX', '1000000']),
    move(1, a, b),
    write(['APPEND', a, '2']),
    write(['DEL', b]),
    write(['MSET', a, '3', d, '3']),
    move(0, a, b, d),
    write(['SET', d, '4']),
    snapshot(0),
    move(1, a),
    write(['SET', a, '5']),
    move(0, c),
    snapshot(1),
    write(['MSET', c, '6', a, '6']),
    move(0, a),
    write(['DEL', a]),
    write(['SET', b, '7']),
  ]
}

/** Runs a step; undefined: it never ends. */
async function run(lab: DurableLab, step: Step): Promise<'done' | Error | undefined> {
  if (step.type === 'snapshot') return lab.settle(lab.lives[step.shard]!.shard.durability.snapshot())
  if (step.type === 'move') {
    const slots = step.keys.map(hashSlotOf)
    const { exporter } = lab.lives[1 - step.to]!
    return lab.settle(exporter.move({ slots, to: step.to }))
  }
  const key = step.commands[0]![1]!
  return lab.transact(lab.memory.ownerOf(hashSlotOf(key)), step.commands)
}

function isOwned(lab: DurableLab, line: string): boolean {
  const [, shard, name] = /^shard (\d+): (?:\d+:"([^"]*)"|lock (\S+))/.exec(line) ?? []
  const key = name ?? /lock (\S+)/.exec(line)?.[1] ?? ''
  return lab.memory.ownerOf(hashSlotOf(key)) === Number(shard)
}

/** What callers may see; without the place, and revisions and tokens, of which a repetition draws others. */
function visible(lab: DurableLab): string[] {
  return lab
    .state()
    .filter((line) => isOwned(lab, line))
    .map((line) =>
      line
        .replace(/^shard \d+: /, '')
        .replace(/ at \d+/, '')
        .replace(/"token":\d+/, ''),
    )
    .sort()
}

/** Nothing of anybody else's is left, once there was time. */
async function expectClean(lab: DurableLab): Promise<void> {
  await lab.settle(new Promise<void>((resolve) => void lab.clock.after(30, resolve)))
  expect(lab.state().filter((line) => !isOwned(lab, line))).toEqual([])
}

function isState(lab: DurableLab, state: readonly string[] | undefined): boolean {
  return JSON.stringify(visible(lab)) === JSON.stringify(state)
}

interface Undisturbed {
  readonly states: string[][]
  readonly calls: number[]
  readonly messages: number[]
}

async function undisturbed(): Promise<Undisturbed> {
  const lab = await DurableLab.open(DurableLab.disks(SHARDS))
  const found: Undisturbed = { states: [visible(lab)], calls: [lab.calls], messages: [lab.messages] }
  for (const step of stepsOf(lab)) {
    expect(await run(lab, step), JSON.stringify(step)).toBe('done')
    found.states.push(visible(lab))
    found.calls.push(lab.calls)
    found.messages.push(lab.messages)
  }
  await expectClean(lab)
  return found
}

/** Opens what is left, sees that it is a state between two steps, and goes on from there to the end. */
async function expectWhole(
  disks: ReturnType<DurableLab['disksAfter']>,
  done: number,
  states: readonly string[][],
  why: string,
): Promise<void> {
  const lab = await DurableLab.open(disks)
  const state = JSON.stringify(visible(lab))
  const found = [done + 1, done].find((at) => JSON.stringify(states[at]) === state)
  expect(found, `${why}: ${state} is not ${JSON.stringify(states[done])}`).toBeDefined()
  await expectClean(lab)
  expect(JSON.stringify(visible(lab)), why).toBe(state)
  for (const step of stepsOf(await DurableLab.open(DurableLab.disks(SHARDS))).slice(found)) {
    expect(await run(lab, step), `${why}: ${JSON.stringify(step)}`).toBe('done')
  }
  expect(visible(lab), why).toEqual(states.at(-1))
  const again = await DurableLab.open(lab.disksAfter(1))
  expect(visible(again), why).toEqual(states.at(-1))
}

describe('slots with logs', () => {
  test.each(['kill', 'power cut'])(
    'are whole after a %s at any call of any disk',
    {
      timeout: 600_000,
    },
    async (how) => {
      const { states, calls } = await undisturbed()
      for (let cut = calls[0]!; cut < calls.at(-1)!; cut += STRIDE) {
        for (let seed = 0; seed < (how === 'kill' ? 1 : SEEDS); seed++) {
          const lab = await DurableLab.open(DurableLab.disks(SHARDS))
          lab.onCall = (index) => (index >= cut ? { type: 'stop' } : undefined)
          let done = 0
          for (const step of stepsOf(lab)) {
            if ((await run(lab, step)) !== 'done') break
            done++
          }
          const disks = lab.disksAfter(how === 'kill' ? undefined : seed + cut)
          await expectWhole(disks, done, states, `${how} at call ${cut}, seed ${seed}`)
        }
      }
    },
  )

  test.each([0, 1])(
    'are whole when the log of shard %i fails at any call',
    { timeout: 600_000 },
    async (bad) => {
      const { states, calls } = await undisturbed()
      let movedAfterFailure = 0
      for (let at = calls[0]! + bad; at < calls.at(-1)!; at += 2 * STRIDE - 1) {
        const lab = await DurableLab.open(DurableLab.disks(SHARDS))
        let hasFailed = false
        lab.onCall = (index, shard) => {
          if (index < at || hasFailed || shard !== bad) return undefined
          hasFailed = true
          return { type: 'fail', code: 'EIO' }
        }
        let done = 0
        for (const step of stepsOf(lab)) {
          const outcome = await run(lab, step)
          // What is refused is answered, too.
          if (outcome !== 'done' || !isState(lab, states[done + 1])) break
          if (step.type === 'move' && lab.lives[bad]!.shard.durability.journal!.log.failure)
            movedAfterFailure++
          done++
        }
        for (const seed of [undefined, at]) {
          await expectWhole(
            lab.disksAfter(seed),
            done,
            states,
            `log ${bad} fails at call ${at}, seed ${seed}`,
          )
        }
      }
      // It failed as it decided, and the other log has taken over.
      if (bad === 0) expect(movedAfterFailure).toBeGreaterThan(0)
    },
  )

  test.each([0, 1])('are whole when shard %i is lost at any message', { timeout: 600_000 }, async (lost) => {
    const { states, messages } = await undisturbed()
    for (let at = messages[0]! + (lost % STRIDE); at < messages.at(-1)!; at += STRIDE) {
      const lab = await DurableLab.open(DurableLab.disks(SHARDS))
      let isLost = false
      lab.onMessage = (index) => {
        if (index < at || isLost) return
        isLost = true
        lab.lose(lost)
      }
      await expectEnd(lab, lost, () => isLost, states, `shard ${lost} at message ${at}`)
    }
  })

  test.each([0, 1])('are whole when shard %i is lost at any call', { timeout: 600_000 }, async (lost) => {
    const { states, calls } = await undisturbed()
    for (let at = calls[0]! + lost; at < calls.at(-1)!; at += STRIDE) {
      const lab = await DurableLab.open(DurableLab.disks(SHARDS))
      let isLost = false
      lab.onCall = (index, shard) => {
        if (index < at || isLost) return undefined
        isLost = true
        lab.lose(lost)
        return shard === lost ? { type: index % 2 === 0 ? 'stop' : 'stop_after' } : undefined
      }
      await expectEnd(lab, lost, () => isLost, states, `shard ${lost} at call ${at}`)
    }
  })
})

/** Runs all steps; the shard comes back when it was lost, and what did not happen is done again. */
async function expectEnd(
  lab: DurableLab,
  lost: number,
  isLost: () => boolean,
  states: readonly string[][],
  why: string,
): Promise<void> {
  let isBack = false
  for (const [at, step] of stepsOf(lab).entries()) {
    let outcome = await run(lab, step)
    for (let tries = 0; outcome !== 'done' || (isLost() && !isBack); tries++) {
      expect(tries, `${why}: ${JSON.stringify(step)} ends with ${String(outcome)}`).toBeLessThan(RETRIES_MAX)
      if (isLost() && !isBack) {
        isBack = true
        await lab.restart(lost)
        await lab.settle(new Promise<void>((resolve) => void lab.clock.after(10, resolve)))
      }
      if (step.type === 'write' && isState(lab, states[at + 1])) break
      outcome = await run(lab, step)
    }
    expect(visible(lab), `${why}, behind step ${at}`).toEqual(states[at + 1])
  }
  await expectClean(lab)
  const again = await DurableLab.open(lab.disksAfter())
  expect(visible(again), `${why}, opened again`).toEqual(states.at(-1))
}
