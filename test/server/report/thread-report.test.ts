/** What threads tell, added up. */
import { expect, test } from 'vitest'
import type { Session } from '../../../src/server/commands/server-command.ts'
import { CommandTimes } from '../../../src/server/report/command-times.ts'
import {
  countClients,
  sumCommands,
  sumErrors,
  type ThreadReport,
} from '../../../src/server/report/thread-report.ts'

const IDLE = {
  queryBytes: 0,
  outputBytes: 0,
  blockedIn: undefined,
  tracking: undefined,
  isMonitor: false,
  queued: -1,
  watchedKeys: 0,
  isSubscribed: false,
}

test('clients are counted by what they do', () => {
  const sessions = [
    IDLE,
    { ...IDLE, queryBytes: 100, queued: 0, watchedKeys: 2 },
    { ...IDLE, outputBytes: 70, blockedIn: 'blpop', queryBytes: 10 },
    { ...IDLE, isSubscribed: true, isMonitor: true, tracking: {} },
  ] as unknown[] as Session[]
  expect(countClients(sessions)).toEqual({
    connected: 4,
    blocked: 1,
    tracking: 1,
    monitors: 1,
    queueing: 1,
    watching: 1,
    listening: 1,
    inputMax: 100,
    outputMax: 70,
    bufferBytes: 180,
  })
})

test('commands and errors are added by name', () => {
  const times = new CommandTimes()
  times.add(1)
  const get = { name: 'get', calls: 2, usec: 10, rejected: 1, failed: 0, times: times.sparse() }
  const reports = [
    { commands: [get], errorCodes: [['ERR', 2]] },
    {
      commands: [{ ...get, name: 'set' }, get],
      errorCodes: [
        ['ERR', 1],
        ['BUSY', 4],
      ],
    },
  ] as unknown[] as ThreadReport[]
  const [first, second] = sumCommands(reports)
  expect(first).toMatchObject({ name: 'get', calls: 4, usec: 20, rejected: 2, failed: 0 })
  expect(first!.times.total).toBe(2)
  expect(second).toMatchObject({ name: 'set', calls: 2 })
  expect(sumErrors(reports)).toEqual([
    ['BUSY', 4],
    ['ERR', 3],
  ])
})
