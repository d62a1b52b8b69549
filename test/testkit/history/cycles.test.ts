/** Components against reachability; cycles short, and named after their edges. */
import { expect, test } from 'vitest'
import { seededRandom } from '../../../src/base/index.ts'
import { componentsOf, findCycles } from '../../../src/testkit/history/cycles.ts'
import { DependencyGraph, JOINT, RT, RW, WR, WW } from '../../../src/testkit/history/dependencies.ts'

function graphOf(count: number, edges: readonly (readonly [number, number, number])[]): DependencyGraph {
  const graph = new DependencyGraph(count)
  for (const [from, to, kind] of edges) graph.add(from, to, kind)
  return graph
}

test('components are the sets of nodes that reach each other', () => {
  for (let seed = 0; seed < 300; seed++) {
    const random = seededRandom(seed)
    const count = 8
    const edges = Array.from({ length: 11 }, () => [random.below(count), random.below(count), WW] as const)
    const { edges: kept } = graphOf(count, edges)
    const reach = Array.from({ length: count }, (_, i) => new Set([i]))
    for (let round = 0; round < count; round++)
      for (const { from, to } of kept) for (const set of reach) if (set.has(from)) set.add(to)
    const expected = Array.from({ length: count }, (_, i) =>
      Array.from({ length: count }, (_, j) => j).filter((j) => reach[i]!.has(j) && reach[j]!.has(i)),
    ).filter((component, i) => component.length > 1 && component[0] === i)
    const adjacency = Array.from({ length: count }, (_, i) => kept.filter(({ from }) => from === i))
    const found = componentsOf(adjacency, WW).map((component) => component.sort((a, b) => a - b))
    expect(found.sort((a, b) => a[0]! - b[0]!)).toEqual(expected)
  }
})

test.each([
  [
    'G0',
    [
      [0, 1, WW],
      [1, 0, WW],
    ],
  ],
  [
    'G1c',
    [
      [0, 1, WW],
      [1, 0, WR],
    ],
  ],
  [
    'G-single',
    [
      [0, 1, RW],
      [1, 0, WR],
    ],
  ],
  [
    'G2',
    [
      [0, 1, RW],
      [1, 0, RW],
    ],
  ],
  [
    'G0-realtime',
    [
      [0, 1, WW],
      [1, 0, RT],
    ],
  ],
  [
    'G1c-realtime',
    [
      [0, 1, WR],
      [1, 0, RT],
    ],
  ],
  [
    'G-single-realtime',
    [
      [0, 1, RW],
      [1, 0, RT],
    ],
  ],
  [
    'G2-realtime',
    [
      [0, 1, RW],
      [1, 2, RW],
      [2, 0, RT],
    ],
  ],
] as const)('%s', (type, edges) => {
  expect(findCycles(graphOf(3, edges)).map((cycle) => cycle.type)).toEqual([type])
})

test('the worst kind is told, and as the shortest cycle of its kind', () => {
  const long = [
    [0, 1, WW],
    [1, 2, WW],
    [2, 3, WW],
    [3, 0, WW],
  ] as const
  const cycles = findCycles(graphOf(4, [...long, [2, 0, WW], [1, 0, RW]]))
  expect(cycles.map(({ type, edges }) => [type, edges.length])).toEqual([['G0', 3]])
})

test('a joint is of the kind of what leads into it', () => {
  const graph = graphOf(2, [[1, 0, WR]])
  const joint = graph.addJoint()
  graph.add(0, joint, RW)
  graph.add(joint, 1, JOINT)
  expect(findCycles(graph).map(({ type }) => type)).toEqual(['G-single'])
})

test('without a cycle there is none', () => {
  expect(
    findCycles(
      graphOf(3, [
        [0, 1, WW],
        [1, 2, RT],
        [0, 2, RW],
      ]),
    ),
  ).toEqual([])
})
