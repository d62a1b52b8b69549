/** Figures per second, out of two readings. */
import { expect, test } from 'vitest'
import { infoOf } from '../../../src/cli/top/info.ts'
import { viewOf } from '../../../src/cli/top/view.ts'
import { sampleAt } from './crafted-samples.ts'

test('rates are differences over the time between', () => {
  const { server, shards, threads, commands } = viewOf(sampleAt(3), sampleAt(1))
  expect(server).toMatchObject({
    name: 'shardloom',
    version: '0.3.0',
    keys: 1_000_000,
    commandsPerSecond: 50_000,
    processor: expect.closeTo(1.5),
    hitRatio: 0.9,
    inPerSecond: 2_000_000,
    expiredPerSecond: 12,
    errorsPerSecond: 1,
  })
  expect(shards).toMatchObject({
    rows: [
      { id: 0, commandsPerSecond: 30_000, queue: 12 },
      { id: 1, thread: 2 },
    ],
  })
  expect(threads).toMatchObject({ rows: [{ id: 1, utilization: 0.93 }, { commandsPerSecond: 22_000 }] })
  expect(commands).toMatchObject({
    rows: [
      { name: 'get', callsPerSecond: 40_000, calls: 120_000, latency: { p50Us: 1, p99Us: 64 } },
      { name: 'ping', callsPerSecond: 10_000, latency: undefined },
      { name: 'config|get', callsPerSecond: 0, latency: { p50Us: 16, p99Us: 16 } },
    ],
  })
})

test('with one reading, and after a restart, there are no rates', () => {
  expect(viewOf(sampleAt(1), undefined).server).toMatchObject({
    commandsPerSecond: undefined,
    hitRatio: undefined,
    usedMemory: 536_870_912,
  })
  const restarted = { ...sampleAt(1), atMs: sampleAt(5).atMs + 1 }
  expect(viewOf(restarted, sampleAt(5)).server.commandsPerSecond).toBeUndefined()
})

test('what a server does not have is said', () => {
  const plain = {
    ...sampleAt(1),
    info: infoOf('# Server\r\nredis_version:7.0.15'),
    hotKeys: { missing: 'none' },
  }
  expect(viewOf(plain, undefined)).toMatchObject({
    server: { name: 'redis', version: '7.0.15', keys: 0 },
    shards: { missing: expect.stringContaining('no shards') },
    threads: { missing: expect.stringContaining('no threads') },
    hotKeys: { missing: 'none' },
  })
})
