/** Publish and subscribe with real threads. */
import { createRuntime, type Keyspace, type KeyspaceOptions } from 'shardloom'
import { afterEach, describe, expect, it } from 'vitest'

const open: { close(): Promise<unknown> }[] = []

afterEach(async () => {
  for (const runtime of open.splice(0)) await runtime.close()
})

async function start(keyspace: KeyspaceOptions = {}): Promise<Keyspace> {
  const runtime = await createRuntime({ threads: 2, keyspace: { shards: 2, ...keyspace } })
  open.push(runtime)
  return runtime.keyspace
}

const CHANNELS = Array.from({ length: 12 }, (_, i) => `channel:${i}`)

async function take<T>(items: AsyncIterable<T>, count: number): Promise<T[]> {
  const taken: T[] = []
  for await (const item of items) {
    taken.push(item)
    if (taken.length === count) break
  }
  return taken
}

describe('keyspace.subscribe', () => {
  it('gives each channel its messages in order, and publishers the exact number of receivers', async () => {
    const keyspace = await start()
    const all = keyspace.subscribe(CHANNELS)
    const one = keyspace.subscribe('channel:3')
    const some = keyspace.psubscribe(['channel:1*', '*:3'], { queueMax: 10_000 })
    await Promise.all([all.ready, one.ready, some.ready])
    const counts: Promise<number>[] = []
    const rounds = 50
    for (let i = 0; i < rounds; i++) {
      for (const channel of CHANNELS) counts.push(keyspace.publish(channel, `${i}`))
    }
    const wanted = (channel: string): number =>
      1 + (channel === 'channel:3' ? 2 : 0) + (channel.startsWith('channel:1') ? 1 : 0)
    expect(await Promise.all(counts)).toEqual(
      Array.from({ length: rounds }, () => CHANNELS.map(wanted)).flat(),
    )
    const got = await take(all, rounds * CHANNELS.length)
    const inOrder = Array.from({ length: rounds }, (_, i) => `${i}`)
    for (const channel of CHANNELS) {
      expect(got.filter((item) => item.channel === channel).map(({ message }) => message)).toEqual(inOrder)
    }
    expect((await take(one, rounds)).map(({ message }) => message)).toEqual(inOrder)
    const found = await take(some, rounds * 4)
    expect(new Set(found.map(({ pattern, channel }) => `${pattern} ${channel}`))).toEqual(
      new Set(['channel:1* channel:1', 'channel:1* channel:10', 'channel:1* channel:11', '*:3 channel:3']),
    )
  })

  it('tells who listens, over all shards', async () => {
    const keyspace = await start()
    const all = keyspace.subscribe(CHANNELS)
    const again = keyspace.subscribe('channel:3')
    const sharded = keyspace.subscribe('s', { sharded: true })
    const patterns = keyspace.psubscribe(['a*', 'b*'])
    await Promise.all([all.ready, again.ready, sharded.ready, patterns.ready])
    expect([...((await keyspace.command('PUBSUB', 'CHANNELS')) as string[])].sort()).toEqual(
      [...CHANNELS].sort(),
    )
    expect(await keyspace.command('PUBSUB', 'NUMSUB', 'channel:3', 'channel:4', 'x')).toEqual([
      'channel:3',
      2,
      'channel:4',
      1,
      'x',
      0,
    ])
    expect(await keyspace.command('PUBSUB', 'NUMPAT')).toBe(2)
    expect(await keyspace.command('PUBSUB', 'SHARDCHANNELS')).toEqual(['s'])
    expect(await keyspace.publish('s', 'm', { sharded: true })).toBe(1)
    expect(await keyspace.publish('s', 'm')).toBe(0)
    expect((await take(sharded, 1))[0]).toEqual({ type: 'message', channel: 's', message: 'm' })
  })

  it('ends who is too slow, or tells how many were dropped', async () => {
    const keyspace = await start()
    const cut = keyspace.subscribe('c', { queueMax: 10 })
    const drop = keyspace.subscribe('c', { queueMax: 10, whenSlow: 'drop', form: 'buffer' })
    await Promise.all([cut.ready, drop.ready])
    const count = 20_000
    const counts: Promise<number>[] = []
    for (let i = 0; i < count; i++) counts.push(keyspace.publish('c', `${i}`))
    await Promise.all(counts)
    await expect(take(cut, count)).rejects.toMatchObject({ code: 'SHL_SUBSCRIBER_SLOW' })
    let next = 0
    for await (const item of drop) {
      if (item.type === 'lost') next += item.count as number
      else expect(Buffer.from(item.message).toString()).toBe(`${next++}`)
      if (next === count) break
    }
    expect(next).toBe(count)
  })

  it('hears of a message that a transaction publishes', async () => {
    const keyspace = await start()
    const all = keyspace.subscribe(CHANNELS)
    await all.ready
    const session = keyspace.session()
    await session.call(['MULTI'])
    await session.call(['SET', 'k', 'v'])
    for (const channel of CHANNELS) await session.call(['PUBLISH', channel, 'm'])
    await session.call(['EXEC'])
    expect((await take(all, CHANNELS.length)).map(({ channel }) => channel).sort()).toEqual(
      [...CHANNELS].sort(),
    )
  })

  it('hears of keys when the keyspace is to tell', async () => {
    const keyspace = await start({ notifyKeyspaceEvents: 'KEA' })
    const events = keyspace.subscribe('__keyevent@0__:set')
    const patterns = keyspace.psubscribe('__keyspace@0__:user:*')
    await Promise.all([events.ready, patterns.ready])
    const keys = Array.from({ length: 20 }, (_, i) => `user:${i}`)
    await keyspace.mset(Object.fromEntries(keys.map((key) => [key, '1'])))
    await keyspace.delete(...keys)
    expect((await take(events, 20)).map(({ message }) => message).sort()).toEqual([...keys].sort())
    const heard = (await take(patterns, 40)).map(({ channel, message }) => `${message} ${channel}`)
    expect(heard.sort()).toEqual(
      keys.flatMap((key) => [`del __keyspace@0__:${key}`, `set __keyspace@0__:${key}`]).sort(),
    )
  })

  it('goes on when a shard was started again, and says so', async () => {
    const keyspace = await start()
    const all = keyspace.psubscribe('*', { whenSlow: 'drop' })
    const cut = keyspace.psubscribe('*')
    await Promise.all([all.ready, cut.ready])
    await (await keyspace.client.shardRef(0)).stop({ mode: 'kill' })
    expect((await all.next()).value).toEqual({ type: 'lost', count: undefined })
    await expect(cut.next()).rejects.toMatchObject({ code: 'SHL_SHARD_DOWN' })
    for (const channel of CHANNELS) expect(await keyspace.publish(channel, 'm')).toBe(1)
    expect(await take(all, CHANNELS.length)).toHaveLength(CHANNELS.length)
  })

  it('refuses flags that it does not know', async () => {
    await expect(start({ notifyKeyspaceEvents: 'KEq' })).rejects.toMatchObject({ code: 'SHL_OPTION_INVALID' })
  })
})
