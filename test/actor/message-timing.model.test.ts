/**
 * The message that an actor handles, over every interleaving of the actor and somebody who looks: what is
 * seen belongs to one message, and is never one that had ended before the look began.
 */
import { describe, expect, test } from 'vitest'
import { MessageTiming, messageUnderWay } from '../../src/actor/message-timing.ts'
import { ACTOR_GENERATION, ACTOR_WORDS, CONTROL_WORDS } from '../../src/transport/thread-memory.ts'
import { type Exploration, explore, type ThreadProgram } from '../support/interleavings.ts'
import { ManualClock } from '../support/manual-clock.ts'

const SLOT = 0
const GENERATION = 5
const TYPES = ['a', 'b', 'c']
const CONTROL_OFFSET = ACTOR_WORDS * 4

const actorsOf = (memory: SharedArrayBuffer) => new Int32Array(memory, 0, ACTOR_WORDS)
const controlOf = (memory: SharedArrayBuffer) => new Int32Array(memory, CONTROL_OFFSET)

/** Handles a, b, c, begun at 100, 200, 300 ms on the clock. */
const actor: ThreadProgram = (memory) => {
  const clock = new ManualClock()
  clock.advance(100 - clock.nowMs())
  const timing = new MessageTiming({ actors: actorsOf(memory) }, clock, SLOT, TYPES)
  for (const type of TYPES) {
    timing.begin(type)
    timing.end()
    clock.advance(100)
  }
}

const watcher: ThreadProgram = (memory) =>
  [0, 1].map(() => {
    const found = messageUnderWay(
      { actors: actorsOf(memory), control: controlOf(memory) },
      SLOT,
      GENERATION,
      1000,
    )
    return found === undefined ? '-' : `${TYPES[found.type]} since ${1000 - found.forMs}`
  })

function exploration(machine: 'interleaved' | 'weak', looker: ThreadProgram = watcher): Exploration {
  return {
    machine,
    threads: { actor, watcher: looker },
    memory() {
      const memory = new SharedArrayBuffer(CONTROL_OFFSET + CONTROL_WORDS * 4)
      actorsOf(memory)[ACTOR_GENERATION] = GENERATION
      return memory
    },
    check(_memory, reports) {
      const seen = reports['watcher'] as string[]
      for (const one of seen) {
        if (!['-', 'a since 100', 'b since 200', 'c since 300'].includes(one)) throw new Error(`torn: ${one}`)
      }
      const [first, second] = seen.map((one) => (one === '-' ? '' : one[0]!))
      if (first && second && second < first) throw new Error(`went back: ${seen}`)
      return seen.join(', ')
    },
  }
}

describe.each(['interleaved', 'weak'] as const)('on the %s machine', (machine) => {
  test('what is seen belongs to one message, and never goes back', () => {
    const { schedules, outcomes } = explore(exploration(machine))
    expect(schedules).toBeGreaterThan(1000)
    expect(outcomes).toContain('a since 100, c since 300')
    expect(outcomes).toContain('-, -')
  })
})

test('a planted bug is found: a reader that does not look at the sequence again', () => {
  const hasty: ThreadProgram = (memory) => {
    const actors = actorsOf(memory)
    if ((Atomics.load(actors, 6) & 1) === 0) return ['-']
    return [`${TYPES[Atomics.load(actors, 7)]} since ${Atomics.load(actors, 8)}`]
  }
  expect(() => explore(exploration('interleaved', hasty))).toThrow(/torn/)
})
