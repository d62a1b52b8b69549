import { describe, expect, test } from 'vitest'
import { AclLog, type AclRefusal, logReply, mergeLogs } from '../../../src/server/acl/acl-log.ts'
import { resp2Form } from '../../support/resp2.mjs'

const REFUSAL: AclRefusal = {
  reason: 'key',
  context: 'toplevel',
  object: 'k',
  username: 'alice',
  clientInfo: 'id=1',
}

describe('the log of refusals', () => {
  test('counts what is the same within a minute, and moves it to the front', () => {
    const log = new AclLog()
    log.add(REFUSAL, 1000)
    log.add({ ...REFUSAL, object: 'other' }, 2000)
    log.add({ ...REFUSAL, clientInfo: 'id=2' }, 61_000)
    expect(log.entries.map(({ object, count, id }) => [object, count, id])).toEqual([
      ['k', 2, 0],
      ['other', 1, 1],
    ])
    expect(log.entries[0]).toMatchObject({ clientInfo: 'id=2', createdMs: 1000, updatedMs: 61_000 })
    log.add(REFUSAL, 121_001)
    expect(log.entries.map(({ count, id }) => [count, id])).toEqual([
      [1, 2],
      [2, 0],
      [1, 1],
    ])
  })

  test.each([{ reason: 'command' }, { context: 'multi' }, { object: 'l' }, { username: 'bob' }] as const)(
    'tells apart what differs in %j',
    (difference) => {
      const log = new AclLog()
      log.add(REFUSAL, 0)
      log.add({ ...REFUSAL, ...difference }, 0)
      expect(log.entries).toHaveLength(2)
    },
  )

  test('compares with the ten latest only', () => {
    const log = new AclLog()
    log.add(REFUSAL, 0)
    for (let i = 0; i < 10; i++) log.add({ ...REFUSAL, object: `o${i}` }, 0)
    log.add(REFUSAL, 0)
    expect(log.entries).toHaveLength(12)
    log.add({ ...REFUSAL, object: 'o2' }, 0)
    expect(log.entries).toHaveLength(12)
  })

  test('is bounded, in entries and in what they hold', () => {
    const log = new AclLog({ entriesMax: 3 })
    for (let i = 0; i < 5; i++)
      log.add({ ...REFUSAL, object: i + 'x'.repeat(5000), username: 'y'.repeat(i * 999) }, i)
    expect(log.entries.map(({ id }) => id)).toEqual([4, 3, 2])
    expect(
      log.entries.every(({ object, username }) => object.length === 1024 && username.length <= 1024),
    ).toBe(true)
    log.entriesMax = 0
    log.add(REFUSAL, 9)
    expect(log.entries).toEqual([])
  })

  test('is emptied, and ids go on', () => {
    const log = new AclLog({ firstId: 1, idStep: 4 })
    log.add(REFUSAL, 0)
    log.reset()
    log.add(REFUSAL, 0)
    expect(log.entries.map(({ id }) => id)).toEqual([5])
  })

  test('answers as Redis 7.2 does', () => {
    const log = new AclLog()
    log.add(REFUSAL, 1000)
    log.add(REFUSAL, 2000)
    expect(resp2Form(logReply(log.entries, 2500))).toEqual([
      [
        ...[
          '$count',
          ':2',
          '$reason',
          '$key',
          '$context',
          '$toplevel',
          '$object',
          '$k',
          '$username',
          '$alice',
        ],
        ...['$age-seconds', ',0.5', '$client-info', '$id=1', '$entry-id', ':0'],
        ...['$timestamp-created', ':1000', '$timestamp-last-updated', ':2000'],
      ],
    ])
  })
})

test('logs of threads become one', () => {
  const logs = [new AclLog({ firstId: 0, idStep: 2 }), new AclLog({ firstId: 1, idStep: 2 })] as const
  logs[0].add(REFUSAL, 1000)
  logs[1].add({ ...REFUSAL, clientInfo: 'id=9' }, 3000)
  logs[0].add(REFUSAL, 2000)
  logs[1].add({ ...REFUSAL, object: 'm' }, 5000)
  logs[1].add(REFUSAL, 100_000)
  const merged = mergeLogs(
    logs.map(({ entries }) => entries),
    10,
  )
  expect(merged.map(({ object, count, id, clientInfo }) => [object, count, id, clientInfo])).toEqual([
    ['k', 1, 5, 'id=1'],
    ['m', 1, 3, 'id=1'],
    ['k', 3, 0, 'id=9'],
  ])
  expect(
    mergeLogs(
      logs.map(({ entries }) => entries),
      1,
    ),
  ).toHaveLength(1)
})
