/**
 * Very large values, in and out, on the shard of the client's thread and on another: they arrive whole, and
 * memory is a small multiple of them. In a process of its own, so that its memory is that of the server
 * alone.
 *
 * Measured with 64 MB on Node 20, the most above what was there before, in multiples of the value; Redis 7.0
 * in brackets: out 1.0 (1.0), in for the first time 3.1 (1.0) of which 1 is kept, in and out at once 3.1
 * (2.0), six requests for it in one pipeline 2.0 (6.0). In is more than once, since a value is received into
 * memory of its own before it is copied to where all threads read it, and what is free then is collected
 * later.
 */
import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RedisServer, startRedis } from '../../support/redis/redis-server.ts'
import { ServerProcess } from '../../support/robust/server-process.ts'
import { keysOf, WireClient } from '../../support/robust/wire-client.ts'

const isSoak = process.env['SHL_SOAK'] !== undefined
const MB = 1024 * 1024
const BYTES = (isSoak ? 64 : 12) * MB
/** What else may be on its way to be collected. */
const SLACK_MB = 40
const OUT_FACTOR = 2
const IN_FACTOR = 4
const BOTH_FACTOR = 6
const PIPELINED = 6
const PIPELINED_FACTOR = 8

const [here, there] = [keysOf(0, 2)[0]!, keysOf(1, 2)[0]!]
const value = randomBytes(BYTES)

let server: ServerProcess
let calm: WireClient

beforeAll(async () => {
  server = await ServerProcess.start()
  calm = await WireClient.connect(server.port)
})
afterAll(async () => {
  calm.destroy()
  await server.kill()
})

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket)).on('error', reject)
  })
}

async function put(socket: Socket, key: string): Promise<void> {
  socket.write(`*3\r\n$3\r\nSET\r\n$${key.length}\r\n${key}\r\n$${BYTES}\r\n`)
  socket.write(value)
  socket.write('\r\n')
  expect(String(await new Promise((resolve) => void socket.once('data', resolve)))).toBe('+OK\r\n')
}

/** Asks for a value several times at once, and compares what comes; nothing of it is kept here. */
function get(socket: Socket, key: string, times = 1): Promise<void> {
  const header = `$${BYTES}\r\n`
  let left = 0
  let skip = header.length
  let count = 0
  return new Promise((resolve, reject) => {
    const onData = (bytes: Buffer): void => {
      let at = 0
      while (at < bytes.length) {
        if (skip > 0) {
          const skipped = Math.min(skip, bytes.length - at)
          skip -= skipped
          at += skipped
          if (skip === 0) left = BYTES
          continue
        }
        const taken = Math.min(left, bytes.length - at)
        const from = BYTES - left
        if (!value.subarray(from, from + taken).equals(bytes.subarray(at, at + taken))) {
          reject(new Error(`reply ${count} to GET ${key} is another value at ${from}`))
        }
        left -= taken
        at += taken
        if (left > 0) continue
        // The end of this one, and the beginning of the next.
        skip = 2 + (++count < times ? header.length : 0)
        if (count === times) {
          socket.off('data', onData)
          resolve()
          return
        }
      }
    }
    socket.on('data', onData)
    socket.write(`GET ${key}\r\n`.repeat(times))
  })
}

/** Megabytes at the most, above those before. */
async function peakOf(task: () => Promise<void>): Promise<number> {
  const { rss } = await server.forgetPeak()
  await task()
  return (await server.memory()).peak - rss
}

function report(what: string, peakMb: number): void {
  if (isSoak) process.stdout.write(`${what}: ${((peakMb * MB) / BYTES).toFixed(2)} times the value\n`)
}

test('a large value arrives whole, in both directions, and takes little more than itself', async () => {
  const [one, other] = [await open(server.port), await open(server.port)]
  const sizeMb = BYTES / MB
  for (const key of [here, there]) {
    const peak = await peakOf(() => put(one, key))
    report(`SET ${key}`, peak)
    expect(peak).toBeLessThan(IN_FACTOR * sizeMb + SLACK_MB)
  }
  for (const key of [here, there, here, there]) {
    const peak = await peakOf(() => get(other, key))
    report(`GET ${key}`, peak)
    expect(peak).toBeLessThan(OUT_FACTOR * sizeMb + SLACK_MB)
  }
  for (const [into, from] of [[here, there] as const, [there, here] as const]) {
    const both = async (): Promise<void> => void (await Promise.all([put(one, into), get(other, from)]))
    const peak = await peakOf(both)
    report(`SET ${into} and GET ${from}`, peak)
    expect(peak).toBeLessThan(BOTH_FACTOR * sizeMb + SLACK_MB)
  }
  for (const key of [here, there]) {
    // A connection that nobody knows anything of yet.
    const fresh = await open(server.port)
    const peak = await peakOf(() => get(fresh, key, PIPELINED))
    report(`GET ${key}, ${PIPELINED} times`, peak)
    expect(peak).toBeLessThan(PIPELINED_FACTOR * sizeMb + SLACK_MB)
    fresh.destroy()
  }
  expect(await calm.call('STRLEN', here)).toBe(BYTES)
  for (const socket of [one, other]) socket.destroy()
})

test.runIf(isSoak)('Redis, by the same measure', async ({ skip }) => {
  const redis: RedisServer | undefined = await startRedis()
  if (redis === undefined) return skip()
  const id = /process_id:(\d+)/.exec(String(await redis.client.call('INFO', 'server')))![1]!
  const megabytes = (name: string): number => {
    const status = readFileSync(`/proc/${id}/status`, 'utf8')
    return Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)![1]) / 1024
  }
  const measure = async (what: string, task: () => Promise<void>): Promise<void> => {
    writeFileSync(`/proc/${id}/clear_refs`, '5')
    const before = megabytes('VmRSS')
    await task()
    report(`Redis: ${what}`, megabytes('VmHWM') - before)
  }
  const [one, other] = [await open(redis.port), await open(redis.port)]
  await measure('SET', () => put(one, here))
  await put(one, there)
  await measure('GET', () => get(other, here))
  await measure('SET and GET', async () => void (await Promise.all([put(one, here), get(other, there)])))
  await measure(`GET, ${PIPELINED} times`, () => get(other, here, PIPELINED))
  for (const socket of [one, other]) socket.destroy()
  await redis.stop()
})
