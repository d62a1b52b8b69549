/** The end of a runtime and of its process: in order, within the deadline, by itself. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { createRuntime } from 'shardloom'
import { describe, expect, test } from 'vitest'
import { rejection, sleep, spawnTester, TESTER, testRuntime } from '../support/runtime.ts'

const run = promisify(execFile)
const PROGRAM = new URL('../support/exit-program.mjs', import.meta.url).pathname

/** Runs the program with a scenario; rejects when it does not end by itself. */
async function exits(scenario: string): Promise<{ stdout: string; stderr: string; code: number }> {
  try {
    return { ...(await run(process.execPath, [PROGRAM, scenario], { timeout: 10_000 })), code: 0 }
  } catch (error) {
    const { stdout, stderr, code, killed } = error as {
      stdout: string
      stderr: string
      code: number
      killed: boolean
    }
    if (killed) throw error
    return { stdout, stderr, code }
  }
}

describe('close', () => {
  test('finishes what is under way, and reports that nothing was cut', async () => {
    const runtime = await testRuntime({ threads: 2 })
    const refs = await Promise.all([
      spawnTester(runtime),
      spawnTester(runtime),
      spawnTester(runtime, { placement: 'main' }),
    ])
    const asked = refs.flatMap((ref) =>
      Array.from({ length: 20 }, (_, i) => ref.ask('slowNote', { text: String(i), ms: 1 })),
    )
    const report = await runtime.close()
    expect(await Promise.all(asked)).toHaveLength(60)
    expect(report).toMatchObject({ cut: [], lostThreads: [] })
    expect(await runtime.close()).toBe(report)
    expect(runtime.state).toBe('closed')
  })

  test('refuses what comes after it', async () => {
    const runtime = await testRuntime()
    const ref = await spawnTester(runtime)
    const closing = runtime.close()
    expect(ref.tell('add', 1)).toBe(false)
    expect(await rejection(ref.ask('echo', 1))).toMatchObject({ code: 'SHL_RUNTIME_CLOSED' })
    expect(await rejection(runtime.spawn(TESTER))).toMatchObject({ code: 'SHL_RUNTIME_CLOSED' })
    await closing
    expect(await rejection(ref.ask('echo', 1))).toMatchObject({ code: 'SHL_RUNTIME_CLOSED' })
    expect(await runtime.watch(ref)).toEqual({ type: 'closed' })
  })

  test('runs onStop of every actor', async () => {
    const runtime = await testRuntime({ threads: 2 })
    const placements = ['shared', 'shared', 'main', 'dedicated'] as const
    await Promise.all(placements.map((placement) => runtime.spawn(TESTER, { export: 'stopper', placement })))
    const counter = runtime.counter('test_stopped')
    await runtime.close()
    expect(counter.value()).toBe(4)
  })

  test('returns within its deadline though a thread spins, and settles every ask', async () => {
    const runtime = await createRuntime({ threads: 1 })
    const ref = await spawnTester(runtime)
    const asked = rejection(ref.ask('spin'))
    await sleep(20)
    const report = await runtime.close({ timeoutMs: 600 })
    expect(report.durationMs).toBeLessThan(1500)
    expect(report.cut.length).toBeGreaterThan(0)
    expect(await asked).toMatchObject({ code: 'SHL_THREAD_LOST' })
  })

  test('frees a loop that looks at ctx.cancelled', async () => {
    const runtime = await createRuntime({ threads: 1 })
    const ref = await spawnTester(runtime)
    const asked = ref.ask('spinUntilCancelled')
    await sleep(20)
    const report = await runtime.close({ timeoutMs: 2000 })
    expect(await asked).toBeGreaterThan(0)
    expect(report.lostThreads).toEqual([])
  })

  test('twice at the same time, and of a runtime without threads, is fine', async () => {
    const runtime = await createRuntime({ threads: 0 })
    const ref = await runtime.spawn(TESTER, { export: 'tester' })
    expect(ref.thread).toBe(0)
    const [a, b] = await Promise.all([runtime.close(), runtime.close()])
    expect(a).toBe(b)
  })
})

describe('a process', () => {
  test('exits by itself after close', async () => {
    expect(await exits('close')).toMatchObject({ stdout: 'closed\n', code: 0 })
  })

  test('is not held by an idle runtime, and told messages are still handled', async () => {
    expect(await exits('idle')).toMatchObject({ code: 0 })
    expect(await exits('told')).toMatchObject({ stdout: 'handled 100\n', code: 0 })
  })

  test('is not held by a router, nor by a watch that does not want to', async () => {
    expect(await exits('router')).toMatchObject({ stdout: 'stopped\n', code: 0 })
  })

  test('is held by an ask that waits, and by a watch', async () => {
    expect(await exits('waiting')).toMatchObject({ stdout: 'answered 200\n', code: 0 })
    expect(await exits('watching')).toMatchObject({ stdout: 'stopped\n', code: 0 })
  })

  test('ends as usual when a thread that was given up was only slow', async () => {
    expect(await exits('slow')).toMatchObject({ stdout: 'lost 1\n', stderr: '', code: 7 })
  })

  test('keeps its exit code though a thread cannot be interrupted', async () => {
    const { stdout, stderr, code } = await exits('uninterruptible')
    expect(stdout).toContain('lost 1')
    expect(stderr).toContain('cannot be interrupted')
    const canKeep = 'execve' in process
    expect(code).toBe(canKeep ? 7 : null)
  })

  test('shows an unhandled error of the program as usual', async () => {
    const { stderr, code } = await exits('throws')
    expect(stderr).toContain('the program failed')
    expect(code).toBe(1)
  })
})
