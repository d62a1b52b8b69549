/** Hits and misses, and the short ways of GET and SET. */
import { describe, expect, test } from 'vitest'
import { type BulkSink, hotGet, hotSet } from '../../../src/keyspace/engine/index.ts'
import { makeEngine } from '../../support/engine.ts'

describe('hits and misses', () => {
  test('are those of commands that read, by key', () => {
    const { engine, run } = makeEngine()
    const counted = (...argv: string[]): [number, number] => {
      const { keyHits, keyMisses } = engine.stats
      run(...argv)
      return [engine.stats.keyHits - keyHits, engine.stats.keyMisses - keyMisses]
    }
    expect(counted('SET', 'a', '1')).toEqual([0, 0])
    expect(counted('SET', 'a', '2', 'GET')).toEqual([0, 0])
    expect(counted('GET', 'a')).toEqual([1, 0])
    expect(counted('GET', 'none')).toEqual([0, 1])
    expect(counted('MGET', 'a', 'none', 'none2')).toEqual([1, 2])
    expect(counted('INCR', 'n')).toEqual([0, 0])
    expect(counted('DEL', 'none')).toEqual([0, 0])
    expect(counted('GET', 'n')).toEqual([1, 0])
    expect(engine.stats.commands).toBe(8)
  })

  test('of an expired key are misses', () => {
    const { engine, run, clock } = makeEngine()
    run('SET', 'a', '1', 'PX', 10)
    clock.advance(10)
    run('GET', 'a')
    expect(engine.stats).toMatchObject({ keyHits: 0, keyMisses: 1, expiredKeys: 1 })
  })
})

describe('the short ways', () => {
  function bytesOf(text: string) {
    return [Buffer.from(`..${text}`, 'latin1'), 2, text.length] as const
  }

  /** Takes what `hotGet` answers. */
  class Sink implements BulkSink {
    found: string | null | undefined
    #bytes = new Uint8Array()
    null(): void {
      this.found = null
    }
    bulk(lengthBytes: number) {
      this.#bytes = new Uint8Array(lengthBytes + 3)
      return { bytes: this.#bytes, offset: 3 }
    }
    get value(): string | null | undefined {
      return this.found === null ? null : Buffer.from(this.#bytes.subarray(3)).toString('latin1')
    }
  }

  test('of GET answer for plain strings and missing keys, and leave the rest to the long way', () => {
    const { engine, run } = makeEngine()
    run('SET', 'a', 'v\xff')
    run('SET', 'volatile', 'v', 'PX', 1000)
    run('RPUSH', 'list', 'x')
    expect(engine.beginHot()).toBe(true)
    const get = (key: string): string | null | false => {
      const sink = new Sink()
      return hotGet(engine, ...bytesOf(key), sink) ? (sink.value as string | null) : false
    }
    const { commands } = engine.stats
    expect(['a', 'none', 'volatile', 'list', 'k'.repeat(100_000)].map(get)).toEqual([
      'v\xff',
      null,
      false,
      false,
      false,
    ])
    expect(engine.stats).toMatchObject({ commands: commands + 2, keyHits: 1, keyMisses: 1 })
  })

  test('of SET put plain strings, with a revision, while nobody listens', () => {
    const { engine, run, ask } = makeEngine()
    run('SET', 'volatile', 'old', 'PX', 1000)
    run('RPUSH', 'list', 'x')
    const set = (key: string, value: string): boolean => {
      const bytes = Buffer.from(`.${key}${value}`, 'latin1')
      return hotSet(engine, bytes, 1, key.length, 1 + key.length, value.length)
    }
    expect(set('a', 'heard')).toBe(false)
    engine.onCommit = undefined
    engine.onTouched = () => {}
    expect(set('a', 'touched')).toBe(false)
    engine.onTouched = undefined
    engine.beginHot()
    expect(['a', 'volatile', 'list'].map((key) => set(key, 'new'))).toEqual([true, false, false])
    expect([ask('GET', 'a'), ask('GET', 'volatile'), ask('LLEN', 'list')]).toEqual(['new', 'old', 1])
    const db = engine.database(0)
    expect(db.revisionOf('a')).toBeGreaterThan(db.revisionOf('list')!)
    expect(set('a', 'newer')).toBe(true)
    expect(ask('GET', 'a')).toBe('newer')
  })

  test('are closed while memory has a ceiling', () => {
    expect(makeEngine({ memory: { maxBytes: 1e9 } }).engine.beginHot()).toBe(false)
  })
})
