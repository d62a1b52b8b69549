/** The code search as a program: what it prints, where, and that it ends by itself. */
import { describe, expect, test } from 'vitest'
import { makeFolder, runExample } from './run-example.ts'

const files: Record<string, string | Uint8Array> = {
  'pool.ts': '/** A pool. */\nexport class WorkerPool {\n  closeAll(force) {\n',
  'docs/readme.md': '# Worker pool\n\nIt closes all.\n',
  'binary.js': new Uint8Array([1, 0, 2, 0]),
}
for (let i = 0; i < 400; i++) files[`many/f${i}.js`] = `const value${i} = require('x')\nfunction f${i}() {}\n`
const folder = makeFolder(files)
const FILES = 403

describe('code-search', () => {
  test('without a terminal and a query: three samples, and it ends', async () => {
    const { code, stdout, stderr } = await runExample('code-search', [folder, '--threads', '2'])
    expect(code).toBe(0)
    expect(stdout).toBe('')
    expect(stderr).toContain(`${FILES} files`)
    expect(stderr).toMatch(/ratio: [\d.]+×; digest [0-9a-f]{40}: identical/)
    expect(stderr).toContain('event loop late by p50')
    expect(stderr).toMatch(/keyspace: \d+ keys, [\d.]+ MB of posting lists/)
    expect(stderr).toMatch(/heaps have grown by: main thread -?[\d.]+ MB, workers -?[\d.]+ MB, -?[\d.]+ MB/)
    expect(stderr).toMatch(
      /queries: \d+\/s on the main thread; on the workers, all at once: \d+\/s \+ \d+\/s/,
    )
    expect(stderr.match(/": nothing in [\d.]+ ms here, [\d.]+ ms on another thread/g)).toHaveLength(3)
  })

  test('a query: hits on standard output, everything else on standard error', async () => {
    const { code, stdout } = await runExample('code-search', [
      folder,
      '--query',
      'worker pool',
      '--threads',
      '2',
    ])
    expect(code).toBe(0)
    expect(stdout).toBe('pool.ts:2  export class WorkerPool {\ndocs/readme.md:1  # Worker pool\n')
  })

  test('as JSON, with a thread killed half-way, the digest is the same', async () => {
    const args = [folder, '--json', '--query', 'worker pool', '--threads', '2', '--limit', '1']
    const calm = await runExample('code-search', [...args, '--no-baseline'])
    const chaos = await runExample('code-search', [...args, '--chaos'])
    expect([calm.code, chaos.code]).toEqual([0, 0])
    expect(chaos.stderr).toMatch(/chaos: killing thread \d+ after \d+ of 13 batches/)
    const [expected, report] = [JSON.parse(calm.stdout), JSON.parse(chaos.stdout)]
    expect(expected).toMatchObject({ files: FILES, identical: null, baselineMs: null, killedThread: null })
    expect(report).toMatchObject({
      files: FILES,
      identical: true,
      digest: expected.digest,
      hits: expected.hits,
    })
    expect(report.killedThread).toBeGreaterThan(0)
    expect(report.hits).toMatchObject([{ path: 'pool.ts', line: 2, kind: 'class' }])
    for (const { terms, keyspace, sameOnAllThreads } of [expected, report]) {
      expect(sameOnAllThreads).toBe(true)
      // The terms, the files and the totals: what was made on the way is gone.
      expect(keyspace.keys).toBe(terms + FILES + 1)
      expect(keyspace.queriesPerSecond.workers).toHaveLength(2)
    }
  })

  test('the index is not in anybody’s heap', async () => {
    const lines = Array.from({ length: 20_000 }, (_, i) => `const name${i} = value${i}(${i})`)
    const big = makeFolder({ 'a.ts': lines.join('\n'), 'b.ts': lines.join('\n') })
    const { stdout } = await runExample('code-search', [big, '--json', '--threads', '1'])
    const { terms, keyspace, baselineHeapBytes } = JSON.parse(stdout)
    expect(terms).toBeGreaterThan(40_000)
    expect(baselineHeapBytes).toBeGreaterThan(4e6)
    expect(keyspace.usedBytes).toBeGreaterThan(3e6)
    for (const bytes of keyspace.heapGrowthBytes) expect(bytes).toBeLessThan(baselineHeapBytes)
  })

  test.each([
    [['--bogus'], "Unknown option '--bogus'"],
    [['--threads', '0'], '--threads must be a whole number of 1..64, not "0"'],
    [['--limit', 'x'], '--limit must be'],
    [['--query'], 'argument missing'],
    [['a', 'b'], 'one folder at a time'],
    [[`${folder}/nothing`], 'there is no folder'],
    [[`${folder}/pool.ts`], 'is not a folder'],
    [[makeFolder({})], 'no source files'],
  ])('%j is one line on standard error and exit code 2', async (args, message) => {
    const { code, stdout, stderr } = await runExample('code-search', args)
    expect(code).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).toContain(message)
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
  })

  test('--help', async () => {
    const { code, stdout } = await runExample('code-search', ['--help'])
    expect(code).toBe(0)
    expect(stdout).toContain('--chaos')
  })
})
