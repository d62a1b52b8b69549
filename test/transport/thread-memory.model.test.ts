/**
 * Places in a mailbox, over every interleaving of two senders and the owner that gives places back: the bound
 * holds but for the steps back under way, nothing leaks, and nobody gets into a mailbox that has closed.
 *
 * `admit` and `release` themselves run, each load and store a step (`test/support/interleavings.ts`).
 */
import { describe, expect, test } from 'vitest'
import {
  ACTOR_BYTES,
  ACTOR_BYTES_MAX,
  ACTOR_DEPTH,
  ACTOR_DEPTH_MAX,
  ACTOR_GENERATION,
  ACTOR_POLICY,
  ACTOR_WORDS,
  ADMITTED,
  admit,
  POLICY_DROP_NEWEST,
  POLICY_DROP_OLDEST,
  POLICY_REFUSE,
  REFUSED_BYTES,
  REFUSED_DEPTH,
  REFUSED_DROPPED,
  REFUSED_GONE,
  release,
} from '../../src/transport/thread-memory.ts'
import type { Access } from '../support/instrumented-memory.ts'
import { type Exploration, explore, type ThreadProgram } from '../support/interleavings.ts'

const SLOT = 1
const BASE = SLOT * ACTOR_WORDS
const GENERATION = 3
const SENDERS = ['sender1', 'sender2'] as const

/**
 * Words behind the actor table: what the senders have put into the ring, and of that, what the owner took.
 */
const SENT = (SLOT + 1) * ACTOR_WORDS
const WORDS = SENT + SENDERS.length

interface Scenario {
  readonly depthMax: number
  readonly bytesMax: number
  readonly policy: number
  /** Of each sender, the sizes of what it sends, in turn. */
  readonly sizes: readonly number[]
}

type Admit = typeof admit

const ONE: Scenario = { depthMax: 1, bytesMax: 100, policy: POLICY_REFUSE, sizes: [0, 0] }
const TWO: Scenario = { depthMax: 2, bytesMax: 100, policy: POLICY_REFUSE, sizes: [0, 0] }
const BYTES: Scenario = { depthMax: 9, bytesMax: 100, policy: POLICY_REFUSE, sizes: [60, 40] }
const ALONE: Scenario = { depthMax: 2, bytesMax: 10, policy: POLICY_REFUSE, sizes: [20] }
const NEWEST: Scenario = { depthMax: 1, bytesMax: 10, policy: POLICY_DROP_NEWEST, sizes: [8, 8] }
const OLDEST: Scenario = { depthMax: 1, bytesMax: 10, policy: POLICY_DROP_OLDEST, sizes: [8, 8] }

/** The weak machine does all that the other does; these two take long. */
const LONG: readonly Scenario[] = [BYTES, OLDEST]

const CASES: readonly [string, Scenario, number[]][] = [
  ['a depth of one', ONE, [ADMITTED, REFUSED_DEPTH]],
  ['a depth of two', TWO, [ADMITTED, REFUSED_DEPTH]],
  ['a bound of bytes', BYTES, [ADMITTED, REFUSED_BYTES]],
  ['a message above the bound of bytes', ALONE, [ADMITTED, REFUSED_BYTES]],
  ['the newest dropped', NEWEST, [ADMITTED, REFUSED_DROPPED]],
  ['the oldest dropped, by the owner', OLDEST, [ADMITTED]],
]
const QUICK = CASES.filter(([, scenario]) => process.env['SHL_SOAK'] || !LONG.includes(scenario))

describe.each([
  ['interleaved', QUICK],
  ['weak', CASES],
] as const)('on the %s machine', (machine, cases) => {
  test.each(cases)('%s: nothing leaks, and the bound holds', (_, scenario, verdicts) => {
    const { schedules, outcomes } = explore({ ...explorationOf(scenario), machine })
    expect(schedules).toBeGreaterThan(400)
    const seen = new Set(outcomes.flatMap((outcome) => outcome.split(' ').map(Number)))
    expect([...seen].sort()).toEqual(verdicts)
  })
})

describe('a mailbox that closes, and opens for another actor', () => {
  const successor = (memory: SharedArrayBuffer): void => {
    const words = new Int32Array(memory)
    Atomics.store(words, BASE + ACTOR_GENERATION, 0)
    words[BASE + ACTOR_DEPTH_MAX] = 0
    Atomics.store(words, BASE + ACTOR_GENERATION, GENERATION + 1)
  }
  const exploration: Exploration = {
    ...explorationOf(TWO),
    machine: 'weak',
    threads: {
      owner: successor,
      sender1: senderOf(TWO, 0),
      sender2: senderOf({ ...TWO, sizes: [0, 0] }, 1, GENERATION + 1),
    },
  }

  test('whoever sees the new generation sees its limits, and nothing leaks', () => {
    const { schedules, outcomes } = explore(exploration)
    expect(schedules).toBeGreaterThan(1000)
    const heard = new Set(outcomes.flatMap((outcome) => outcome.split(' ').map(Number)))
    expect([...heard].sort()).toEqual([ADMITTED, REFUSED_GONE, REFUSED_DEPTH])
    // Only the first sender finds room, for it knows the first actor.
    const names = (outcome: number): boolean => outcome === REFUSED_GONE || outcome === REFUSED_DEPTH
    const check: Exploration['check'] = (memory, reports) => {
      if (!(reports['sender2'] as number[]).every(names)) throw new Error('the limits are old')
      return exploration.check(memory, reports)
    }
    explore({ ...exploration, check })
    const weaken = ({ kind, address }: Access): boolean =>
      kind === 'atomic_store' && address === (BASE + ACTOR_GENERATION) * 4
    expect(() => explore({ ...exploration, check, weaken })).toThrow('the limits are old')
  })
})

describe('a planted bug is found', () => {
  const withAdmit = (scenario: Scenario, broken: Admit): Exploration => {
    const exploration = explorationOf(scenario)
    const senders = SENDERS.map((name, i) => [name, senderOf(scenario, i, GENERATION, broken)])
    return { ...exploration, threads: { ...exploration.threads, ...Object.fromEntries(senders) } }
  }

  test('looking at the depth before adding to it', () => {
    const hasty: Admit = (actors) => {
      if (Atomics.load(actors, BASE + ACTOR_DEPTH) >= actors[BASE + ACTOR_DEPTH_MAX]!) return REFUSED_DEPTH
      Atomics.add(actors, BASE + ACTOR_DEPTH, 1)
      return ADMITTED
    }
    expect(() => explore(withAdmit(ONE, hasty))).toThrow('2 messages in a mailbox of 1')
  })

  test('a refusal for bytes that keeps its place', () => {
    const greedy: Admit = (actors, slot, generation, sizeBytes) => {
      const outcome = admit(actors, slot, generation, sizeBytes)
      if (outcome === REFUSED_BYTES) Atomics.add(actors, BASE + ACTOR_DEPTH, 1)
      return outcome
    }
    expect(() => explore(withAdmit(BYTES, greedy))).toThrow('places leak')
  })

  test('places given back by a load and a store', () => {
    const owner = ownerOf(TWO, (actors, _, count) => {
      Atomics.store(actors, BASE + ACTOR_DEPTH, Atomics.load(actors, BASE + ACTOR_DEPTH) - count)
    })
    const exploration = explorationOf(TWO)
    const threads = { ...exploration.threads, owner }
    expect(() => explore({ ...exploration, threads })).toThrow(/places leak|never negative/)
  })
})

function explorationOf(scenario: Scenario): Exploration {
  return {
    memory() {
      const memory = new SharedArrayBuffer(WORDS * 4)
      const words = new Int32Array(memory)
      words[BASE + ACTOR_DEPTH_MAX] = scenario.depthMax
      words[BASE + ACTOR_BYTES_MAX] = scenario.bytesMax
      words[BASE + ACTOR_POLICY] = scenario.policy
      words[BASE + ACTOR_GENERATION] = GENERATION
      return memory
    },
    threads: {
      owner: ownerOf(scenario),
      sender1: senderOf(scenario, 0),
      sender2: senderOf(scenario, 1),
    },
    check(memory, reports) {
      const words = new Int32Array(memory)
      const released = (reports['owner'] ?? []) as number[]
      const verdicts = SENDERS.flatMap((name) => reports[name] as number[])
      const sent = SENDERS.flatMap((name) =>
        scenario.sizes.filter((_, i) => (reports[name] as number[])[i] === ADMITTED),
      )
      const held = [sent.length - released.length, sum(sent) - sum(released)]
      const found = [words[BASE + ACTOR_DEPTH], words[BASE + ACTOR_BYTES]]
      if (found.join() !== held.join()) throw new Error(`places leak: ${found} for ${held}`)
      return [...new Set(verdicts)].sort().join(' ')
    },
  }
}

/** Tries to send each of its messages once; reports the verdicts. */
function senderOf(
  { sizes }: Scenario,
  index: number,
  generation = GENERATION,
  tryAdmit: Admit = admit,
): ThreadProgram {
  return (memory): number[] => {
    const words = new Int32Array(memory)
    let sent = 0
    return sizes.map((sizeBytes, i) => {
      const verdict = tryAdmit(words, SLOT, generation, sizeBytes)
      // One bit per message that is on its way.
      if (verdict === ADMITTED) {
        sent |= 1 << i
        Atomics.store(words, SENT + index, sent)
      }
      return verdict
    })
  }
}

/** Takes what is there, looks whether that may be, and gives it back; twice. Reports the sizes. */
function ownerOf({ depthMax, bytesMax, policy, sizes }: Scenario, giveBack = release): ThreadProgram {
  return (memory): number[] => {
    const words = new Int32Array(memory)
    const taken = SENDERS.map(() => 0)
    const released: number[] = []
    for (let look = 0; look < 2; look++) {
      const inHand: number[] = []
      SENDERS.forEach((_, sender) => {
        const sent = Atomics.load(words, SENT + sender)
        inHand.push(...sizes.filter((_, i) => (sent & ~taken[sender]! & (1 << i)) !== 0))
        taken[sender] = sent
      })
      const depth = Atomics.load(words, BASE + ACTOR_DEPTH)
      if (depth < 0) throw new Error('the depth is never negative')
      if (policy !== POLICY_DROP_OLDEST) {
        if (inHand.length > depthMax) throw new Error(`${inHand.length} messages in a mailbox of ${depthMax}`)
        if (depth > depthMax + SENDERS.length) throw new Error('more than the steps back under way')
        if (inHand.length > 1 && sum(inHand) > bytesMax) throw new Error('more bytes than the bound')
      }
      if (inHand.length === 0) continue
      giveBack(words, SLOT, inHand.length, sum(inHand))
      released.push(...inHand)
    }
    return released
  }
}

function sum(sizes: readonly number[]): number {
  return sizes.reduce((total, size) => total + size, 0)
}
