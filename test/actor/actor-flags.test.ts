/** The flags of an actor in shared memory: set for one actor, never left to its successor. */
import { describe, expect, test } from 'vitest'
import { isSuspended, setSuspended, setTrace } from '../../src/actor/actor-flags.ts'
import { ACTOR_FLAGS, ACTOR_GENERATION, ACTOR_WORDS } from '../../src/transport/index.ts'

const SLOT = 2

function table(generation: number) {
  const actors = new Int32Array(new SharedArrayBuffer(4 * ACTOR_WORDS * 4))
  actors[SLOT * ACTOR_WORDS + ACTOR_GENERATION] = generation
  return { actors, flags: () => actors[SLOT * ACTOR_WORDS + ACTOR_FLAGS] }
}

describe('suspension', () => {
  test('is set and cleared, and leaves a trace alone', () => {
    const { actors, flags } = table(1)
    expect(setTrace({ actors }, SLOT, 1, 3, true)).toBe(true)
    const traced = flags()
    expect(setSuspended({ actors }, SLOT, 1, true)).toBe(true)
    expect(isSuspended({ actors }, SLOT)).toBe(true)
    expect(setSuspended({ actors }, SLOT, 1, false)).toBe(true)
    expect(isSuspended({ actors }, SLOT)).toBe(false)
    expect(flags()).toBe(traced)
  })

  test('of an actor that is gone does nothing', () => {
    const { actors, flags } = table(2)
    expect(setSuspended({ actors }, SLOT, 1, true)).toBe(false)
    expect(setTrace({ actors }, SLOT, 1, 5, false)).toBe(false)
    expect(flags()).toBe(0)
  })
})

describe('a trace', () => {
  test('replaces the one before it, and ends with 0', () => {
    const { actors, flags } = table(1)
    setSuspended({ actors }, SLOT, 1, true)
    setTrace({ actors }, SLOT, 1, 7, true)
    setTrace({ actors }, SLOT, 1, 2, false)
    expect(flags()).toBe(2 * 4 + 1)
    setTrace({ actors }, SLOT, 1, 0, false)
    expect(flags()).toBe(1)
  })

  test('holds the largest count there may be', () => {
    const { actors, flags } = table(1)
    setTrace({ actors }, SLOT, 1, 2 ** 28 - 1, true)
    expect(flags()).toBe((2 ** 28 - 1) * 4 + 2)
  })
})
