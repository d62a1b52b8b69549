/** CLIENT PAUSE over two threads: what waits, what does not, and how it goes on. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { delay } from '../../support/redis/resp-client.ts'
import { clientList, eventually } from '../../support/robust/client-list.ts'
import { type WireClient, WireClients } from '../../support/robust/wire-client.ts'
import { type TestServer, testServer } from '../../support/server.ts'

let server: TestServer
let clients: WireClients
let admin: WireClient
let hasEnded = false

beforeAll(async () => {
  server = await testServer()
  clients = new WireClients(server.port)
  admin = await clients.one()
})
// A test that fails holds up none after it.
afterEach(async () => {
  if (!hasEnded) await admin.call('CLIENT', 'UNPAUSE')
})
afterAll(async () => {
  clients.close()
  await server.close()
})

/** Waits until so many clients are held up. */
function untilHeld(count: number): Promise<void> {
  let found = 0
  return eventually(
    async () => {
      found = Number(/blocked_clients:(\d+)/.exec(String(await admin.call('INFO', 'clients')))![1])
      return found === count
    },
    () => `${count} clients wait; it was ${found}`,
  )
}

test('writes of every kind wait on every thread, reads and wrong ones do not', async () => {
  const [reader, queueing, executing, ...writers] = await clients.several(7)
  await executing!.call('MULTI')
  await executing!.call('SET', 'c', '1')
  expect(await admin.call('CLIENT', 'PAUSE', '60000', 'WRITE')).toBe('OK')
  expect(await reader!.call('GET', 'a')).toBeNull()
  expect(await reader!.call('SET', 'a')).toMatch(/^-ERR wrong number of arguments/)
  for (const argv of [['MULTI'], ['PING'], ['GET', 'a']]) await reader!.call(...argv)
  expect(await reader!.call('EXEC')).toEqual(['PONG', null])
  // A write is not even queued, and what is queued already is not run.
  queueing!.send(['MULTI'], ['SET', 'b', '1'], ['EXEC'])
  executing!.send(['EXEC'])
  for (const [i, argv] of [
    ['SET', 'a', '1'],
    ['MSET', 'x', '1', 'y', '2'],
    ['PUBLISH', 'channel', 'm'],
    ['BLPOP', 'none', '0.01'],
  ].entries()) {
    writers[i]!.send(argv, ['PING'])
  }
  await untilHeld(6)
  expect(await reader!.call('MGET', 'a', 'b', 'c', 'x')).toEqual([null, null, null, null])
  expect(await admin.call('CLIENT', 'UNPAUSE')).toBe('OK')
  expect(await queueing!.take(3)).toEqual(['OK', 'QUEUED', ['OK']])
  expect(await executing!.next()).toEqual(['OK'])
  const replies = await Promise.all(writers.map((writer) => writer.take(2)))
  expect(replies).toEqual([
    ['OK', 'PONG'],
    ['OK', 'PONG'],
    [0, 'PONG'],
    [null, 'PONG'],
  ])
  await untilHeld(0)
})

test('what was held up runs with the rights of then, and is counted and logged as any other', async () => {
  const [held, refused, monitor] = await clients.several(3)
  await admin.call('ACL', 'SETUSER', 'bob', 'on', 'nopass', '~*', '+@all', 'rate:2/1000')
  for (const client of [held, refused]) await client!.call('AUTH', 'bob', 'x')
  await admin.call('CONFIG', 'SET', 'slowlog-log-slower-than', '0')
  await admin.call('CONFIG', 'RESETSTAT')
  await monitor!.call('MONITOR')
  await admin.call('CLIENT', 'PAUSE', '60000', 'WRITE')
  held!.send(['SET', 'held', '1'])
  refused!.send(['APPEND', 'refused', '1'])
  await untilHeld(2)
  await admin.call('ACL', 'SETUSER', 'bob', '-append')
  await admin.call('CLIENT', 'UNPAUSE')
  expect(await held!.next()).toBe('OK')
  expect(await refused!.next()).toMatch(/^-NOPERM .* run the 'append' command/)
  // Each has counted once for the rate, although it was looked at twice.
  expect(await held!.call('GET', 'held')).toMatch(/^-LIMITED/)
  const stats = String(await admin.call('INFO', 'commandstats'))
  expect(stats).toMatch(/cmdstat_set:calls=1,.*rejected_calls=0/)
  expect(stats).toMatch(/cmdstat_append:calls=0,.*rejected_calls=1/)
  const slow = JSON.stringify(await admin.call('SLOWLOG', 'GET', '-1'))
  expect(slow).toContain('["SET","held","1"]')
  await eventually(
    () => monitor!.replies.some((line) => String(line).includes('"SET" "held" "1"')),
    () => 'MONITOR shows it',
  )
  await admin.call('CONFIG', 'SET', 'slowlog-log-slower-than', '10000')
  await admin.call('ACL', 'DELUSER', 'bob')
  monitor!.destroy()
})

test('a request whose client ends its side, is killed or loses its user meanwhile is not done', async () => {
  const [ended, killed, deleted] = await clients.several(3)
  await admin.call('ACL', 'SETUSER', 'carol', 'on', 'nopass', '~*', '+@all')
  await deleted!.call('AUTH', 'carol', 'x')
  await killed!.call('CLIENT', 'SETNAME', 'killed')
  await admin.call('CLIENT', 'PAUSE', '60000', 'WRITE')
  const all = [ended!, killed!, deleted!]
  for (const [i, client] of all.entries()) client.send(['PING'], ['SET', `gone${i}`, '1'], ['PING'])
  await untilHeld(3)
  const line = (await clientList(admin)).get('killed')!
  expect(line['flags']).toBe('b')
  // Nobody can end its wait, as it waits in no command.
  expect(await admin.call('CLIENT', 'UNBLOCK', line['id']!)).toBe(0)
  ended!.end()
  await admin.call('CLIENT', 'KILL', 'ID', line['id']!)
  await admin.call('ACL', 'DELUSER', 'carol')
  for (const client of all) expect(await client.rest()).toEqual(['PONG'])
  await untilHeld(0)
  await admin.call('CLIENT', 'UNPAUSE')
  expect(await admin.call('EXISTS', 'gone0', 'gone1', 'gone2')).toBe(0)
})

test('a pause of all holds up everything until it is over, what it is ended with as well', async () => {
  const [reader, ...others] = await clients.several(4)
  await reader!.call('CLIENT', 'PAUSE', '150')
  const begunMs = performance.now()
  for (const client of others) client.send(['PING'], ['GET', 'a'])
  reader!.send(['CLIENT', 'UNPAUSE'])
  const replies = await Promise.all([reader!.next(), ...others.map((client) => client.take(2))])
  expect(replies).toEqual(['OK', ...others.map(() => ['PONG', '1'])])
  expect(performance.now() - begunMs).toBeGreaterThan(100)
})

test('when a pause has been answered nothing changes any more, however much was on its way', async () => {
  const writers = await clients.several(6)
  const keys = Array.from({ length: 8 }, (_, i) => `n${i}`)
  const { keyspace } = server.runtime
  const sum = (): string => keys.map((key) => keyspace.getSync(key)).join()
  for (let round = 0; round < 3; round++) {
    const told = writers.map((writer, i) => {
      const commands = keys.flatMap((key, n) => [
        ['INCR', key],
        ...(i % 2 === 0 ? [['MULTI'], ['INCR', key], ['INCR', keys[7 - n]!], ['EXEC']] : []),
        ['MSET', `${key}:a`, i, `${key}:b`, round],
      ])
      writer.send(...commands)
      return writer.take(commands.length)
    })
    await delay(round)
    await admin.call('CLIENT', 'PAUSE', '60000', 'WRITE')
    const before = sum()
    await delay(5)
    expect(sum()).toBe(before)
    await admin.call('CLIENT', 'UNPAUSE')
    await Promise.all(told)
  }
})

test('who waits for a key is served by what MULTI had queued, and its time ends during a pause', async () => {
  const [popper, late, pusher] = await clients.several(3)
  popper!.send(['BLPOP', 'list', '0'])
  late!.send(['BLPOP', 'never', '0.05'])
  await untilHeld(2)
  for (const argv of [['MULTI'], ['CLIENT', 'PAUSE', '60000', 'WRITE'], ['RPUSH', 'list', 'x']]) {
    await pusher!.call(...argv)
  }
  // A pause begins at the end of a transaction.
  expect(await pusher!.call('EXEC')).toEqual(['OK', 1])
  expect(await popper!.next()).toEqual(['list', 'x'])
  expect(await late!.next()).toBeNull()
  pusher!.send(['RPUSH', 'list', 'y'])
  await untilHeld(1)
  await admin.call('CLIENT', 'UNPAUSE')
  expect(await pusher!.next()).toBe(1)
})

// The last one, as it ends the server.
test('a server that ends does not wait for a pause, and does nothing of what it has held up', async () => {
  hasEnded = true
  clients.close()
  const [asker, writer] = await clients.several(2)
  admin = asker!
  await admin.call('CLIENT', 'PAUSE', '3600000', 'WRITE')
  writer!.send(['PING'], ['SET', 'never', '1'])
  await untilHeld(1)
  for (const client of [admin, writer!]) void client.ended.then(() => client.destroy())
  await server.server.close({ timeoutMs: 20_000 })
  expect(await writer!.rest()).toEqual(['PONG'])
  expect(server.runtime.keyspace.getSync('never')).toBeUndefined()
})
