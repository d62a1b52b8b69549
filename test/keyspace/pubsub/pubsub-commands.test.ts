/** PUBLISH, SPUBLISH and PUBSUB, over one shard's channels. */
import { beforeEach, describe, expect, it } from 'vitest'
import { PubSubHub } from '../../../src/keyspace/pubsub/pubsub-hub.ts'
import type { SubscriptionKind } from '../../../src/keyspace/pubsub/pubsub-messages.ts'
import { mergeReplies } from '../../../src/keyspace/shard/split-command.ts'
import { makeEngine, type TestEngine } from '../../support/engine.ts'

let test: TestEngine
let hub: PubSubHub

beforeEach(() => {
  test = makeEngine()
  hub = new PubSubHub({ shard: 0, shardCount: 1, forward: () => {}, onKeyListeners: () => {} })
  test.engine.channels = hub
})

async function subscribe(kind: SubscriptionKind, ...names: string[]): Promise<void> {
  const request = { kind, names, queueMax: 100, queueBytesMax: 1e6, whenSlow: 'cut' as const }
  await hub.subscribe(request, new AbortController().signal).next()
}

describe('the commands of publish and subscribe', () => {
  it('publish, and answer how many get it', async () => {
    await subscribe('channels', 'a')
    await subscribe('patterns', 'a*', '*')
    await subscribe('sharded', 'a')
    expect(test.ask('PUBLISH', 'a', 'm')).toBe(3)
    expect(test.ask('SPUBLISH', 'a', 'm')).toBe(1)
    expect(test.ask('PUBLISH', 'b', 'm')).toBe(1)
    expect(test.ask('PUBLISH', 'a')).toMatch('wrong number of arguments')
    // Nothing is logged, and no key is changed.
    expect(test.commits).toEqual([])
  })

  it('take messages as bytes, whatever their size', async () => {
    await subscribe('channels', 'a')
    expect(test.ask('PUBLISH', 'a', new Uint8Array(200_000))).toBe(1)
  })

  it('tell who listens', async () => {
    await subscribe('channels', 'a', 'b')
    await subscribe('channels', 'b')
    await subscribe('sharded', 's')
    await subscribe('patterns', 'x*', 'x*', 'y*')
    expect([...(test.ask('PUBSUB', 'CHANNELS') as string[])].sort()).toEqual(['a', 'b'])
    expect(test.ask('PUBSUB', 'channels', 'b*')).toEqual(['b'])
    expect(test.ask('PUBSUB', 'SHARDCHANNELS')).toEqual(['s'])
    expect(test.ask('PUBSUB', 'NUMSUB', 'b', 'a', 'none')).toEqual(['b', 2, 'a', 1, 'none', 0])
    expect(test.ask('PUBSUB', 'NUMSUB')).toEqual([])
    expect(test.ask('PUBSUB', 'SHARDNUMSUB', 's', 'a')).toEqual(['s', 1, 'a', 0])
    expect(test.ask('PUBSUB', 'NUMPAT')).toBe(2)
    expect(test.ask('PUBSUB', 'NOTHING')).toMatch('unknown subcommand')
  })

  it('are put together from all shards by adding', () => {
    const replies = [
      { reply: ['a', 2, 'b', 0], places: [] },
      { reply: ['a', 0, 'b', 1], places: [] },
    ]
    expect(mergeReplies('counts', replies)).toEqual(['a', 2, 'b', 1])
  })

  it('refuse to publish where there are no channels, rather than lose the message', () => {
    expect(makeEngine().ask('PUBLISH', 'a', 'm')).toMatch('not allowed here')
  })
})
