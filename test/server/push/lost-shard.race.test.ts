/** A thread dies with its shard: who may have missed something because of it is told so. */
import { expect, it } from 'vitest'
import { PushClient } from '../../support/push-client.ts'
import { delay } from '../../support/redis/resp-client.ts'
import { testServer } from '../../support/server.ts'

it('listeners to its channels are closed, caches are emptied, and the next one takes its place', async () => {
  const server = await testServer({ threads: 2, keyspace: { shards: 2, historyKeepMs: 0 } })
  try {
    const clients = await Promise.all(Array.from({ length: 8 }, () => PushClient.connect(server.port)))
    // Channels of both shards, and patterns, which are of all.
    const names = Array.from({ length: 12 }, (_, i) => `channel:${i}`)
    await clients[0]!.confirm('PSUBSCRIBE', 'never*')
    await Promise.all(clients.slice(0, 8).map((one) => one.call('CLIENT', 'TRACKING', 'ON')))
    await Promise.all(clients.slice(4).map((one) => one.confirm('SUBSCRIBE', ...names)))
    for (const name of names) await clients[1]!.call('GET', name)
    const [doomed] = server.runtime.sharedThreads as [number]
    await server.runtime.killThread(doomed)
    // Some died with the thread; of the others those that listen are closed, and those that cache are told.
    const endMs = performance.now() + 8000
    const listens = (i: number): boolean => i === 0 || i >= 4
    const isSettled = (): boolean =>
      clients.every((one, i) => one.isClosed || (!listens(i) && one.pushes.some(([, keys]) => keys === null)))
    while (!isSettled() && performance.now() < endMs) await delay(5)
    expect(isSettled()).toBe(true)
    // Everything works again.
    let back: PushClient | undefined
    while (back === undefined && performance.now() < endMs) {
      back = await PushClient.connect(server.port).catch(() => undefined)
    }
    await back!.confirm('SUBSCRIBE', ...names)
    const publisher = await PushClient.connect(server.port)
    for (const name of names) {
      expect(await publisher.call('PUBLISH', name, 'x')).toBe(1)
      expect(await back!.take()).toEqual([['message', name, 'x']])
    }
    for (const client of [...clients, back!, publisher]) client.close()
  } finally {
    await server.close()
  }
})
