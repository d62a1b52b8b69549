/**
 * The programs of the guide for Python, Go and Java, against a server: locks with fencing tokens, a rate
 * limit, and a watch that goes on where it was when its connection is cut.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isAvailable, type Outcome, run } from '../../support/clients/program.ts'
import { type TestServer, testServer } from '../../support/server.ts'

const EXAMPLES = fileURLToPath(new URL('../../../examples/clients/', import.meta.url))
/** Debian's own, which has Debian's packages. */
const PYTHON = '/usr/bin/python3'
const REDIGO = '/usr/share/gocode/src/github.com/gomodule/redigo/redis/conn.go'
const HAS_PYTHON = isAvailable([PYTHON, '-c', 'import redis'], ['python3-redis'])
const HAS_GO = isAvailable(
  ['sh', '-c', `go version && test -f ${REDIGO}`],
  ['golang-go', 'golang-github-gomodule-redigo-dev'],
)
const HAS_JAVA = isAvailable(['javac', '-version'], ['default-jdk-headless'])

const out = mkdtempSync(join(tmpdir(), 'shardloom-clients-'))
let server: TestServer
let port: string

beforeAll(async () => {
  server = await testServer({ threads: 2, keyspace: { shards: 2 } })
  port = String(server.port)
})
afterAll(async () => {
  await server.close()
  rmSync(out, { recursive: true })
})

/** Lines without what they have in common at their left. */
function flushLeft(code: string): string {
  const lines = code.split('\n').map((line) => line.trimEnd())
  const indents = lines.filter((line) => line !== '').map((line) => line.search(/\S/))
  return lines.map((line) => line.slice(Math.min(...indents))).join('\n')
}

test('what the guide shows is in the programs', () => {
  const guide = readFileSync(new URL('../../../docs/guides/clients.md', import.meta.url), 'utf8')
  const blocks = [...guide.matchAll(/^```(python|go|java)\n(.*?)\n```$/gms)]
  expect(blocks.length).toBeGreaterThan(6)
  for (const [, language = '', code = ''] of blocks) {
    const folder = `${EXAMPLES}${language}`
    const sources = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'))
    const lines = flushLeft(code).split('\n')
    const isShown = sources.some((source) => {
      const all = source.split('\n')
      return all.some((_, at) => flushLeft(all.slice(at, at + lines.length).join('\n')) === lines.join('\n'))
    })
    expect([code, isShown]).toEqual([code, true])
  }
})

function said(...lines: string[]): Outcome {
  return { code: 0, stdout: lines.map((line) => `${line}\n`).join(''), stderr: '' }
}

async function expectNothingLeft(): Promise<void> {
  expect(await server.runtime.keyspace.command('DBSIZE')).toBe(0)
}

describe.runIf(HAS_PYTHON)('Python: redis-py', () => {
  const program = (name: string): Promise<Outcome> =>
    run(PYTHON, [`${EXAMPLES}python/${name}.py`, `redis://127.0.0.1:${port}`], {
      env: { PYTHONDONTWRITEBYTECODE: '1' },
    })

  test('locks, limits and watches', async () => {
    expect(await program('locks')).toEqual(
      said(
        ...['visits: 40', 'late writer refused: True', 'invoice: paid', 'entries: 2', 'renewed: True'],
        'lock:report is held',
      ),
    )
    expect(await program('limit')).toEqual(
      said('passed at once: 5 of 8', 'then refused: True and told to wait: True', 'after that wait: True'),
    )
    expect(await program('watch')).toEqual(
      said(
        "read at the start: {'order:0': 'there before'}",
        ...['connections cut: 1', 'keys in the copy: 98', 'the same: True'],
      ),
    )
    await expectNothingLeft()
  })
})

/** What the programs in Go and in Java print alike. */
async function expectSame(program: (name: string) => Promise<Outcome>, nobody: string): Promise<void> {
  expect(await program('locks')).toEqual(
    said(
      ...['visits: 40', 'late writer refused: true', 'tokens grow: true', 'invoice: paid', 'entries: 2'],
      ...['renewed: true', `another: ${nobody}`],
    ),
  )
  expect(await program('limit')).toEqual(
    said('passed at once: 5 of 8', 'told to wait: true', 'after that wait: true'),
  )
  expect(await program('watch')).toEqual(
    said('a connection is cut', 'keys in the copy: 98', 'the same: true'),
  )
  await expectNothingLeft()
}

describe.runIf(HAS_GO)('Go: redigo', () => {
  test('locks, limits and watches', async () => {
    const binary = join(out, 'clients')
    const env = { GO111MODULE: 'off', GOPATH: '/usr/share/gocode', GOFLAGS: '', GOCACHE: join(out, 'go') }
    const built = await run('go', ['build', '-o', binary, '.'], { cwd: `${EXAMPLES}go`, env })
    expect(built).toEqual(said())
    await expectSame((name) => run(binary, [name, `127.0.0.1:${port}`]), 'the lock is held')
  })
})

describe.runIf(HAS_JAVA)('Java: sockets of the JDK', () => {
  test('locks, limits and watches', async () => {
    const sources = ['Clients', 'Lock', 'RespConnection'].map((name) => `${EXAMPLES}java/${name}.java`)
    const compiled = await run('javac', ['-d', join(out, 'java'), ...sources])
    expect(compiled).toEqual(said())
    const program = (name: string): Promise<Outcome> =>
      run('java', ['-cp', join(out, 'java'), 'Clients', name, '127.0.0.1', port])
    await expectSame(program, 'null')
  })
})
