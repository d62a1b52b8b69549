/** Publish and subscribe over two threads and two shards: nothing is missed after an acknowledgement. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { clientsOf, type Plain, type PushClient } from '../../support/push-client.ts'
import { type TestServer, testServer } from '../../support/server.ts'

let server: TestServer
const { several } = clientsOf(() => server)

beforeAll(async () => {
  server = await testServer({
    serve: {
      notifyKeyspaceEvents: 'KEA',
      clientOutputBufferLimit: { normal: [0, 0, 0], slave: [0, 0, 0], pubsub: [1024 * 1024, 0, 0] },
    },
  })
})
afterAll(() => server.close())

it('whatever is published after an acknowledgement, from any thread, is heard, and counted', async () => {
  const [publishers, listeners] = await Promise.all([several(4), several(8)])
  for (let round = 0; round < 16; round++) {
    const channel = `round:${round}`
    const count = 1 + (round % listeners.length)
    await Promise.all(listeners.slice(0, count).map((one) => one.confirm('SUBSCRIBE', channel)))
    const publisher = publishers[round % publishers.length]!
    expect(await publisher.call('PUBLISH', channel, round)).toBe(count)
    expect(await publisher.call('PUBSUB', 'NUMSUB', channel)).toEqual([channel, count])
    for (const one of listeners.slice(0, count)) {
      expect(await one.take()).toEqual([['message', channel, `${round}`]])
      expect(await one.confirm('UNSUBSCRIBE', channel)).toEqual([['unsubscribe', channel, 0]])
    }
    expect(await publisher.call('PUBLISH', channel, 'late')).toBe(0)
  }
  for (const one of listeners) expect(one.pushes).toEqual([])
  expect(await publishers[0]!.call('PUBSUB', 'CHANNELS')).toEqual([])
})

it('a channel has one order for all that listen, also by patterns', async () => {
  const listeners = await several(6)
  await Promise.all(listeners.slice(0, 3).map((one) => one.confirm('SUBSCRIBE', 'news')))
  await Promise.all(listeners.slice(3).map((one) => one.confirm('PSUBSCRIBE', 'n*s')))
  const publishers = await several(4)
  const each = 50
  await Promise.all(
    publishers.map((one, i) =>
      one.pipeline(Array.from({ length: each }, (_, j) => ['PUBLISH', 'news', `${i}:${j}`])),
    ),
  )
  const orders = await Promise.all(
    listeners.map(async (one) => (await one.take(publishers.length * each)).map((push) => push.at(-1))),
  )
  for (const order of orders) expect(order).toEqual(orders[0])
  for (let i = 0; i < publishers.length; i++) {
    const own = orders[0]!.filter((text) => String(text).startsWith(`${i}:`))
    expect(own).toEqual(Array.from({ length: each }, (_, j) => `${i}:${j}`))
  }
})

it('what a client did before it published is done when its message is heard', async () => {
  const [listener, reader, writer] = (await several(3)) as [PushClient, PushClient, PushClient]
  await listener.confirm('SUBSCRIBE', 'done')
  for (let i = 0; i < 30; i++) {
    writer
      .pipeline([
        ['SET', `key:${i}`, `${i}`],
        ['PUBLISH', 'done', `${i}`],
      ])
      .catch(() => undefined)
    const [[, , heard]] = (await listener.take()) as [Plain[]]
    expect(await reader.call('GET', `key:${String(heard)}`)).toBe(String(heard))
  }
})

it('names come and go with clients, and with RESET', async () => {
  const [one, two, asker] = (await several(3)) as [PushClient, PushClient, PushClient]
  await one.confirm('SUBSCRIBE', 'a', 'b')
  await two.confirm('SUBSCRIBE', 'a')
  await two.confirm('SSUBSCRIBE', 's')
  await one.confirm('PSUBSCRIBE', 'p*')
  const before = Number(await asker.call('PUBSUB', 'NUMPAT'))
  expect(await asker.call('PUBSUB', 'NUMSUB', 'a', 'b')).toEqual(['a', 2, 'b', 1])
  expect(await asker.call('PUBSUB', 'SHARDNUMSUB', 's')).toEqual(['s', 1])
  one.close()
  await two.call('RESET')
  const isGone = async (): Promise<boolean> =>
    JSON.stringify(await asker.call('PUBSUB', 'NUMSUB', 'a', 'b')) === '["a",0,"b",0]' &&
    Number(await asker.call('PUBSUB', 'NUMPAT')) < before
  const endMs = performance.now() + 5000
  while (!(await isGone()) && performance.now() < endMs)
    await new Promise((resolve) => setTimeout(resolve, 5))
  expect(await isGone()).toBe(true)
  expect(await asker.call('SPUBLISH', 's', 'x')).toBe(0)
})

it('a message waits for nobody who waits for a key', async () => {
  const [listener, other] = (await several(2)) as [PushClient, PushClient]
  await listener.confirm('SUBSCRIBE', 'ahead')
  const popped = listener.call('BLPOP', 'nothing:here', 0)
  await other.call('PUBLISH', 'ahead', 'now')
  expect(await listener.take()).toEqual([['message', 'ahead', 'now']])
  await other.call('RPUSH', 'nothing:here', 'x')
  expect(await popped).toEqual(['nothing:here', 'x'])
})

it('who does not read is closed, and nobody waits for it', async () => {
  const [slow, quick, publisher] = (await several(3)) as [PushClient, PushClient, PushClient]
  await slow.confirm('SUBSCRIBE', 'flood')
  await quick.confirm('SUBSCRIBE', 'flood')
  slow.socket.pause()
  const message = 'x'.repeat(64 * 1024)
  const count = 200
  for (let i = 0; i < count; i++) await publisher.call('PUBLISH', 'flood', message)
  expect(await quick.take(count)).toHaveLength(count)
  const endMs = performance.now() + 5000
  while ((await publisher.call('PUBLISH', 'flood', 'last')) !== 1 && performance.now() < endMs)
    await quick.take()
  expect(await publisher.call('PUBSUB', 'NUMSUB', 'flood')).toEqual(['flood', 1])
})

it('events of keys are messages, from whichever shard has the key', async () => {
  const [listener, patterns, writer] = (await several(3)) as [PushClient, PushClient, PushClient]
  await listener.confirm('SUBSCRIBE', '__keyspace@0__:one', '__keyspace@0__:two', '__keyevent@0__:expired')
  await patterns.confirm('PSUBSCRIBE', '__key*@0__:*')
  await writer.pipeline([
    ['SET', 'one', '1'],
    ['LPUSH', 'two', '1'],
  ])
  expect((await listener.take(2)).sort()).toEqual([
    ['message', '__keyspace@0__:one', 'set'],
    ['message', '__keyspace@0__:two', 'lpush'],
  ])
  expect(await patterns.take(4)).toHaveLength(4)
  await writer.call('SET', 'short', '1', 'PX', 20)
  expect(await listener.take()).toEqual([['message', '__keyevent@0__:expired', 'short']])
})

it('a client whose rights are narrowed is closed', async () => {
  const [admin, tom] = (await several(2)) as [PushClient, PushClient]
  await admin.call('ACL', 'SETUSER', 'tom', 'on', '>secret', '+@all', '~*', '&news.*')
  await tom.call('AUTH', 'tom', 'secret')
  expect(await tom.call('SUBSCRIBE', 'other')).toMatch(/^-NOPERM/)
  await tom.confirm('SUBSCRIBE', 'news.one')
  await admin.call('ACL', 'SETUSER', 'tom', 'resetchannels')
  await tom.until(() => tom.isClosed, 'its connection is closed')
})
