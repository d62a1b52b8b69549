/** Messages about keys, as Redis gives them. */
import { beforeEach, describe, expect, it } from 'vitest'
import type { Argument } from '../../../src/keyspace/engine/index.ts'
import { KeyNotifier } from '../../../src/keyspace/pubsub/key-notifier.ts'
import { CommitFeed, notifyFlags } from '../../../src/keyspace/watch/index.ts'
import { makeEngine, type TestEngine } from '../../support/engine.ts'

let test: TestEngine
let heard: string[]

beforeEach(() => {
  test = makeEngine()
  test.engine.onCommit = undefined
  heard = []
})

function notifier(flags: string, owns: (key: string) => boolean = () => true): KeyNotifier {
  const deliver = (channel: string, message: Argument): number => heard.push(`${channel} ${String(message)}`)
  return new KeyNotifier(
    notifyFlags('notify', flags),
    test.engine,
    new CommitFeed(test.engine),
    { deliver },
    owns,
  )
}

describe('KeyNotifier', () => {
  it('names key and event in channel and message', () => {
    notifier('KEA').listen(true)
    test.run('SET', 'a', '1')
    test.caller = { ...test.caller, db: 3 }
    test.run('LPUSH', 'l', 'x')
    expect(heard).toEqual([
      '__keyspace@0__:a set',
      '__keyevent@0__:set a',
      '__keyspace@3__:l lpush',
      '__keyevent@3__:lpush l',
    ])
  })

  it('tells of the classes that are named, and of expiry by its own', () => {
    notifier('Exg').listen(true)
    test.run('SET', 'a', '1', 'PX', 10)
    test.run('SET', 'b', '1')
    test.run('DEL', 'b')
    test.clock.advance(20)
    test.run('GET', 'a')
    expect(heard).toEqual(['__keyevent@0__:expire a', '__keyevent@0__:del b', '__keyevent@0__:expired a'])
  })

  it('listens to commits only while somebody may want them', () => {
    const one = notifier('KEA')
    expect(test.engine.onCommit).toBeUndefined()
    one.listen(true)
    expect(test.engine.onCommit).toBeDefined()
    one.listen(false)
    expect(test.engine.onCommit).toBeUndefined()
    notifier('').listen(true)
    notifier('A').listen(true)
    notifier('K').listen(true)
    expect(test.engine.onCommit).toBeUndefined()
  })

  it('tells of keys that are new, before what was done to them, and of reads that find none', () => {
    notifier('E$hm').listen(true)
    test.run('GET', 'a')
    test.run('SET', 'a', '1')
    test.run('GET', 'a')
    expect(heard).toEqual(['__keyevent@0__:keymiss a', '__keyevent@0__:set a'])
    heard = []
    notifier('E$hn').listen(true)
    test.run('GET', 'missing')
    test.run('SET', 'a', '2')
    test.run('APPEND', 'b', '2')
    test.run('HSET', 'h', 'f', '1')
    test.run('HSET', 'h', 'g', '1')
    // A collection that gets no member was never there.
    test.run('HINCRBYFLOAT', 'i', 'f', 'x')
    test.run('RENAME', 'h', 'j')
    expect(heard.filter((one) => one.includes(':new'))).toEqual([
      '__keyevent@0__:new b',
      '__keyevent@0__:new h',
      '__keyevent@0__:new j',
    ])
    expect(heard.indexOf('__keyevent@0__:new h')).toBe(heard.indexOf('__keyevent@0__:hset h') - 1)
    notifier('E$h').listen(true)
    expect(test.engine.onNewKey).toBeUndefined()
    expect(test.engine.beginHot()).toBe(true)
  })

  it('leaves out what another shard owns, and whole databases', () => {
    notifier('KA', (key) => key !== 'a').listen(true)
    test.run('SET', 'a', '1')
    test.run('SET', 'b', '1')
    test.run('FLUSHDB')
    expect(heard).toEqual(['__keyspace@0__:b set'])
  })
})
