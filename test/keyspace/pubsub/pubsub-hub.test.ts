/** Channels of one shard: who gets what, and how many that are. */
import { beforeEach, describe, expect, it } from 'vitest'
import { channelHome, isKeyChannel } from '../../../src/keyspace/pubsub/channel-home.ts'
import { PubSubHub } from '../../../src/keyspace/pubsub/pubsub-hub.ts'
import type {
  PublishMessage,
  SubscriptionItem,
  SubscriptionKind,
} from '../../../src/keyspace/pubsub/pubsub-messages.ts'

let hub: PubSubHub
let forwarded: [number, PublishMessage][]
let listening: boolean[]

beforeEach(() => {
  forwarded = []
  listening = []
  hub = makeHub(1)
})

function makeHub(shardCount: number): PubSubHub {
  return new PubSubHub({
    shard: 0,
    shardCount,
    forward: (shard, message) => forwarded.push([shard, message]),
    onKeyListeners: (hasAny) => listening.push(hasAny),
  })
}

async function subscribe(
  kind: SubscriptionKind,
  names: readonly string[],
): Promise<AsyncGenerator<SubscriptionItem, void>> {
  const request = { kind, names, queueMax: 100, queueBytesMax: 1e6, whenSlow: 'cut' as const }
  const stream = hub.subscribe(request, new AbortController().signal)
  expect((await stream.next()).value).toEqual({ type: 'open' })
  return stream
}

async function messages(stream: AsyncGenerator<SubscriptionItem, void>): Promise<unknown[]> {
  const { value } = await stream.next()
  return value?.type === 'batch'
    ? value.messages.map(({ channel, pattern, message }) => [channel, pattern, message])
    : []
}

describe('PubSubHub', () => {
  it('gives a message once for each subscription that it fits, and counts them', async () => {
    const both = await subscribe('channels', ['news', 'sport'])
    const sport = await subscribe('channels', ['sport'])
    const patterns = await subscribe('patterns', ['s*', '*t'])
    expect(hub.publish('sport', 'goal', false)).toBe(4)
    expect(hub.publish('news', 'vote', false)).toBe(1)
    expect(hub.publish('weather', 'rain', false)).toBe(0)
    expect(await messages(both)).toEqual([
      ['sport', undefined, 'goal'],
      ['news', undefined, 'vote'],
    ])
    expect(await messages(sport)).toEqual([['sport', undefined, 'goal']])
    expect(await messages(patterns)).toEqual([
      ['sport', 's*', 'goal'],
      ['sport', '*t', 'goal'],
    ])
  })

  it('keeps sharded channels apart: no pattern fits them', async () => {
    const sharded = await subscribe('sharded', ['c'])
    await subscribe('channels', ['c'])
    await subscribe('patterns', ['*'])
    expect(hub.publish('c', 'm', true)).toBe(1)
    expect(await messages(sharded)).toEqual([['c', undefined, 'm']])
    expect([hub.list(undefined, true), hub.list(undefined, false)]).toEqual([['c'], ['c']])
  })

  it('knows who listens, until they leave', async () => {
    const first = await subscribe('channels', ['a', 'b'])
    const second = await subscribe('channels', ['b'])
    const pattern = await subscribe('patterns', ['b*'])
    const same = await subscribe('patterns', ['b*'])
    expect(hub.list('[ab]', false).sort()).toEqual(['a', 'b'])
    expect(hub.list('b', false)).toEqual(['b'])
    expect([hub.count('a', false), hub.count('b', false), hub.count('c', false)]).toEqual([1, 2, 0])
    expect(hub.patternCount).toBe(1)
    for (const stream of [first, second, pattern, same]) await stream.return()
    expect(hub.list(undefined, false)).toEqual([])
    expect(hub.patternCount).toBe(0)
    expect(hub.publish('b', 'm', false)).toBe(0)
  })

  it('hands a message on to the shard where its channel is at home, and lists only its own', async () => {
    hub = makeHub(4)
    const channels = Array.from({ length: 50 }, (_, i) => `c${i}`)
    await subscribe('channels', channels)
    const own = channels.filter((channel) => channelHome(channel, 4) === 0)
    for (const channel of channels) {
      expect(hub.publish(channel, 'm', false)).toBe(own.includes(channel) ? 1 : 0)
    }
    expect(forwarded.map(([shard, { channel }]) => [channelHome(channel, 4), shard])).toEqual(
      channels.filter((one) => !own.includes(one)).map((one) => [channelHome(one, 4), channelHome(one, 4)]),
    )
    expect(hub.list(undefined, false).sort()).toEqual([...own].sort())
  })

  it('says whether anybody may want to hear of keys', async () => {
    const plain = await subscribe('channels', ['a'])
    expect(listening).toEqual([])
    const key = await subscribe('channels', ['a', '__keyspace@0__:k'])
    const pattern = await subscribe('patterns', ['x*'])
    await key.return()
    expect(listening).toEqual([true])
    await pattern.return()
    await plain.return()
    expect(listening).toEqual([true, false])
    expect(isKeyChannel('__keyevent@0__:del')).toBe(true)
  })

  it('a thread hears for all of its clients, by names that come and go, each with its weight', async () => {
    const request = { id: 'thread', names: [['channels', 'a', 3]] as const, queueMax: 10, queueBytesMax: 1e6 }
    const stream = hub.hear(request, new AbortController().signal)
    expect((await stream.next()).value).toEqual({ type: 'open' })
    expect(hub.publish('a', '1', false)).toBe(3)
    expect(hub.count('a', false)).toBe(3)
    expect(
      hub.listen({
        id: 'thread',
        names: [
          ['channels', 'a', 1],
          ['patterns', '*', 2],
          ['sharded', 'a', 5],
        ],
      }),
    ).toBe(true)
    expect(hub.publish('a', '2', false)).toBe(3)
    expect(hub.publish('a', '3', true)).toBe(5)
    expect(
      hub.listen({
        id: 'thread',
        names: [
          ['channels', 'a', 0],
          ['patterns', '*', 0],
          ['sharded', 'b', 0],
        ],
      }),
    ).toBe(true)
    expect(hub.publish('a', '4', false)).toBe(0)
    expect(await messages(stream)).toEqual([
      ['a', undefined, '1'],
      ['a', undefined, '2'],
      ['a', '*', '2'],
      ['a', undefined, '3'],
    ])
    expect(hub.listen({ id: 'nobody', names: [] })).toBe(false)
    await stream.return()
    expect(hub.publish('a', '5', true)).toBe(0)
    expect(hub.list(undefined, true)).toEqual([])
    expect(listening).toEqual([true, false])
  })

  it('a thread of its own is called at once', async () => {
    const heard: unknown[] = []
    const request = { id: 'own', names: [['channels', 'a', 2]] as const, queueMax: 10, queueBytesMax: 1e6 }
    const stream = hub.hear(request, new AbortController().signal, { push: (message) => heard.push(message) })
    await stream.next()
    expect(hub.publish('a', '1', false)).toBe(2)
    expect(heard).toEqual([{ channel: 'a', message: '1' }])
    await stream.return()
  })
})
