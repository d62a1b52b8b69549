/** The index and its ranking: which files answer, in which order, by which line. */
import { describe, expect, test } from 'vitest'
import { buildSegment } from '../../examples/code-search/index-batch.ts'
import { queryWords, search } from '../../examples/code-search/rank.ts'
import { SearchIndex } from '../../examples/code-search/search-index.ts'

function indexOf(files: Readonly<Record<string, string>>, batchLength = 2): SearchIndex {
  const paths = Object.keys(files)
  const batches: string[][] = []
  while (paths.length > 0) batches.push(paths.splice(0, batchLength))
  const index = new SearchIndex(batches)
  // In any order: the last first.
  for (let i = batches.length - 1; i >= 0; i--) {
    index.add(
      i,
      buildSegment(batches[i]!, (path) => files[path]!),
    )
  }
  return index
}

function found(files: Readonly<Record<string, string>>, query: string): string[] {
  return search(indexOf(files), query, 10).map((hit) => `${hit.path}:${hit.line}`)
}

describe('search', () => {
  test('a file must have every word', () => {
    expect(found({ 'a.ts': 'worker', 'b.ts': 'thread', 'c.ts': 'worker\nthread' }, 'worker thread')).toEqual([
      'c.ts:1',
    ])
  })

  test('words are found by parts of names, in either number, in any case', () => {
    const files = { 'a.ts': '\nuse(WorkerThreads)', 'b.ts': 'nothing' }
    expect(found(files, 'worker THREAD')).toEqual(['a.ts:2'])
    expect(found(files, 'workers')).toEqual(['a.ts:2'])
  })

  test('a definition comes before a use, also within a file', () => {
    const files = { 'a.ts': 'f(pool)', 'b.ts': 'f(pool)\nclass Pool {}', 'c.ts': 'f(pool)' }
    expect(found(files, 'pool')[0]).toBe('b.ts:2')
    expect(search(indexOf(files), 'pool', 1)[0]!.kind).toBe('class')
  })

  test('words on the same line come before words apart', () => {
    const files = { 'a.ts': 'open(x)\nclose(y)', 'b.ts': 'x(y)\nopen(close)', 'c.ts': 'open(x)\nclose(y)' }
    expect(found(files, 'open close')[0]).toBe('b.ts:2')
  })

  test('a path with the word comes before one without', () => {
    expect(found({ 'a.ts': 'f(pool)', 'pool.ts': 'f(pool)' }, 'pool')[0]).toBe('pool.ts:1')
  })

  test('the same score: by path; and no more than the limit', () => {
    const files = { 'b.ts': 'q', 'a.ts': 'q', 'c.ts': 'q' }
    expect(found(files, 'q')).toEqual(['a.ts:1', 'b.ts:1', 'c.ts:1'])
    expect(search(indexOf(files), 'q', 2)).toHaveLength(2)
  })

  test('a query without words, or with unknown ones, finds nothing', () => {
    expect(found({ 'a.ts': 'q' }, ' .. ')).toEqual([])
    expect(found({ 'a.ts': 'q' }, 'constructor')).toEqual([])
    expect(queryWords('Worker.thread worker')).toEqual(['worker', 'thread'])
  })
})

describe('SearchIndex', () => {
  const files = { 'a.ts': 'class A {}', 'b.ts': 'let b', 'c.ts': 'c' }

  test('the digest depends on the contents only', () => {
    expect(indexOf(files).digest()).toBe(indexOf(files).digest())
    expect(indexOf({ ...files, 'c.ts': 'd' }).digest()).not.toBe(indexOf(files).digest())
    expect(indexOf({ 'a.ts': 'x' }).digest()).not.toBe(indexOf({ 'b.ts': 'x' }).digest())
  })

  test('a batch counts once', () => {
    const index = new SearchIndex([['a.ts']])
    const segment = buildSegment(['a.ts'], () => 'one two')
    expect(index.missing).toBe(1)
    expect([index.add(0, segment), index.add(0, segment)]).toEqual([true, false])
    expect(index.missing).toBe(0)
    expect(index.size).toEqual({ terms: 2, postings: 2 })
  })
})
