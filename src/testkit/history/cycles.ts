/**
 * Cycles in the graph of dependencies: found as strongly connected components, told as a shortest cycle,
 * named after the edges that they need.
 *
 * The mildest edges first: what is wrong with writes alone is worse than what needs reads, anti-dependencies,
 * or the clock. A component that holds a cycle already told is not told again.
 *
 * A shortest cycle is searched from each node of a component, until a budget of edges is used up: in a large
 * knot it is a short one, not always the shortest.
 *
 * Cost: Tarjan's algorithm eight times, linear each; the searches only where something is wrong.
 * Tests: test/testkit/history/cycles.test.ts
 * Source: Tarjan (1972); the classes of Adya, "Weak consistency" (1999), as Elle tells them apart.
 */
import { type DependencyGraph, type Edge, INFERRED, JOINT, RT, RW, WR, WW } from './dependencies.ts'
import type { Anomaly } from './transactions.ts'

/** A cycle: each edge ends where the next one begins. */
export interface Cycle {
  readonly type: Anomaly['type']
  readonly edges: readonly Edge[]
}

const BFS_EDGES_MAX = 2_000_000
const CYCLES_MAX = 20

/** From the worst to the mildest: edges that are allowed, and whether exactly one is an anti-dependency. */
const LEVELS: readonly { readonly mask: number; readonly hasOneRw: boolean }[] = [
  { mask: WW, hasOneRw: false },
  { mask: WW | WR, hasOneRw: false },
  { mask: WW | WR, hasOneRw: true },
  { mask: WW | WR | RW, hasOneRw: false },
  { mask: WW | RT, hasOneRw: false },
  { mask: WW | WR | RT, hasOneRw: false },
  { mask: WW | WR | RT, hasOneRw: true },
  { mask: WW | WR | RW | RT, hasOneRw: false },
]

/** A cycle for each knot of the graph. */
export function findCycles(graph: DependencyGraph): Cycle[] {
  const adjacency = adjacencyOf(graph)
  const cycles: Cycle[] = []
  const told = new Set<number>()
  const budget = { left: BFS_EDGES_MAX }
  if (componentsOf(adjacency, WW | WR | RW | RT).length === 0) return []
  for (const { mask, hasOneRw } of LEVELS) {
    for (const component of componentsOf(adjacency, hasOneRw ? mask | RW : mask)) {
      if (cycles.length >= CYCLES_MAX) return cycles
      if (component.some((node) => told.has(node))) continue
      const edges = shortestCycle(adjacency, component, mask, hasOneRw, budget)
      if (edges === undefined) continue
      for (const { from } of edges) if (from < graph.transactionCount) told.add(from)
      cycles.push({ type: typeOf(edges), edges })
    }
  }
  return cycles
}

/** Per node the edges that leave it. */
type Adjacency = readonly (readonly Edge[])[]

function adjacencyOf(graph: DependencyGraph): Adjacency {
  const adjacency = Array.from({ length: graph.nodeCount }, (): Edge[] => [])
  for (const edge of graph.edges) adjacency[edge.from]!.push(edge)
  return adjacency
}

/** All that an edge rests on must be allowed: one may need the clock besides. */
function isAllowed({ kind }: Edge, mask: number): boolean {
  return (kind & ~(mask | JOINT)) === 0
}

/** The name of a cycle. */
function typeOf(edges: readonly Edge[]): Anomaly['type'] {
  const count = (kind: number) => edges.filter((edge) => (edge.kind & kind) !== 0).length
  const suffix = count(RT) > 0 ? '-realtime' : ''
  if (count(RW) > 1) return `G2${suffix}`
  if (count(RW) === 1) return `G-single${suffix}`
  return count(WR) > 0 ? `G1c${suffix}` : `G0${suffix}`
}

/** Strongly connected components of two nodes or more, over edges of the mask. Without recursion. */
export function componentsOf(adjacency: Adjacency, mask: number): number[][] {
  const count = adjacency.length
  const order = new Int32Array(count)
  const low = new Int32Array(count)
  const nextEdge = new Int32Array(count)
  const isOnStack = new Uint8Array(count)
  const stack: number[] = []
  const components: number[][] = []
  let visited = 0
  for (let root = 0; root < count; root++) {
    if (order[root] !== 0) continue
    const path = [root]
    while (path.length > 0) {
      const node = path.at(-1)!
      if (order[node] === 0) {
        order[node] = low[node] = ++visited
        stack.push(node)
        isOnStack[node] = 1
      }
      const edge = adjacency[node]![nextEdge[node]!++]
      if (edge !== undefined) {
        if (!isAllowed(edge, mask)) continue
        if (order[edge.to] === 0) path.push(edge.to)
        else if (isOnStack[edge.to] === 1) low[node] = Math.min(low[node]!, order[edge.to]!)
        continue
      }
      path.pop()
      const parent = path.at(-1)
      if (parent !== undefined) low[parent] = Math.min(low[parent]!, low[node]!)
      if (low[node] !== order[node]) continue
      const component = stack.splice(stack.lastIndexOf(node))
      for (const member of component) isOnStack[member] = 0
      if (component.length > 1) components.push(component)
    }
  }
  return components
}

function shortestCycle(
  adjacency: Adjacency,
  component: readonly number[],
  mask: number,
  hasOneRw: boolean,
  budget: { left: number },
): readonly Edge[] | undefined {
  const members = new Set(component)
  let best: readonly Edge[] | undefined
  for (const node of component) {
    if (budget.left <= 0) break
    if (!hasOneRw) {
      const cycle = shortestPath(adjacency, members, node, node, mask, budget)
      if (cycle && (best === undefined || weightOf(cycle) < weightOf(best))) best = cycle
      continue
    }
    for (const edge of adjacency[node]!) {
      if ((edge.kind & RW) === 0 || !isAllowed(edge, mask | RW) || !members.has(edge.to)) continue
      const back = shortestPath(adjacency, members, edge.to, node, mask, budget)
      if (back && (best === undefined || weightOf([edge, ...back]) < weightOf(best))) best = [edge, ...back]
    }
  }
  return best
}

/** Its length; of equal ones that is better which says what was read. */
function weightOf(edges: readonly Edge[]): number {
  return edges.length + (edges.some(({ kind }) => kind === INFERRED) ? 0.5 : 0)
}

/** Breadth first, at least one edge long. */
function shortestPath(
  adjacency: Adjacency,
  members: ReadonlySet<number>,
  from: number,
  to: number,
  mask: number,
  budget: { left: number },
): Edge[] | undefined {
  const cameBy = new Map<number, Edge>()
  const queue = [from]
  for (let head = 0; head < queue.length && !cameBy.has(to); head++) {
    for (const edge of adjacency[queue[head]!]!) {
      budget.left--
      if (!isAllowed(edge, mask) || !members.has(edge.to) || cameBy.has(edge.to)) continue
      cameBy.set(edge.to, edge)
      queue.push(edge.to)
    }
  }
  const path: Edge[] = []
  for (let edge = cameBy.get(to); edge !== undefined; edge = cameBy.get(edge.from)) {
    path.unshift(edge)
    if (edge.from === from) return path
  }
  return undefined
}
