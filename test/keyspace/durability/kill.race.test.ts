/**
 * Processes that are killed while they write: the next one has all that was acknowledged, of transactions
 * over several shards all or nothing, and never a fencing token that was given before.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

const ROUNDS_SOAK = 300
const CHILD = fileURLToPath(new URL('../../support/durable-child.mjs', import.meta.url))
const MODULE = import.meta.resolve('shardloom')
const LOAD_MS_MIN = 50
const LOAD_MS = 500

type Found = Readonly<Record<string, { readonly value: unknown; readonly expires: number }>>
type Line =
  | { readonly type: 'state'; readonly found: Found; readonly now: number }
  | { readonly type: 'issued'; readonly lane: string; readonly n: number }
  | { readonly type: 'done'; readonly lane: string; readonly n: number; readonly extra?: unknown }
  | { readonly type: 'token'; readonly token: number }

/** What the children have said, all of them. */
class Acknowledged {
  readonly issued = new Map<string, number>()
  readonly done = new Map<string, number>()
  readonly tokens: number[] = []
  acknowledged = 0

  take(line: Line): void {
    if (line.type === 'issued') this.issued.set(line.lane, line.n)
    if (line.type === 'token') this.tokens.push(line.token)
    if (line.type !== 'done') return
    this.acknowledged++
    this.done.set(line.lane, line.n)
  }

  keepOnly(lane: string): void {
    for (const one of [...this.done.keys()]) if (one !== lane) this.done.delete(one)
  }

  /** What a counter of a lane may be: what was acknowledged, or what was asked for after that. */
  allows(lane: string, value: number): boolean {
    return value >= (this.done.get(lane) ?? 0) && value <= (this.issued.get(lane) ?? 0)
  }
}

let dir: string
let child: ChildProcess | undefined

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'shl-kill-'))
})

afterEach(() => {
  child?.kill('SIGKILL')
  rmSync(dir, { recursive: true, force: true, maxRetries: 5 })
})

/** Runs one child until it is killed: what it found. */
async function runChild(record: Acknowledged, level: string, seed: number, loadMs: number): Promise<Found> {
  const file = join(dir, `round-${seed}.txt`)
  const running = spawn(process.execPath, [CHILD, MODULE, join(dir, 'data'), level, String(seed), file], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  child = running
  let found: Found | undefined
  let errors = ''
  running.stderr!.on('data', (text) => {
    errors += String(text)
  })
  running.stdout!.once('data', () => setTimeout(() => running.kill('SIGKILL'), loadMs))
  const ended = new Promise<void>((resolve) => void running.once('close', () => resolve()))
  await ended
  // What it was about to say when it was killed may be cut short.
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1)
  for (const line of lines.map((text) => JSON.parse(text) as Line)) {
    if (line.type === 'state') {
      found = line.found
      // With this level nothing else is promised than what asked for more, and that all is whole.
      if (level === 'memory') record.keepOnly('fsync')
      check(record, found, line.now)
      // Lanes of which a step was lost count on from what is there.
      record.issued.clear()
      record.done.clear()
    } else record.take(line)
  }
  // It is told of what was being written when the one before was killed.
  const unexpected = errors.split('\n').filter((one) => !/^$|were cut off the end|trace-warnings/.test(one))
  expect(unexpected).toEqual([])
  expect(found, 'it has opened the directory').toBeDefined()
  return found!
}

/** What was acknowledged is there, and nothing is there in part. */
function check(record: Acknowledged, found: Found, now: number): void {
  const value = (key: string): unknown => found[key]?.value
  const number = (key: string): number => Number(value(key) ?? 0)
  const list = (key: string): string[] => (value(key) ?? []) as string[]
  for (const [lane, key] of [
    ['counter', 'counter'],
    ['mset', 'm:0'],
    ['batch', 'batch:count'],
    ['callback', 'callback:a'],
    ['moved', 'moved:count'],
    ['fsync', 'fsync'],
    ['gone', 'gone:last'],
  ] as const) {
    if (!record.done.has(lane)) continue
    expect(
      record.allows(lane, number(key)),
      `${key}=${number(key)} ${record.done.get(lane)}-${record.issued.get(lane)}`,
    ).toBe(true)
  }
  const plain = Math.max(...Array.from({ length: 20 }, (_, i) => number(`plain:${i}`)))
  if (record.done.has('plain')) expect(record.allows('plain', plain)).toBe(true)
  // All of a transaction, or nothing of it.
  expect(new Set([0, 1, 2, 3, 4, 5, 6].map((i) => value(`m:${i}`))).size).toBe(1)
  expect(new Set(['a', 'b', 'c'].map((one) => value(`callback:${one}`))).size).toBe(1)
  expect(list('batch:list').length).toBe(number('batch:count'))
  expect(list('batch:set').length).toBe(number('batch:count'))
  const moved = number('moved:count')
  if (moved > 0) {
    expect(number(`moved:${(moved + 1) % 4}`), 'it went on with what was moved').toBe(moved)
    expect(value(`moved:${moved % 4}`)).toBeUndefined()
  }
  const accounts = Array.from({ length: 8 }, (_, i) => value(`account:${i}`))
  if (accounts[0] !== undefined) expect(accounts.reduce((sum: number, one) => sum + Number(one), 0)).toBe(800)
  // A list has no holes.
  if (record.done.has('list')) expect(record.allows('list', list('list').length)).toBe(true)
  expect(list('list')).toEqual(list('list').map((_, i) => String(i + 1)))
  // What was deleted, or has expired, stays gone; at most the one that was under way is there.
  const last = number('gone:last')
  const gone = [0, 1, 2, 3, 4, 5, 6].filter((i) => value(`gone:${i}`) !== undefined)
  expect(
    gone.every((i) => i === (last + 1) % 7),
    `${gone.join()} after ${last}`,
  ).toBe(true)
  for (const [key, { expires }] of Object.entries(found)) {
    if (key.startsWith('short:')) expect(expires).toBeGreaterThan(now - 1000)
    if (key.startsWith('long:')) expect(expires).toBeGreaterThan(now)
  }
}

const LEVELS = [
  ['os', 4],
  ['fsync', 2],
  ['memory', 2],
] as const

describe.each(LEVELS)('processes that are killed, with %s', (level, few) => {
  const rounds = process.env['SHL_SOAK'] ? ROUNDS_SOAK : few
  test('leave what was acknowledged, whole', { timeout: rounds * 10_000 + 20_000 }, async () => {
    const record = new Acknowledged()
    let state = 7
    for (let round = 0; round < rounds; round++) {
      state = (state * 48_271) % 2_147_483_647
      const from = record.tokens.length
      const highest = Math.max(0, ...record.tokens)
      await runChild(record, level, round, LOAD_MS_MIN + (state % LOAD_MS))
      const drawn = record.tokens.slice(from)
      expect(drawn.every((token, i) => token > Math.max(highest, ...drawn.slice(0, i)))).toBe(true)
    }
    await runChild(record, level, rounds, 0)
    // On a machine that does much else, too.
    expect(record.acknowledged).toBeGreaterThan(rounds)
  })
})
