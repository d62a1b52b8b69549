/**
 * The measuring parts of the durability benchmarks, against stores that are known: what they must see, and
 * what they must not let pass.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { createRuntime } from 'shardloom'
import { expect, onTestFinished, test, vi } from 'vitest'
import { benchFolder, bytesIn } from '../../bench/files.ts'
import { keyOf, noiseOf } from '../../bench/loads.ts'
import { latencyMeasures, type MeasuredSubject, measureAll } from '../../bench/measures.ts'
import { countRight, expectedText, fill, RECOVERY_FILES } from '../../bench/recovery-load.ts'
import { SteadyLoad, type SteadyStore } from '../../bench/steady-load.ts'

const PARAMS = { rounds: 3, small: true }
const PROGRAM = fileURLToPath(new URL('../../dist/bench/recovery-program.js', import.meta.url))

/** A store in memory, whose answers come after a while. */
function storeOf(answerMs: () => number): SteadyStore & { readonly map: Map<string, string> } {
  const map = new Map<string, string>()
  const later = <T>(value: T): Promise<T> =>
    new Promise((resolve) => void setTimeout(resolve, answerMs(), value))
  return {
    map,
    set(key, value) {
      map.set(key, value)
      return later(undefined)
    },
    get: (key) => later(map.get(key)),
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms))
}

function counting(name: string, checkOf: (round: number) => string, stopped: string[]): MeasuredSubject {
  return {
    name,
    async start() {
      let round = 0
      return {
        async round() {
          round++
          return {
            measures: [
              { metric: 'round', unit: '1/s', value: round },
              { metric: `only of ${name}`, unit: 'µs', value: 10 * round },
            ],
            check: checkOf(round),
          }
        },
        stop: async () => void stopped.push(name),
      }
    },
  }
}

test('rounds are summed up by metric, without the first one', async () => {
  const stopped: string[] = []
  const subjects = [counting('shardloom', () => 'same', stopped), counting('peer', () => 'same', stopped)]
  const figures = await measureAll('a question', subjects, { ...PARAMS, small: false })
  expect(figures).toEqual([
    { question: 'a question', metric: 'round', unit: '1/s', subject: 'shardloom', ...spread(2, 3, 4) },
    { question: 'a question', metric: 'round', unit: '1/s', subject: 'peer', ...spread(2, 3, 4) },
    {
      question: 'a question',
      metric: 'only of shardloom',
      unit: 'µs',
      subject: 'shardloom',
      ...spread(20, 30, 40),
    },
    { question: 'a question', metric: 'only of peer', unit: 'µs', subject: 'peer', ...spread(20, 30, 40) },
  ])
  expect(stopped).toEqual(['shardloom', 'peer'])
  for (const params of [{ ...PARAMS, small: false, isCold: true }, PARAMS]) {
    const cold = await measureAll('a question', subjects, params)
    expect(cold[0]).toMatchObject(spread(1, 2, 3))
  }
})

function spread(min: number, median: number, max: number) {
  return { median, min, max, rounds: 3 }
}

test('a subject that did other work ends the benchmark, and all subjects', async () => {
  const stopped: string[] = []
  const subjects = [
    counting('shardloom', () => 'same', stopped),
    counting('peer', (round) => (round < 3 ? 'same' : 'less'), stopped),
  ]
  await expect(measureAll('a question', subjects, PARAMS)).rejects.toThrow(
    'peer did other work: less instead of same',
  )
  expect(stopped).toEqual(['shardloom', 'peer'])
})

test('a peer that cannot start is left out, and ours must start', async () => {
  const stopped: string[] = []
  const broken = (name: string): MeasuredSubject => ({ name, start: () => Promise.reject(new Error('no')) })
  const ours = counting('shardloom', () => 'same', stopped)
  const figures = await measureAll('a question', [ours, broken('a broken peer')], PARAMS)
  expect(new Set(figures.map(({ subject }) => subject))).toEqual(new Set(['shardloom']))
  await expect(measureAll('a question', [ours, broken('shardloom, 2 shards')], PARAMS)).rejects.toThrow('no')
  expect(stopped).toEqual(['shardloom', 'shardloom'])
})

test('parts of a distribution are those of its order', () => {
  const latencies = Float64Array.from({ length: 1000 }, (_, i) => (i * 7) % 1000)
  const values = latencyMeasures('set', latencies, [
    ['p50', 0.5],
    ['p99', 0.99],
    ['max', 1],
  ])
  expect(values).toEqual([
    { metric: 'set, p50', unit: 'µs', value: 500 },
    { metric: 'set, p99', unit: 'µs', value: 990 },
    { metric: 'set, max', unit: 'µs', value: 999 },
  ])
})

test('a steady load gives out as many commands as it was told, half of them sets', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const load = await filled(() => 5)
  const running = load.run(2000, sleep(300))
  await vi.advanceTimersByTimeAsync(400)
  const { set, get } = await running
  expect([set.length, get.length]).toEqual([300, 300])
  // A command waits for the next tick, and then 5 ms for its answer.
  for (const latency of [...set, ...get]) expect(latency).toBe(5000)
})

test('a pause is felt by all that come in it, not only by one', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  let paused = { fromMs: 0, toMs: 0 }
  const load = await filled(() => {
    const nowMs = performance.now()
    return nowMs < paused.fromMs || nowMs >= paused.toMs ? 0 : paused.toMs - nowMs
  })
  paused = { fromMs: performance.now() + 100, toMs: performance.now() + 300 }
  const running = load.run(2000, sleep(500))
  await vi.advanceTimersByTimeAsync(600)
  const { set, get } = await running
  for (const latencies of [set, get]) {
    // One each millisecond; those that come in the first half of the pause wait for its second.
    expect(latencies.length).toBe(500)
    expect(latencies.filter((latency) => latency > 100_000).length).toBe(100)
    expect(Math.max(...latencies)).toBe(200_000)
  }
})

test('a caller that is held up itself counts that, too', async () => {
  const load = await filled(() => 0)
  const held = async (): Promise<void> => {
    await sleep(30)
    const endMs = performance.now() + 80
    while (performance.now() < endMs);
    await sleep(30)
  }
  const { set, get } = await load.run(2000, held())
  // Of the 80 that were due meanwhile of each.
  for (const latencies of [set, get]) {
    expect(latencies.filter((latency) => latency > 40_000).length).toBeGreaterThan(30)
  }
})

test('a store that does not keep up is not flooded, and what waits for it counts', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const load = await filled(() => 100, 100)
  const running = load.run(2000, sleep(140))
  await vi.advanceTimersByTimeAsync(400)
  const { set, get } = await running
  // 100 in the first 50 ms. What is due then waits until the first answers come, at 100.
  expect(set.length + get.length).toBeGreaterThan(150)
  expect(set.length + get.length).toBeLessThan(200)
  expect(new Set(set.slice(0, 50))).toEqual(new Set([100_000]))
  for (const latency of set.slice(50)) expect(latency).toBeGreaterThan(140_000)
})

/** A load over a store whose answers come after a while. */
async function filled(answerMs: () => number, pendingMax?: number): Promise<SteadyLoad> {
  const load = new SteadyLoad(storeOf(answerMs), 100, pendingMax)
  const filling = load.fill(10)
  if (vi.isFakeTimers()) await vi.advanceTimersByTimeAsync(1000)
  await filling
  return load
}

test('a get that finds something else than what was set last fails the run', async () => {
  const store = storeOf(() => 0)
  const planted = new Map<string, string>()
  const get: SteadyStore['get'] = async (key) => planted.get(key) ?? (await store.get(key))
  const load = new SteadyLoad({ set: store.set, get }, 100)
  await load.fill(10)
  await load.run(2000, sleep(50))
  planted.set(keyOf(3), 'planted')
  await expect(load.run(20_000, sleep(100))).rejects.toThrow(`${keyOf(3)} holds planted`)
  await expect(load.capacity(10, 20)).rejects.toThrow('holds planted')
})

test('a snapshot that fails fails the run', async () => {
  const load = new SteadyLoad(
    storeOf(() => 0),
    100,
  )
  await load.fill(10)
  await expect(load.run(1000, Promise.reject(new Error('no snapshot')))).rejects.toThrow('no snapshot')
})

test('what is read back is what the writes of each shape leave', async () => {
  for (const shape of ['log', 'snapshot', 'both'] as const) {
    const keys = 1001
    const map = new Map<string, string>()
    let atSnapshot: number | undefined
    let sets = 0
    const set = async (key: string, value: string): Promise<void> => {
      sets++
      map.set(key, value)
    }
    const snapshot = async (): Promise<void> => {
      atSnapshot = sets
    }
    await fill({ set, snapshot }, shape, keys)
    expect([atSnapshot, sets]).toEqual([shape === 'log' ? undefined : keys, shape === 'both' ? 1501 : keys])
    for (let i = 0; i < keys; i++) expect(map.get(keyOf(i))).toBe(expectedText(shape, keys, i))
    const get = async (key: string) => map.get(key)
    expect(await countRight(shape, keys, get)).toBe(11)
    map.set(keyOf(97), noiseOf(96))
    map.delete(keyOf(970))
    expect(await countRight(shape, keys, get)).toBe(9)
  }
})

test('values at random have their length and no repetition', () => {
  const seen = new Set(Array.from({ length: 1000 }, (_, i) => noiseOf(i)))
  expect(seen.size).toBe(1000)
  for (const text of seen) expect(text).toMatch(/^[0-9a-z]{64}$/)
})

test('bytes of files are counted below, too, without room that is kept free', () => {
  const { folder, remove } = benchFolder('test')
  onTestFinished(remove)
  mkdirSync(`${folder}/below`)
  writeFileSync(`${folder}/one`, 'x'.repeat(100))
  writeFileSync(`${folder}/below/two`, 'x'.repeat(10))
  writeFileSync(`${folder}/below/reserve`, 'x'.repeat(1000))
  expect(bytesIn(folder)).toBe(110)
})

test('a start finds what was filled, and tells when keys are missing', { timeout: 60_000 }, async () => {
  const { folder, remove } = benchFolder('test')
  onTestFinished(remove)
  const runtime = await createRuntime({ threads: 1, keyspace: { shards: 1, dir: folder, ...RECOVERY_FILES } })
  await fill(runtime.keyspace, 'both', 1000)
  await runtime.close()
  expect(await startOf(folder, 1000)).toEqual({ size: 1000, right: 11 })
  // It was killed, and more keys are asked for than there are: 12 of them are read.
  expect(await startOf(folder, 1100)).toEqual({ size: 1000, right: 11 })
})

async function startOf(folder: string, keys: number): Promise<unknown> {
  const words = [PROGRAM, folder, '1', String(keys), 'both']
  const child = spawn(process.execPath, words, { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  const lines: string[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line)
    if (lines.length === 2) child.kill('SIGKILL')
  }
  await ended
  expect(lines[0]).toBe('answered')
  return JSON.parse(lines[1]!)
}
