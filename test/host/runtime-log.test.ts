/** Events of a runtime as lines of a log. */
import { expect, test } from 'vitest'
import { logRecovery, logRuntimeEvent } from '../../src/host/runtime-log.ts'
import { ManualClock } from '../support/manual-clock.ts'

function listening() {
  const lines: string[] = []
  return { lines, log: { write: (level: string, event: string) => void lines.push(`${level}: ${event}`) } }
}

test('a loss is an error, what comes and goes is for those who look closely', () => {
  const { lines, log } = listening()
  logRuntimeEvent(log, { type: 'thread_started', thread: 1, kind: 'shared' })
  logRuntimeEvent(log, {
    type: 'thread_lost',
    thread: 1,
    kind: 'shared',
    cause: 'crashed' as never,
    error: undefined,
  })
  logRuntimeEvent(log, { type: 'thread_replaced', thread: 1, by: 2 })
  logRuntimeEvent(log, { type: 'thread_not_replaced', thread: 2, error: new RangeError('x') })
  const failure = { actor: '/a', message: 'm', error: new RangeError('x'), thread: 1 }
  logRuntimeEvent(log, { type: 'actor_failed', ...failure })
  logRuntimeEvent(log, { type: 'hook_failed', actor: '/a', hook: 'onStop', error: failure.error, thread: 1 })
  logRuntimeEvent(log, { type: 'dead_letter', letter: {} as never, thread: 1 })
  expect(lines).toEqual([
    'debug: thread started',
    'error: thread 1 is lost: crashed',
    'warn: thread 1 is replaced by 2',
    'error: thread 2 is not replaced',
    'error: actor /a has failed',
    'warn: hook onStop of actor /a has failed',
  ])
})

test('a recovery is told now and then, and at its end with what was cut off', () => {
  const { lines, log } = listening()
  const clock = new ManualClock()
  const tell = logRecovery(log, clock)
  tell({ fraction: 0.1, isDone: false, shards: [] })
  clock.advance(2500)
  tell({ fraction: 0.456, isDone: false, shards: [] })
  tell({ fraction: 0.5, isDone: false, shards: [] })
  const tail = { file: 'f', offset: 1, bytes: 2, reason: 'r' }
  tell({ fraction: 1, isDone: true, shards: [{ commits: 1, states: 2, tail } as never] })
  expect(lines).toEqual([
    'info: recovering: 45 %',
    'info: recovered',
    'warn: the end of a log was cut off: it was being written',
  ])
})
