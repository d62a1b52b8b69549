/** The options of createRuntime: every default, every limit, every refusal. */
import { availableParallelism } from 'node:os'
import { expect, test } from 'vitest'
import { resolveSettings } from '../../src/runtime/settings.ts'

test('defaults fill what is left open', () => {
  const settings = resolveSettings({ limits: { asksMax: 10 } })
  expect(settings.threads).toBe(Math.max(1, availableParallelism() - 1))
  expect(settings.limits).toMatchObject({ asksMax: 10, ringBytes: 1_048_576, threadsMax: 64 })
  expect(settings.mailbox).toEqual({ depthMax: 4096, bytesMax: 67_108_864, policy: 'refuse' })
})

test.each([
  [{ threads: -1 }, /threads=-1 allowed=integer 0\.\.64/],
  [{ threads: 1.5 }, /threads=1\.5/],
  [{ idle: 'sleep' }, /idle="sleep" allowed=adaptive \| park \| spin/],
  [{ limits: { ringBytes: 5000 } }, /limits\.ringBytes=5000 allowed=a power of two/],
  [{ limits: { ringbytes: 4096 } }, /ringbytes in limits; did you mean ringBytes\?/],
  [{ timeouts: { askMs: 0 } }, /timeouts\.askMs=0/],
  [{ mailbox: { policy: 'keep' } }, /mailbox\.policy="keep"/],
  [{ thread: 1 }, /thread in createRuntime; did you mean threads\?/],
  [{ onEvent: 1 }, /onEvent=1 allowed=a function/],
])('refuses %j', (options, message) => {
  expect(() => resolveSettings(options as never)).toThrow(message)
})
