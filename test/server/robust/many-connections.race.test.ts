/**
 * Many connections that do nothing, and many that come and go: the others are served, each takes little
 * memory, and nothing is left of them.
 */
import { execSync } from 'node:child_process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { clientCount, eventually, threadCounts } from '../../support/robust/client-list.ts'
import { ServerProcess } from '../../support/robust/server-process.ts'
import { WireClient, WireClients } from '../../support/robust/wire-client.ts'
import { request } from '../../support/server.ts'

const isSoak = process.env['SHL_SOAK'] !== undefined
/** Both ends of a connection are files, in a process each; Node asks for as many as it may have. */
const filesMax = Number(execSync('ulimit -Hn').toString()) || Number.POSITIVE_INFINITY
const IDLE = filesMax > 11_000 ? 10_000 : 500
const STORM = isSoak ? 5000 : 500
/** Connections that are being made at a time: the backlog of the socket is 511. */
const AT_A_TIME = 250
/** Both ends count as memory of the machine; this is what the server takes, most of it Node's own sockets. */
const IDLE_KB_MAX = 16
/** What a process takes more for other reasons. */
const SLACK_MB = 48

let server: ServerProcess
let clients: WireClients
let calm: WireClient

beforeAll(async () => {
  server = await ServerProcess.start({ serve: { maxClients: 20_000, tcpBacklog: 511 } as never })
  clients = new WireClients(server.port)
  calm = await clients.one()
})
afterAll(async () => {
  clients.close()
  await server.kill()
})

async function inGroups(count: number, task: (i: number) => Promise<void>): Promise<void> {
  for (let from = 0; from < count; from += AT_A_TIME) {
    const group = Math.min(AT_A_TIME, count - from)
    await Promise.all(Array.from({ length: group }, (_, i) => task(from + i)))
  }
}

/** Somebody else counts, and is answered, until `task` is over. */
async function whileServed(task: () => Promise<void>): Promise<void> {
  const other = await clients.one()
  let isOver = false
  const counted = (async () => {
    let n = Number((await other.call('GET', 'n')) ?? 0)
    for (let i = 0; i < 50 || !isOver; i++) {
      expect(await other.call('INCR', 'n')).toBe(++n)
      expect(await other.call('MGET', 'n', 'm')).toEqual([String(n), null])
    }
  })()
  await task()
  isOver = true
  await counted
  other.destroy()
}

/** Exactly so many places are taken: one more is let in when there is one more, and not before. */
async function placesAreFree(): Promise<void> {
  await eventually(
    async () => (await clientCount(calm)) === 1,
    () => 'all have gone',
  )
  expect((await threadCounts(calm)).reduce((sum, count) => sum + count, 0)).toBe(1)
  expect(await calm.call('CONFIG', 'SET', 'maxclients', 2)).toBe('OK')
  const isLetIn = async (): Promise<boolean> => {
    const probe = await WireClient.connect(server.port)
    probe.send(['PING'])
    const answer = await probe.next()
    if (answer === 'PONG') {
      const refused = await WireClient.connect(server.port)
      expect(await refused.rest()).toEqual(['-ERR max number of clients reached'])
    }
    probe.destroy()
    return answer === 'PONG'
  }
  await eventually(isLetIn, () => 'a place is free')
  expect(await calm.call('CONFIG', 'SET', 'maxclients', 20_000)).toBe('OK')
}

test(`${IDLE} connections that do nothing take little, and leave nothing`, async () => {
  const before = (await server.memory()).rss
  const idle: WireClient[] = []
  await whileServed(() =>
    inGroups(IDLE, async () => {
      const client = await WireClient.connect(server.port)
      idle.push(client)
      expect(await client.call('PING')).toBe('PONG')
    }),
  )
  const counts = await threadCounts(calm)
  expect(counts.reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(IDLE + 1)
  for (const count of counts) expect(count).toBeGreaterThan(IDLE / 4)
  const grown = (await server.memory()).rss - before
  if (isSoak)
    process.stdout.write(`${IDLE} idle connections: ${((grown * 1024) / IDLE).toFixed(1)} KiB each\n`)
  expect(grown).toBeLessThan((IDLE * IDLE_KB_MAX) / 1024 + SLACK_MB)
  await whileServed(async () => {
    for (const [i, client] of idle.entries()) {
      if (i % 2 === 0) client.destroy()
      else client.reset()
    }
    await Promise.all(idle.map((client) => client.closed))
  })
  await placesAreFree()
})

test(`${STORM} connections that come and go at once are nothing to the others`, async () => {
  const settled = (await server.memory()).rss
  await whileServed(() =>
    inGroups(STORM, async (i) => {
      const client = await WireClient.connect(server.port)
      if (i % 5 === 0) client.write(request('GET', 'n').subarray(0, 9))
      if (i % 5 === 1) client.send(['PING'], ['QUIT'])
      if (i % 5 === 2) expect(await client.call('PING')).toBe('PONG')
      if (i % 5 === 3) client.send(['SUBSCRIBE', `c${i}`], ['GET', 'x'])
      if (i % 2 === 0) client.reset()
      else client.destroy()
      await client.closed
    }),
  )
  await placesAreFree()
  expect((await server.memory()).rss - settled).toBeLessThan(2 * SLACK_MB)
})
