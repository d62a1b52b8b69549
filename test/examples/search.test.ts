/** The index and its ranking: which files answer, in which order, by which line. */
import { createRuntime } from 'shardloom'
import { describe, expect, test } from 'vitest'
import { buildSegment } from '../../examples/code-search/index-batch.ts'
import { mergePart, storeSegment } from '../../examples/code-search/index-steps.ts'
import { HeapStore, INDEX_KEY, type IndexStore } from '../../examples/code-search/index-store.ts'
import { PARTS } from '../../examples/code-search/parts.ts'
import { queryWords, search } from '../../examples/code-search/rank.ts'
import { type IndexTotals, SearchIndex, termKeys } from '../../examples/code-search/search-index.ts'

type Files = Readonly<Record<string, string>>

/** Indexes into a store, the last batch first: they may come in any order. */
async function fill(store: IndexStore, files: Files, batchLength = 2): Promise<IndexTotals> {
  const paths = Object.keys(files)
  const batches = Math.ceil(paths.length / batchLength)
  let [words, postings, terms, listBytes] = [0, 0, 0, 0]
  for (let batch = batches - 1; batch >= 0; batch--) {
    const firstFile = batch * batchLength
    const some = paths.slice(firstFile, firstFile + batchLength)
    const segment = buildSegment(some, (path) => files[path]!)
    const report = await storeSegment(store, { batch, firstFile, paths: some }, segment)
    words += report.words
    postings += report.postings
  }
  for (let part = 0; part < PARTS; part++) {
    const report = (await mergePart(store, part, batches))!
    terms += report.terms
    listBytes += report.bytes
  }
  return { files: paths.length, words, terms, postings, listBytes }
}

async function indexOf(files: Files): Promise<SearchIndex> {
  const store = new HeapStore()
  return new SearchIndex(store, await fill(store, files))
}

async function found(files: Files, query: string): Promise<string[]> {
  return search(await indexOf(files), query, 10).map((hit) => `${hit.path}:${hit.line}`)
}

async function digestOf(files: Files): Promise<string> {
  const store = new HeapStore()
  return new SearchIndex(store, await fill(store, files)).digest(store.keys())
}

describe('search', () => {
  test('a file must have every word', async () => {
    expect(
      await found({ 'a.ts': 'worker', 'b.ts': 'thread', 'c.ts': 'worker\nthread' }, 'worker thread'),
    ).toEqual(['c.ts:1'])
  })

  test('words are found by parts of names, in either number, in any case', async () => {
    const files = { 'a.ts': '\nuse(WorkerThreads)', 'b.ts': 'nothing' }
    expect(await found(files, 'worker THREAD')).toEqual(['a.ts:2'])
    expect(await found(files, 'workers')).toEqual(['a.ts:2'])
  })

  test('a definition comes before a use, also within a file', async () => {
    const files = { 'a.ts': 'f(pool)', 'b.ts': 'f(pool)\nclass Pool {}', 'c.ts': 'f(pool)' }
    expect((await found(files, 'pool'))[0]).toBe('b.ts:2')
    expect(search(await indexOf(files), 'pool', 1)[0]!.kind).toBe('class')
  })

  test('words on the same line come before words apart', async () => {
    const files = { 'a.ts': 'open(x)\nclose(y)', 'b.ts': 'x(y)\nopen(close)', 'c.ts': 'open(x)\nclose(y)' }
    expect((await found(files, 'open close'))[0]).toBe('b.ts:2')
  })

  test('a path with the word comes before one without', async () => {
    expect((await found({ 'a.ts': 'f(pool)', 'pool.ts': 'f(pool)' }, 'pool'))[0]).toBe('pool.ts:1')
  })

  test('the same score: by path; and no more than the limit', async () => {
    const files = { 'b.ts': 'q', 'a.ts': 'q', 'c.ts': 'q' }
    expect(await found(files, 'q')).toEqual(['a.ts:1', 'b.ts:1', 'c.ts:1'])
    expect(search(await indexOf(files), 'q', 2)).toHaveLength(2)
  })

  test('a query without words, or with unknown ones, finds nothing', async () => {
    expect(await found({ 'a.ts': 'q' }, ' .. ')).toEqual([])
    expect(await found({ 'a.ts': 'q' }, 'constructor')).toEqual([])
    expect(queryWords('Worker.thread worker')).toEqual(['worker', 'thread'])
  })
})

describe('SearchIndex', () => {
  const files = { 'a.ts': 'class A {}', 'b.ts': 'let b', 'c.ts': 'c' }

  test('the digest depends on the contents only', async () => {
    expect(await digestOf(files)).toBe(await digestOf(files))
    expect(await digestOf({ ...files, 'c.ts': 'd' })).not.toBe(await digestOf(files))
    expect(await digestOf({ 'a.ts': 'x' })).not.toBe(await digestOf({ 'b.ts': 'x' }))
  })

  test('a batch that is stored again counts once', async () => {
    const store = new HeapStore()
    const totals = await fill(store, files)
    const keys = store.keys()
    const digest = await new SearchIndex(store, totals).digest(keys)
    expect(await fill(store, files)).toEqual(totals)
    expect(store.keys()).toEqual(keys)
    expect(await new SearchIndex(store, totals).digest(keys)).toBe(digest)
  })

  test('a part of which a batch is gone is not merged', async () => {
    const store = new HeapStore()
    await fill(store, files)
    for (const key of store.keys()) if (key.startsWith('part:') && key.endsWith(':1')) store.delete(key)
    expect(await mergePart(store, 0, 2)).toBeUndefined()
  })

  test('in the keyspace it is the same as in a heap, to the byte', async () => {
    await using runtime = await createRuntime({ threads: 2, keyspace: { shards: 3 } })
    const { keyspace } = runtime
    const many: Record<string, string> = { 'é.ts': 'const größe = __proto__', 'p.md': 'hasOwnProperty' }
    for (let i = 0; i < 60; i++)
      many[`f${i}.ts`] = `class Pool${i} {\n  run(all) {\n  size = ${'x '.repeat(i)}\n`
    const totals = await fill(keyspace, many, 7)
    await keyspace.hash(INDEX_KEY).set({ ...totals })
    const index = await SearchIndex.open(keyspace)
    expect(index.totals).toEqual(totals)
    expect(await index.digest(termKeys(keyspace))).toBe(await digestOf(many))
    const inHeap = await indexOf(many)
    for (const query of [
      'pool',
      'run all',
      'size x',
      'größe',
      '__proto__',
      'hasOwnProperty',
      'nothing here',
    ]) {
      expect(search(index, query, 100)).toEqual(search(inHeap, query, 100))
    }
    expect(search(index, 'größe', 1)).toMatchObject([{ path: 'é.ts', line: 1, kind: 'const' }])
  })
})
