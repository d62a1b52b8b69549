/** A thread's pulse: seen from another thread, with figures, also when it stops. */
import { describe, expect, test } from 'vitest'
import { Heartbeat, readPulse } from '../../src/runtime/heartbeat.ts'
import { allocateThread, attachThread } from '../../src/transport/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { spawnTester, testRuntime, until } from '../support/runtime.ts'

describe('a heartbeat', () => {
  test('beats at its period, which only gets shorter, until it stops', () => {
    const clock = new ManualClock()
    const memory = attachThread(allocateThread(1, 16, 16))
    const heart = new Heartbeat(memory, clock)
    expect(readPulse(memory, clock.nowMs())).toBeUndefined()
    heart.beatEvery(1000)
    expect(readPulse(memory, clock.nowMs())?.ageMs).toBe(0)
    clock.advance(999)
    expect(readPulse(memory, clock.nowMs())?.ageMs).toBe(999)
    clock.advance(1)
    expect(readPulse(memory, clock.nowMs())?.ageMs).toBe(0)
    heart.beatEvery(10)
    heart.beatEvery(500)
    clock.advance(25)
    expect(readPulse(memory, clock.nowMs())?.ageMs).toBe(5)
    heart.stop()
    clock.advance(5000)
    expect(readPulse(memory, clock.nowMs())?.ageMs).toBe(5005)
  })

  test('carries what the thread holds', () => {
    const memory = attachThread(allocateThread(1, 16, 16))
    const kept = new ArrayBuffer(8 * 1024 * 1024)
    new Heartbeat(memory, new ManualClock()).beatEvery(1000)
    const use = readPulse(memory, 0)!.memory
    expect(use.heapBytes).toBeGreaterThan(1024 * 1024)
    expect(use.arrayBufferBytes).toBeGreaterThan(kept.byteLength - 1024)
    expect(use.externalBytes).toBeGreaterThanOrEqual(use.arrayBufferBytes)
  })
})

test('the pulse of a thread stops while it is stuck, and is in inspect()', async () => {
  const runtime = await testRuntime()
  const ref = await spawnTester(runtime)
  runtime.beatEvery(ref.thread, 20)
  await until(() => (runtime.pulseOf(ref.thread)?.ageMs ?? 999) < 30, 'it beats')
  const blocked = ref.ask('block', 300)
  await until(() => runtime.pulseOf(ref.thread)!.ageMs > 150, 'it is stuck')
  const [main, thread] = runtime.inspect().threads
  expect(thread?.handling).toBe(ref.address.slice(ref.address.indexOf('@') + 1))
  expect(thread?.beatAgeMs).toBeGreaterThan(150)
  expect(thread?.utilization).toBeGreaterThan(0)
  expect(main).toMatchObject({ kind: 'main', handling: undefined })
  expect(main?.memory?.heapBytes).toBeGreaterThan(0)
  await blocked
  await until(() => runtime.pulseOf(ref.thread)!.ageMs < 50, 'it beats again')
})
