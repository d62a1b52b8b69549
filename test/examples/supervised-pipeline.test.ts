/**
 * The pipeline example: as a program, in peace and in chaos; and its parts, the proof above all, which must
 * find what it is there to find.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { hardNumber, isPrime } from '../../examples/supervised-pipeline/job.ts'
import { readOptions, UsageError } from '../../examples/supervised-pipeline/options.ts'
import { type Claims, prove } from '../../examples/supervised-pipeline/proof.ts'
import { randomOf } from '../../examples/supervised-pipeline/random.ts'
import { kindOf, shortError } from '../../examples/supervised-pipeline/restart-log.ts'
import { ResultFile } from '../../examples/supervised-pipeline/result-file.ts'
import { retryPolicyOf } from '../../examples/supervised-pipeline/retry-policy.ts'
import {
  type Moment,
  type RunReport,
  renderLine,
  renderReport,
  renderTable,
} from '../../examples/supervised-pipeline/table.ts'
import { factorsOf } from '../../examples/supervised-pipeline/worker.ts'
import { factorsOf as factorsOfV2 } from '../../examples/supervised-pipeline/worker-v2.ts'
import { makeFolder, runExample } from './run-example.ts'

const NAME = 'supervised-pipeline'
const PROVED = /^PROVED: all (\d+) accepted jobs are written, each once, each with the right result$/m
const BUSY = /written [1-9]/
const ROOT = join(import.meta.dirname, '..', '..')

describe('as a program', () => {
  test('in peace: lines, the proof, nothing restarted, the file where it was wanted', async () => {
    const out = makeFolder({})
    const args = ['--seconds', '2', '--clients', '4', '--out', out]
    const { code, stdout, stderr } = await runExample(NAME, args)
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^ +\d\.\d s {2}accepted \d+ {2}written \d+ .* \| writer running\/0, worker-1 /m)
    expect(stdout).toMatch(/^intake( +0){6}$/m)
    const [, count] = PROVED.exec(stdout) ?? []
    expect(Number(count)).toBeGreaterThan(0)
    expect(readFileSync(join(out, 'results.jsonl'), 'utf8').match(/\n/g)).toHaveLength(Number(count))
    const again = await runExample(NAME, args)
    expect([again.code, again.stdout]).toEqual([2, ''])
  })

  test('in chaos, with a reload: restarts, and all the same the proof', { timeout: 90_000 }, async () => {
    const args = ['--chaos', '--reload', '--seed', '7', '--seconds', '5', '--json']
    const { code, stdout } = await runExample(NAME, args)
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; text?: string })
    const report = lines.at(-1) as { type: string } & RunReport
    expect(report).toMatchObject({ type: 'report', proof: { isRight: true, lost: [], doubled: [] } })
    expect(code).toBe(0)
    expect(report.proof.accepted).toBeGreaterThan(0)
    const counts = Object.values(report.restarts as never as Record<string, Record<string, number>>)
    expect(counts.flatMap((one) => Object.values(one)).reduce((sum, n) => sum + n, 0)).toBeGreaterThan(2)
    expect(lines.filter(({ type }) => type === 'moment').length).toBeGreaterThan(3)
    expect(lines.find(({ text }) => text?.startsWith('chaos: '))).toBeDefined()
  })

  test.runIf(process.platform !== 'win32')('SIGTERM ends the load, and the proof follows', async () => {
    const main = join(ROOT, 'dist', 'examples', NAME, 'main.js')
    const child = spawn(process.execPath, [main, '--seconds', '600'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let stdout = ''
    child.stdout.on('data', (chunk: Buffer) => {
      const wasBusy = BUSY.test(stdout)
      stdout += chunk.toString()
      // Once: a second one ends it on the spot.
      if (!wasBusy && BUSY.test(stdout)) child.kill('SIGTERM')
    })
    const code = await new Promise((resolve) => child.once('close', resolve))
    expect(stdout).toMatch(PROVED)
    expect(code).toBe(0)
  })

  test('a port that is taken is said to be, and left alone', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const { code, stdout, stderr } = await runExample(NAME, ['--port', String(port), '--seconds', '1'])
    server.close()
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(/^supervised-pipeline: --port: .*EADDRINUSE.*\n$/)
  })

  test.each([[['--bogus']], [['--seconds', 'soon']], [['--workers', '0']], [['more']]])(
    '%j is one line and exit code 2',
    async (args) => {
      const { code, stdout, stderr } = await runExample(NAME, args)
      expect([code, stdout]).toEqual([2, ''])
      expect(stderr.trimEnd().split('\n')).toHaveLength(1)
    },
  )
})

describe('the proof', () => {
  const claims = (): Claims => ({
    accepted: new Map([
      ['a', 15],
      ['b', 21],
    ]),
    refused: new Map([['r', 6]]),
    unanswered: new Map([['u', 10]]),
  })
  const line = (id: string, n: number, factors: number[]) =>
    `${JSON.stringify({ id, n, factors, version: 1 })}\n`
  const good = line('a', 15, [3, 5]) + line('b', 21, [3, 7])

  test('holds when each accepted job is there once, and an unanswered one at most once', () => {
    expect(prove(claims(), good)).toMatchObject({ isRight: true, lines: 2, unansweredWritten: 0 })
    const withUnanswered = good + line('u', 10, [2, 5])
    expect(prove(claims(), withUnanswered)).toMatchObject({ isRight: true, unansweredWritten: 1 })
  })

  test.each([
    ['a lost job', line('a', 15, [3, 5]), { lost: ['b'] }],
    ['a doubled job', good + line('a', 15, [3, 5]), { doubled: ['a'] }],
    ['an unanswered job that is doubled', good + line('u', 10, [2, 5]).repeat(2), { doubled: ['u'] }],
    ['wrong factors', line('a', 15, [3, 7]) + line('b', 21, [3, 7]), { wrong: ['a'] }],
    ['factors that are not prime', line('a', 15, [15]) + line('b', 21, [3, 7]), { wrong: ['a'] }],
    ['the result of another number', line('a', 35, [5, 7]) + line('b', 21, [3, 7]), { wrong: ['a'] }],
    ['a refused job that is written', good + line('r', 6, [2, 3]), { uninvited: ['r'] }],
    ['a job that nobody sent', good + line('x', 6, [2, 3]), { uninvited: ['x'] }],
    ['a line that was cut off', `${good}{"id":"a"`, { broken: 2 }],
  ])('finds %s', (_what, text, found) => {
    expect(prove(claims(), text)).toMatchObject({ isRight: false, ...found })
  })
})

describe('the result file', () => {
  const result = (id: string) => ({ id, n: 15, factors: [3, 5], version: 1 })

  test('writes each id once, over restarts, and drops a line that was cut off', async () => {
    const path = join(makeFolder({}), 'results.jsonl')
    const first = await ResultFile.open(path)
    const outcomes = await Promise.all(['a', 'b', 'a', 'c'].map((id) => first.append(result(id))))
    expect(outcomes).toEqual(['written', 'written', 'already_written', 'written'])
    // What came while the first sync was under way shares the second.
    expect(first.syncs).toBe(2)
    appendFileSync(path, '{"id":"d","n"')
    const second = await ResultFile.open(path)
    expect([second.count, second.has('c'), second.has('d')]).toEqual([3, true, false])
    // A write of the former run that is late does not reach the file.
    await first.append(result('late'))
    expect(await second.append(result('a'))).toBe('already_written')
    expect(await second.append(result('d'))).toBe('written')
    await Promise.all([first.close(), second.close()])
    const ids = readFileSync(path, 'utf8').match(/(?<="id":")\w+/g)
    expect(ids).toEqual(['a', 'b', 'c', 'd'])
  })
})

describe('parts', () => {
  test('both versions of the worker agree with numbers whose factors are known', () => {
    const random = randomOf(1)
    for (const n of [2, 3, 4, 49, 97, 360, hardNumber(random), hardNumber(random)]) {
      const factors = factorsOf(n)
      expect(factorsOfV2(n)).toEqual(factors)
      expect(factors.reduce((product, one) => product * one, 1)).toBe(n)
      for (const one of factors) expect(isPrime(BigInt(one))).toBe(true)
    }
    expect([1n, 561n, 1373653n, 25326001n].map(isPrime)).toEqual([false, false, false, false])
  })

  test('a failed call is retried for a reason', () => {
    const restarted = (hasBegun: boolean, retryable: boolean) =>
      retryPolicyOf({ code: 'SHL_SUBSYSTEM_RESTARTED', retryable, details: { hasBegun } })
    expect([restarted(false, true), restarted(true, true), restarted(true, false)]).toEqual([
      'not_begun',
      'idempotent',
      'never',
    ])
    expect(retryPolicyOf({ code: 'SHL_CHILD_NOT_UP', retryable: true })).toBe('not_up')
    expect(retryPolicyOf(new Error('x'))).toBe('never')
  })

  test('errors have a kind, and a short form', () => {
    const hang = Object.assign(new Error('[SHL_CHILD_HANGS] too long: actor=w@1/1:1 forMs=9; mend it'), {
      code: 'SHL_CHILD_HANGS',
    })
    expect([kindOf(hang), kindOf(undefined)]).toEqual(['hang', 'other'])
    expect(shortError(hang)).toBe('too long: forMs=9')
  })

  test('options', () => {
    expect(readOptions([])).toMatchObject({
      seconds: 10,
      clients: 8,
      workers: 2,
      chaos: false,
      out: undefined,
    })
    expect(readOptions(['--seconds', '0.5', '--seed', '3', '--chaos'])).toMatchObject({
      seconds: 0.5,
      seed: 3,
    })
    const file = join(makeFolder({}), 'file')
    writeFileSync(file, '')
    for (const args of [
      ['--port', '70000'],
      ['--seed', ''],
      ['--out', file],
      ['--clients', '1.5'],
    ]) {
      expect(() => readOptions(args)).toThrow(UsageError)
    }
    expect(existsSync(file)).toBe(true)
  })
})

describe('the table', () => {
  const moment: Moment = {
    elapsedMs: 1234,
    rows: [
      {
        name: 'writer',
        phase: 'running',
        thread: 2,
        version: 1,
        restarts: 1,
        restartsLeft: 4,
        calls: 3,
        waitingCalls: 0,
        memoryBytes: 5 * 1024 * 1024,
        lastError: 'child ended: killed',
      },
      {
        name: 'worker-1',
        phase: 'backing_off',
        thread: undefined,
        version: undefined,
        restarts: 12,
        restartsLeft: 0,
        calls: 0,
        waitingCalls: 2,
        memoryBytes: undefined,
        lastError: '',
      },
    ],
    accepted: 10,
    written: 8,
    perSecond: 7.6,
    open: undefined,
    full: 1,
    broken: 2,
  }

  test('has a row per subsystem and the newest events', () => {
    const events = Array.from({ length: 20 }, (_, i) => ({ atMs: i * 1000, text: `event ${i}` }))
    expect(renderTable(moment, events, 200)).toEqual([
      '  1.2 s  accepted 10  written 8  8/s  open -  429s 1  no answer 2',
      '',
      'subsystem  phase        thread  version  restarts  left  calls  waiting  memory  last error',
      'writer     running           2       v1         1     4      3        0  5.0 MB  child ended: killed',
      'worker-1   backing_off       -        -        12     0      0        2       -',
      '',
      ...events.slice(-8).map(({ atMs, text }) => `${(atMs / 1000).toFixed(1).padStart(5)} s  ${text}`),
    ])
    for (const line of renderTable(moment, events, 40)) expect(line.length).toBeLessThanOrEqual(40)
  })

  test('in one line', () => {
    expect(renderLine(moment)).toBe(
      '  1.2 s  accepted 10  written 8  8/s  open -  429s 1  no answer 2' +
        ' | writer running/1, worker-1 backing_off/12',
    )
  })

  test('the report names what is missing', () => {
    const claims = { accepted: new Map([['a', 15]]), refused: new Map(), unanswered: new Map() }
    const counts = { killed: 1, hang: 0, memory: 0, unhealthy: 0, other: 0, reloads: 2 }
    const report: RunReport = {
      proof: prove(claims, ''),
      restarts: new Map([['writer', counts]]),
      retries: { not_begun: 3 },
      alreadyWritten: 1,
      closedMs: 12,
      cut: 0,
    }
    const lines = renderReport(report)
    expect(lines[0]).toBe('restarts  killed  hang  memory  unhealthy  other  reloads')
    expect(lines[1]).toBe('writer         1     0       0          0      0        2')
    expect(lines.slice(-2)).toEqual(['NOT PROVED:', '  lost: 1 (a)'])
    expect(lines.join('\n')).toContain('retries by policy: not_begun 3; found written already: 1')
  })
})
