/** What networks do to calls: none hangs, none is done twice, and each says whether it may have been done. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { seededRandom } from '../../src/base/index.ts'
import { FaultProxy, failureOf, sleep, testKeyspace, until } from '../support/client-lab.ts'
import { freePort, type RedisServer, startRedis } from '../support/redis/redis-server.ts'

let redis: RedisServer | undefined

beforeAll(async () => {
  redis = await startRedis()
})

afterAll(() => redis?.stop())

beforeEach(({ skip }) => {
  if (redis === undefined) skip()
})

/** The number that a real client sees. */
async function inRedis(...argv: readonly string[]): Promise<number> {
  return Number(String(await redis!.client.call(...argv)).slice(1))
}

const QUICK = { backoff: { minMs: 5, maxMs: 20 }, timeoutMs: 2000 }

async function lab(options: Parameters<typeof testKeyspace>[1] = {}) {
  await redis!.client.call('FLUSHALL')
  const proxy = await FaultProxy.start(redis!.port)
  const made = testKeyspace(proxy.port, { ...QUICK, ...options })
  return { proxy, ...made }
}

describe('a connection that is cut', () => {
  test('reads on their way are sent again, and nobody notices', async () => {
    const { proxy, keyspace, events } = await lab()
    await keyspace.mset({ a: '1', b: '2' })
    proxy.mode = 'swallowReplies'
    const reads = Promise.all(Array.from({ length: 50 }, (_, i) => keyspace.get(i % 2 === 0 ? 'a' : 'b')))
    await sleep(20)
    proxy.mode = 'pass'
    proxy.cut()
    expect(await reads).toEqual(Array.from({ length: 50 }, (_, i) => (i % 2 === 0 ? '1' : '2')))
    const retried = events.filter((event) => event.type === 'retried')
    expect(retried).toHaveLength(50)
    expect(retried[0]).toMatchObject({ command: 'get', wasSent: true })
  })

  test('writes that have left are not sent again: their outcome is unknown', async () => {
    const { proxy, keyspace } = await lab()
    await keyspace.ready()
    proxy.mode = 'swallowReplies'
    const failure = failureOf(keyspace.incrBy('n'))
    await until(async () => (await inRedis('GET', 'n')) === 1, 'it was done')
    proxy.mode = 'pass'
    proxy.cut()
    const { code, details, message } = await failure
    expect(code).toBe('SHL_CONNECTION_LOST')
    expect(details).toMatchObject({ isSent: true, command: 'incrby' })
    expect(message).toMatch(/outcome unknown/)
    expect(await keyspace.get('n')).toBe('1')
  })

  test('writes that have not left wait for the next connection', async () => {
    const { proxy, keyspace } = await lab()
    await keyspace.ready()
    proxy.mode = 'refuse'
    proxy.cut()
    await until(() => proxy.count > 2, 'it tried again')
    const sums = Promise.all([keyspace.incrBy('n'), keyspace.incrBy('n')])
    proxy.mode = 'pass'
    expect(await sums).toEqual([1, 2])
  })

  test('what waits behind a full socket has not left, and is sent again, also when it writes', async () => {
    const { proxy, keyspace } = await lab({ connections: 1, timeoutMs: 5000 })
    await keyspace.ready()
    proxy.stall()
    const large = 'x'.repeat(256 * 1024)
    const made = Array.from({ length: 40 }, (_, i) =>
      keyspace.append(`k${i}`, large).then(
        () => 'done',
        (error) => (error.details.isSent ? 'unknown' : 'not done'),
      ),
    )
    await sleep(50)
    proxy.cut()
    const outcomes = await Promise.all(made)
    expect(outcomes).toContain('unknown')
    expect(outcomes).toContain('done')
    expect(outcomes).not.toContain('not done')
    for (const [i, outcome] of outcomes.entries()) {
      const length = await inRedis('STRLEN', `k${i}`)
      if (outcome === 'done') expect(length).toBe(large.length)
      else expect([0, large.length]).toContain(length)
    }
  })

  test('commands of a batch are done together, or none is, or it is unknown', async () => {
    const { proxy, keyspace } = await lab()
    await keyspace.ready()
    proxy.mode = 'swallowReplies'
    const failure = failureOf(
      keyspace.batch([
        ['INCR', 'n'],
        ['INCR', 'n'],
      ]),
    )
    await until(async () => (await inRedis('GET', 'n')) === 2, 'it was done')
    proxy.mode = 'pass'
    proxy.cut()
    expect(await failure).toMatchObject({ code: 'SHL_CONNECTION_LOST', details: { isSent: true } })
  })

  test('a server that says goodbye is left for a new connection', async () => {
    const { proxy, keyspace } = await lab()
    await keyspace.set('a', '1')
    const before = proxy.count
    proxy.halfClose()
    expect(await keyspace.get('a')).toBe('1')
    await until(() => proxy.count >= before + 2, 'both connections are new')
  })

  test('whatever is cut whenever, a counter shows each increment at most once', async () => {
    const { proxy, keyspace } = await lab({ timeoutMs: 4000 })
    const random = seededRandom(7)
    let done = 0
    let unknown = 0
    const stop = Date.now() + 600
    const one = async (): Promise<void> => {
      while (Date.now() < stop) {
        await keyspace.incrBy('n').then(
          () => done++,
          async ({ details: { isSent } }: { details: { isSent: boolean } }) => {
            if (isSent) unknown++
            // On a slow machine no connection lives long enough, and the circuit opens.
            else expect(isSent).toBe(false)
            await sleep(1)
          },
        )
      }
    }
    const workers = Array.from({ length: 8 }, one)
    while (Date.now() < stop - 50) {
      await sleep(random.below(30))
      proxy.delayMs = random.below(3)
      proxy.cut()
    }
    await Promise.all(workers)
    proxy.delayMs = 0
    const count = Number(await keyspace.get('n'))
    expect(count).toBeGreaterThanOrEqual(done)
    expect(count).toBeLessThanOrEqual(done + unknown)
    expect(unknown).toBeGreaterThan(0)
  })
})

describe('a server that says nothing', () => {
  test('calls end by their deadlines, and the connection is replaced', async () => {
    const { proxy, keyspace, events } = await lab({ timeoutMs: 150 })
    await keyspace.within({ timeoutMs: 2000 }).ready()
    const before = proxy.count
    proxy.mode = 'swallowAll'
    const [read, write] = await Promise.all([failureOf(keyspace.get('a')), failureOf(keyspace.set('a', '1'))])
    expect(read).toMatchObject({ code: 'SHL_ASK_TIMEOUT', details: { isSent: true, timeoutMs: 150 } })
    // Whoever's deadline is first gives the connection up for all.
    expect(write.code).toMatch(/^SHL_(ASK_TIMEOUT|CONNECTION_LOST)$/)
    expect(write.details['isSent']).toBe(true)
    proxy.mode = 'pass'
    await until(() => proxy.count > before, 'it connects anew')
    await until(() => events.some(({ type }) => type === 'lost'), 'the old one is given up')
    await keyspace.within({ timeoutMs: 2000 }).set('a', '2')
    expect(await keyspace.get('a')).toBe('2')
  })

  test('one is not given up because somebody is in a hurry', async () => {
    const { proxy, keyspace, events } = await lab({ connections: 1 })
    await keyspace.ready()
    proxy.delayMs = 60
    const late = failureOf(keyspace.within({ timeoutMs: 30 }).get('a'))
    const [failure, value] = await Promise.all([late, keyspace.get('b')])
    expect(failure).toMatchObject({ code: 'SHL_ASK_TIMEOUT' })
    expect(value).toBeUndefined()
    expect(events.filter(({ type }) => type === 'lost')).toEqual([])
  })

  test('not even at the handshake', async () => {
    const { proxy, keyspace } = await lab({
      connectTimeoutMs: 60,
      timeoutMs: 200,
      breaker: { failures: 100 },
    })
    proxy.mode = 'swallowAll'
    const failure = await failureOf(keyspace.set('a', '1'))
    expect(failure).toMatchObject({ code: 'SHL_CONNECTION_FAILED', details: { command: 'set' } })
    proxy.mode = 'pass'
    expect(await keyspace.within({ timeoutMs: 2000 }).set('a', '1')).toBe(true)
  })

  test('a signal ends a call at once', async () => {
    const { proxy, keyspace } = await lab()
    await keyspace.ready()
    proxy.mode = 'swallowAll'
    const stop = new AbortController()
    const failure = failureOf(keyspace.within({ signal: stop.signal }).incrBy('n'))
    await sleep(20)
    stop.abort(new Error('enough'))
    expect(await failure).toMatchObject({ code: 'SHL_ASK_ABORTED', details: { isSent: true } })
    expect(await failureOf(keyspace.within({ signal: stop.signal }).get('a'))).toMatchObject({
      ...{ code: 'SHL_ASK_ABORTED', details: { isSent: false } },
    })
  })

  test('one that reads its data is asked again', async () => {
    const { proxy, keyspace } = await lab()
    await keyspace.ready()
    let loading = 3
    proxy.answer = (request) =>
      request.includes('INCRBY') && loading-- > 0 ? '-LOADING the dataset\r\n' : undefined
    expect(await keyspace.incrBy('n')).toBe(1)
    expect(loading).toBeLessThanOrEqual(0)
  })
})

describe('a server that is gone', () => {
  test('opens the circuit: calls are refused at once, until an attempt succeeds', async () => {
    const breaker = { failures: 3, halfOpenMs: 80, maxMs: 80 }
    const { proxy, keyspace, events, client } = await lab({ breaker, timeoutMs: 3000 })
    await keyspace.set('a', '1')
    proxy.mode = 'refuse'
    proxy.cut()
    await until(() => client.metrics.circuit === 'open', 'it is open')
    let refusal: Awaited<ReturnType<typeof failureOf>> | undefined
    await until(async () => {
      refusal = await failureOf(keyspace.within({ timeoutMs: 100 }).get('a'))
      return refusal.code === 'SHL_CIRCUIT_OPEN'
    }, 'a call is refused')
    expect(refusal?.details['failures']).toBeGreaterThanOrEqual(3)
    proxy.mode = 'pass'
    await until(() => client.metrics.circuit === 'closed', 'it is closed')
    expect(await keyspace.get('a')).toBe('1')
    const states = events.flatMap((event) => (event.type === 'circuit' ? [event.state] : []))
    expect(states[0]).toBe('open')
    expect(states.slice(-2)).toEqual(['halfOpen', 'closed'])
  })

  test('calls wait within a bound', async () => {
    const { proxy, keyspace } = await lab({ pendingMax: 3, timeoutMs: 1000 })
    proxy.mode = 'refuse'
    const waiting = Array.from({ length: 3 }, (_, i) => keyspace.set(`k${i}`, '1'))
    const failure = await failureOf(keyspace.set('k', '1'))
    expect(failure).toMatchObject({ code: 'SHL_KEYSPACE_BUSY', details: { pendingMax: 3, isSent: false } })
    proxy.mode = 'pass'
    expect(await Promise.all(waiting)).toEqual([true, true, true])
  })

  test('pauses between attempts grow, and are drawn at random', async () => {
    const { proxy, events } = await lab({ backoff: { minMs: 8, maxMs: 100 }, breaker: { failures: 100 } })
    proxy.mode = 'refuse'
    proxy.cut()
    const failures = () =>
      events.flatMap((event) => (event.type === 'connectFailed' ? [event.retryInMs] : []))
    await until(() => failures().length >= 8, 'it tried')
    const pauses = failures()
    expect(new Set(pauses.map((ms) => ms.toFixed(3))).size).toBe(pauses.length)
    for (const ms of pauses) expect(ms).toBeLessThanOrEqual(100)
  })

  test('one that refuses the password is not asked for long', async () => {
    await redis!.client.call('ACL', 'SETUSER', 'ann', 'on', '>right', '~*', '+@all')
    const { keyspace } = testKeyspace(redis!.port, { ...QUICK, username: 'ann', password: 'wrong' })
    const failure = await failureOf(keyspace.get('a'))
    expect(failure).toMatchObject({ code: 'SHL_CONNECTION_FAILED', details: { isRefused: true } })
    expect(failure.message).toMatch(/WRONGPASS/)
    expect(failure.message).not.toMatch(/wrong"|right/)
    const { keyspace: right } = testKeyspace(redis!.port, { username: 'ann', password: 'right' })
    await right.ready()
  })
})

describe('the end', () => {
  test('close waits for what is under way, and takes nothing new', async () => {
    const { proxy, keyspace } = await lab()
    await keyspace.ready()
    proxy.delayMs = 30
    const under = keyspace.set('a', '1')
    const closed = keyspace.close()
    expect(await failureOf(keyspace.get('a'))).toMatchObject({ code: 'SHL_CONNECTION_CLOSED' })
    expect(await under).toBe(true)
    await closed
    await until(() => proxy.open === 0, 'no connection is left')
  })

  test('close waits no longer than it is told, and what is left says whether it was sent', async () => {
    const { proxy, keyspace } = await lab()
    await keyspace.ready()
    proxy.mode = 'swallowAll'
    const sent = failureOf(keyspace.set('a', '1'))
    await sleep(10)
    await keyspace.close({ timeoutMs: 30 })
    expect(await sent).toMatchObject({ code: 'SHL_CONNECTION_LOST', details: { isSent: true } })
    const { keyspace: other, proxy: gone } = await lab()
    gone.mode = 'refuse'
    gone.cut()
    await sleep(10)
    const waiting = failureOf(other.set('a', '1'))
    await other.close({ timeoutMs: 10 })
    expect((await waiting).code).toMatch(/SHL_CONNECTION_CLOSED|SHL_CONNECTION_LOST/)
    expect((await waiting).details['isSent']).not.toBe(true)
  })

  test('a program that waits for nothing ends by itself, with its connections open or lost', async () => {
    const proxy = await FaultProxy.start(redis!.port)
    const program = join(import.meta.dirname, '..', 'support', 'client-exit-program.mjs')
    const run = promisify(execFile)
    const { stdout } = await run(process.execPath, [program, String(proxy.port), String(await freePort())])
    expect(stdout.trim().split('\n')).toEqual(['1', 'waited', 'end'])
  })
})
