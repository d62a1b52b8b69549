/**
 * Additions to a gauge, over every interleaving of two threads: none is lost, and none overwrites a later
 * `set`.
 */
import { describe, expect, test } from 'vitest'
import { doubleOf, Gauge } from '../../src/memory/gauge.ts'
import { type Exploration, explore, type ThreadProgram } from '../support/interleavings.ts'

describe.each(['interleaved', 'weak'] as const)('on the %s machine', (machine) => {
  test('two threads that add', () => {
    const threads = { a: adderOf([1, 0.5]), b: adderOf([-4, 8]) }
    expect(explore({ ...explorationOf(threads), machine }).outcomes).toEqual(['5.5'])
  })

  test('one that adds and one that sets: the set comes before, between or behind the additions', () => {
    const setter: ThreadProgram = (memory) => gaugeOf(memory).set(100)
    const { outcomes } = explore({ ...explorationOf({ a: adderOf([1, 2]), setter }), machine })
    expect(outcomes).toEqual(['100', '102', '103'])
  })
})

test('a planted bug is found: loading and then storing', () => {
  const careless: ThreadProgram = (memory) => {
    const gauge = gaugeOf(memory)
    gauge.set(gauge.value() + 1)
  }
  expect(explore(explorationOf({ a: careless, b: careless })).outcomes).toEqual(['1', '2'])
})

function explorationOf(threads: Record<string, ThreadProgram>): Exploration {
  return {
    memory: () => new SharedArrayBuffer(8),
    threads,
    check: (memory) => String(doubleOf(new BigInt64Array(memory)[0]!)),
  }
}

function adderOf(deltas: readonly number[]): ThreadProgram {
  return (memory) => {
    const gauge = gaugeOf(memory)
    for (const delta of deltas) gauge.add(delta)
  }
}

function gaugeOf(memory: SharedArrayBuffer): Gauge {
  return new Gauge('g', new BigInt64Array(memory), 0)
}
