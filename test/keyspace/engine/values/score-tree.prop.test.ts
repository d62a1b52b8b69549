/** A score tree against a sorted array, with small nodes so that few pairs make a deep tree. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type ScoredMember, ScoreTree } from '../../../../src/keyspace/engine/values/score-tree.ts'
import { checkScoreTree } from '../../../../src/keyspace/engine/values/score-tree-check.ts'

const SOAK = process.env['SHL_SOAK'] ? 20 : 1

type Step =
  | { readonly kind: 'put'; readonly score: number; readonly member: string }
  | { readonly kind: 'add'; readonly count: number; readonly step: number }
  | { readonly kind: 'delete'; readonly pick: number }
  | { readonly kind: 'remove'; readonly from: number; readonly share: number; readonly slice: number }

const score = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: -3, max: 3 }) },
  { weight: 1, arbitrary: fc.double({ noNaN: true }) },
  { weight: 1, arbitrary: fc.constantFrom(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, -0, 0) },
)
const member = fc.oneof(
  fc.integer({ min: 0, max: 60 }).map(String),
  fc.uint8Array({ maxLength: 3 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
)
const unit = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true })
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('put' as const), score, member }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('add' as const),
      count: fc.integer({ min: 1, max: 40 }),
      step: fc.constantFrom(-1, 0, 1),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('delete' as const), pick: unit }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('remove' as const),
      from: unit,
      share: unit,
      slice: fc.integer({ min: 1, max: 20 }),
    }),
  },
)

test('after every step the tree is sound and equals a sorted array', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(4, 5, 8, 64),
      fc.array(step, { maxLength: 60, size: 'max' }),
      (entriesMax, steps) => {
        const tree = new ScoreTree(entriesMax)
        const model: ScoredMember[] = []
        for (const next of steps) {
          take(tree, model, next)
          checkScoreTree(tree)
          expect([...tree.iterate(0, tree.size, false)]).toEqual(model)
        }
        compareRanks(tree, model)
      },
    ),
    { numRuns: 80 * SOAK },
  )
})

test('ranges run in both directions from and to every rank', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(score, member), { maxLength: 40, size: 'max' }), (pairs) => {
      const tree = new ScoreTree(4)
      const model: ScoredMember[] = []
      for (const [s, m] of pairs) take(tree, model, { kind: 'put', score: s, member: m })
      for (let from = 0; from <= model.length; from++) {
        for (let to = from; to <= model.length; to++) {
          const wanted = model.slice(from, to)
          expect([...tree.iterate(from, to, false)]).toEqual(wanted)
          expect(visited(tree, from, to, false)).toEqual(wanted)
          wanted.reverse()
          expect([...tree.iterate(from, to, true)]).toEqual(wanted)
          expect(visited(tree, from, to, true)).toEqual(wanted)
        }
      }
    }),
    { numRuns: 25 * SOAK },
  )
})

test('with one score for all, members are counted below any bound', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(member, { maxLength: 60, size: 'max' }),
      fc.array(member),
      (members, others) => {
        const tree = new ScoreTree(4)
        for (const m of members) tree.insert(1, m)
        for (const bound of [...members, ...others, '', '\xff\xff\xff\xff']) {
          expect(tree.countBelowMember(bound, false)).toBe(members.filter((m) => m < bound).length)
          expect(tree.countBelowMember(bound, true)).toBe(members.filter((m) => m <= bound).length)
        }
      },
    ),
    { numRuns: 100 * SOAK },
  )
})

function take(tree: ScoreTree, model: ScoredMember[], next: Step): void {
  switch (next.kind) {
    case 'put':
      return put(tree, model, next.score, next.member)
    case 'add':
      // In order, against it, or all with one score: what fills nodes from one side.
      for (let i = 0; i < next.count; i++)
        put(tree, model, next.step * (model.length + 10), `n${model.length}`)
      return
    case 'delete': {
      const gone = model[Math.floor(next.pick * model.length)]
      expect(tree.delete(gone?.score ?? 1, gone?.member ?? '')).toBe(gone !== undefined)
      if (gone) model.splice(model.indexOf(gone), 1)
      expect(tree.delete(0.25, 'not there')).toBe(false)
      return
    }
    case 'remove': {
      const from = Math.floor(next.from * model.length)
      let to = from + Math.floor(next.share * (model.length + 1 - from))
      const wanted = model.splice(from, to - from)
      const removed: ScoredMember[] = []
      for (; to > from; to -= Math.min(next.slice, to - from)) {
        tree.removeRanks(from, Math.min(to, from + next.slice), (m, s) =>
          removed.push({ member: m, score: s }),
        )
        checkScoreTree(tree)
      }
      expect(removed).toEqual(wanted)
    }
  }
}

/** As a sorted set does: a member has one score. */
function put(tree: ScoreTree, model: ScoredMember[], s: number, m: string): void {
  const index = model.findIndex((pair) => pair.member === m)
  const [old] = index === -1 ? [] : model.splice(index, 1)
  if (old === undefined) tree.insert(s, m)
  else tree.rescore(old.score, m, s)
  const at = model.findIndex((pair) => pair.score > s || (pair.score === s && pair.member > m))
  model.splice(at === -1 ? model.length : at, 0, { member: m, score: s })
}

function compareRanks(tree: ScoreTree, model: readonly ScoredMember[]): void {
  expect(tree.size).toBe(model.length)
  model.forEach((pair, rank) => {
    expect(tree.rank(pair.score, pair.member)).toBe(rank)
    expect(tree.at(rank)).toEqual(pair)
  })
  for (const bound of [...model.map((pair) => pair.score), 0.5, Number.POSITIVE_INFINITY]) {
    expect(tree.countBelowScore(bound, false)).toBe(model.filter((pair) => pair.score < bound).length)
    expect(tree.countBelowScore(bound, true)).toBe(model.filter((pair) => pair.score <= bound).length)
  }
}

function visited(tree: ScoreTree, from: number, to: number, isReverse: boolean): ScoredMember[] {
  const pairs: ScoredMember[] = []
  tree.visit(from, to, isReverse, (m, s) => pairs.push({ member: m, score: s }))
  return pairs
}
