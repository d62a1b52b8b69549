/** The clock: the same origin on every thread, and timers that keep their promise. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { afterEach, expect, test, vi } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'

afterEach(() => vi.useRealTimers())

test('means the same on every thread', async () => {
  const module = new URL('../../dist/src/base/index.js', import.meta.url).href
  const code = `import { systemClock } from ${JSON.stringify(module)}
    import { parentPort } from 'node:worker_threads'
    parentPort.postMessage(systemClock().nowMs())`
  const clock = systemClock()
  const before = clock.nowMs()
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`))
  const [there] = (await once(worker, 'message')) as [number]
  const after = clock.nowMs()
  expect(there).toBeGreaterThanOrEqual(before - 1)
  expect(there).toBeLessThanOrEqual(after + 1)
})

test('is not off by the time that the thread does not run while the clock is made', () => {
  const read = process.hrtime
  let isFirst = true
  const hrtime = vi.spyOn(process, 'hrtime').mockImplementation((before) => {
    const now = read(before)
    const endMs = performance.now() + (isFirst ? 5 : 0)
    isFirst = false
    while (performance.now() < endMs);
    return now
  })
  const clock = systemClock()
  hrtime.mockRestore()
  const [seconds, nanoseconds] = process.hrtime()
  expect(Math.abs(clock.nowMs() - (seconds * 1e3 + nanoseconds / 1e6))).toBeLessThan(2)
})

test('fires a timer once, not before its time, and not when it was cancelled', async () => {
  const clock = systemClock()
  const startMs = clock.nowMs()
  const cancelled = clock.after(1, () => expect.fail('it was cancelled'))
  cancelled.cancel()
  await new Promise<void>((resolve) => void clock.after(20, resolve))
  expect(clock.nowMs() - startMs).toBeGreaterThanOrEqual(18)
})

test.each([2 ** 31, 60 * 86_400_000])(
  'waits for as long as %d ms, which is more than Node can',
  (delayMs) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const clock = systemClock()
    let fired = 0
    clock.after(delayMs, () => fired++, { unref: true })
    const cancelled = clock.after(delayMs, () => expect.fail('it was cancelled'))
    vi.advanceTimersByTime(delayMs - 1)
    expect(fired).toBe(0)
    cancelled.cancel()
    vi.advanceTimersByTime(delayMs)
    expect(fired).toBe(1)
    expect(vi.getTimerCount()).toBe(0)
  },
)

test('fires soon when there is nothing to wait for', () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  let fired = 0
  for (const delayMs of [0, -5, Number.NEGATIVE_INFINITY]) systemClock().after(delayMs, () => fired++)
  vi.advanceTimersByTime(1)
  expect(fired).toBe(3)
})
