/**
 * Two owners, one lock, one store that checks tokens, and time that may pass unseen: every order of their
 * steps.
 *
 * Each owner asks, writes with its token, and leaves. A pause is nothing but the other steps coming
 * first, so that all pauses past the end of a lease are among the orders.
 */
import { expect, test } from 'vitest'
import { assert } from '../../../../src/base/index.ts'
import {
  LOCK_RULES,
  type LockMode,
  type LockRules,
} from '../../../../src/keyspace/engine/locks/lock-rules.ts'
import { type Asked, kindOf, LockBench, tokenOf } from '../../../support/lock-host.ts'

/** Choices of one run, taken in order; and how to come to the next run. */
class Choices {
  readonly #taken: { choice: number; count: number }[] = []
  #at = 0

  /** One of the numbers below `count`. */
  pick(count: number): number {
    const known = this.#taken[this.#at]
    if (known === undefined) this.#taken.push({ choice: 0, count })
    return this.#taken[this.#at++]!.choice
  }

  /** Goes to the next run; false when all were made. */
  next(): boolean {
    this.#at = 0
    for (let last = this.#taken.at(-1); last !== undefined; last = this.#taken.at(-1)) {
      if (++last.choice < last.count) return true
      this.#taken.pop()
    }
    return false
  }
}

const LEASE_MS = 2
/** How often time may pass: more than a lease. */
const TIMES = process.env['SHL_SOAK'] === undefined ? 3 : 4

interface Owner {
  readonly name: string
  readonly mode: LockMode
  readonly waitMs: number
  asked: Asked | undefined
  /** Steps done after it has the lock. */
  done: number
  /** As the owner reckons, from when it was told. */
  endMs: number
}

interface Found {
  runs: number
  readonly outcomes: Map<string, number>
}

function exploreAll(rules: LockRules, modes: readonly LockMode[], waits: readonly number[]): Found {
  const found: Found = { runs: 0, outcomes: new Map() }
  const choices = new Choices()
  do {
    found.runs++
    for (const outcome of runOnce(rules, modes, waits, choices)) {
      found.outcomes.set(outcome, (found.outcomes.get(outcome) ?? 0) + 1)
    }
  } while (choices.next())
  return found
}

function runOnce(
  rules: LockRules,
  modes: readonly LockMode[],
  waits: readonly number[],
  choices: Choices,
): Set<string> {
  const bench = new LockBench({ rules })
  const owners = modes.map((mode, i): Owner => {
    const waitMs = waits[i] as number
    return { name: `owner ${i}`, mode, waitMs, asked: undefined, done: 0, endMs: 0 }
  })
  const outcomes = new Set<string>()
  let times = 0
  let newestWrite = 0
  const believes = (owner: Owner): boolean => owner.done < 2 && bench.host.nowMs < owner.endMs
  for (;;) {
    // Who is told now reckons from now.
    for (const owner of owners) {
      if (owner.endMs === 0 && owner.asked?.outcome?.kind === 'granted') {
        owner.endMs = bench.host.nowMs + LEASE_MS
      }
    }
    bench.table.check()
    const believers = owners.filter(believes)
    const together = new Set(believers.map(({ mode }) => mode))
    const mayBoth = together.size === 1 && together.has('shared')
    assert(believers.length < 2 || mayBoth, 'two believe that they hold the lock')
    if (believers.length === 2) outcomes.add('two read at once')

    const ready = owners.filter(
      (owner) => owner.done < 2 && (owner.asked === undefined || tokenOf(owner.asked)),
    )
    const mayPass = times < TIMES
    const count = ready.length + (mayPass ? 2 : 0)
    if (count === 0) break
    const choice = choices.pick(count)
    const owner = ready[choice]
    if (owner === undefined) {
      times++
      bench.pass(1)
      if (choice === count - 1) bench.tick()
    } else step(owner)
  }

  function step(owner: Owner): void {
    if (owner.asked === undefined) {
      owner.asked = bench.ask('a', owner.name, { mode: owner.mode, ttlMs: LEASE_MS, waitMs: owner.waitMs })
      if (kindOf(owner.asked) === 'busy') {
        outcomes.add('refused')
        owner.done = 2
      }
      return
    }
    const token = tokenOf(owner.asked) as number
    const isRight = believes(owner)
    if (owner.done === 0) {
      const passes = bench.do((table) => table.validate('a', token))
      assert(passes === isRight, 'who holds the lock, and nobody else, may write')
      outcomes.add(passes ? 'wrote' : 'fenced')
      if (passes && owner.mode === 'exclusive') {
        assert(token >= newestWrite, 'no write comes after one with a newer token')
        newestWrite = token
      }
    } else {
      const isLeft = bench.release('a', owner.name, token)
      assert(isLeft === isRight, 'who holds the lock, and nobody else, may leave')
      outcomes.add(isRight ? 'left' : 'lost')
    }
    owner.done++
  }

  // Whoever never leaves is waited out.
  for (let i = 0; i < 2; i++) {
    bench.pass(LEASE_MS)
    bench.tick()
  }
  assert(bench.table.size === 0, 'a lock that nobody uses is forgotten')
  for (const { asked } of owners) {
    if (asked === undefined) continue
    outcomes.add(kindOf(asked))
    assert(kindOf(asked) !== 'waits', 'nobody waits for ever')
  }
  return outcomes
}

const FOR_EVER = Number.POSITIVE_INFINITY

test.each<[readonly LockMode[], readonly number[], readonly string[]]>([
  [
    ['exclusive', 'exclusive'],
    [FOR_EVER, FOR_EVER],
    ['wrote', 'fenced', 'left', 'lost', 'granted'],
  ],
  [
    ['exclusive', 'exclusive'],
    [FOR_EVER, 1],
    ['timeout', 'granted', 'fenced'],
  ],
  [
    ['exclusive', 'shared'],
    [0, FOR_EVER],
    ['refused', 'granted', 'fenced'],
  ],
  [
    ['shared', 'shared'],
    [0, 0],
    ['two read at once', 'fenced', 'lost'],
  ],
])('every order of two owners, %j waiting %j', (modes, waits, expected) => {
  const { runs, outcomes } = exploreAll(LOCK_RULES, modes, waits)
  expect(runs).toBeGreaterThan(1000)
  for (const outcome of expected) expect(outcomes.get(outcome), outcome).toBeGreaterThan(0)
  expect(outcomes.has('two read at once')).toBe(modes.every((mode) => mode === 'shared'))
  expect(outcomes.has('refused')).toBe(waits.includes(0) && modes.includes('exclusive'))
})

test.each<[string, Partial<LockRules>]>([
  ['a lease that holds at its last instant', { isOver: (dueMs, nowMs) => nowMs > dueMs }],
  ['a lease that ends an instant early', { isOver: (dueMs, nowMs) => nowMs >= dueMs - 1 }],
  ['any two beside each other', { isCompatible: () => true }],
])('a planted fault is found: %s', (_name, wrong) => {
  const explore = (): Found =>
    exploreAll({ ...LOCK_RULES, ...wrong }, ['exclusive', 'exclusive'], [FOR_EVER, FOR_EVER])
  expect(explore).toThrow()
})
