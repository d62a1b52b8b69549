/** Stores that keep their data in a Redis: sessions of Express (connect-redis), and Keyv. */

import type { AddressInfo } from 'node:net'
import KeyvRedis from '@keyv/redis'
import { RedisStore } from 'connect-redis'
import express from 'express'
import session from 'express-session'
import { Keyv } from 'keyv'
import { createClient } from 'redis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { until } from '../../support/clients/until.ts'
import { type TestServer, testServer } from '../../support/server.ts'

let server: TestServer
let url: string
const open: (() => unknown)[] = []

beforeAll(async () => {
  server = await testServer({ threads: 2, keyspace: { shards: 2 } })
  url = `redis://127.0.0.1:${server.port}`
})
afterAll(() => server.close())
beforeEach(() => server.runtime.keyspace.command('FLUSHALL'))
afterEach(async () => {
  for (const close of open.splice(0)) await close()
})

describe('connect-redis', () => {
  async function makeStore(options: object = {}): Promise<RedisStore> {
    const client = createClient({ url })
    await client.connect()
    open.push(() => client.destroy())
    return new RedisStore({ client, ...options })
  }

  test('an application of Express counts the visits of each of its visitors', async () => {
    const app = express()
    const store = await makeStore({ prefix: 'visits:' })
    app.use(session({ store, secret: 'test', resave: false, saveUninitialized: false }))
    app.get('/', (request, response) => {
      const visit = request.session as unknown as { count?: number }
      visit.count = (visit.count ?? 0) + 1
      response.send(String(visit.count))
    })
    app.get('/leave', (request, response) => {
      request.session.destroy(() => response.send('bye'))
    })
    const http = app.listen(0, '127.0.0.1')
    await new Promise((resolve) => http.once('listening', resolve))
    open.push(() => http.close())
    const base = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
    const visitor = async () => {
      const first = await fetch(base)
      expect(await first.text()).toBe('1')
      const cookie = first.headers.get('set-cookie')?.split(';')[0] ?? ''
      return async (path: string) => (await fetch(base + path, { headers: { cookie } })).text()
    }
    const [ann, bob] = [await visitor(), await visitor()]
    expect([await ann('/'), await ann('/'), await bob('/')]).toEqual(['2', '3', '2'])
    expect(await server.runtime.keyspace.command('DBSIZE')).toBe(2)
    expect(await ann('/leave')).toBe('bye')
    expect([await ann('/'), await bob('/')]).toEqual(['1', '3'])
  })

  test('its store: set, get, touch, ids, all, length, destroy, clear', async () => {
    const store = await makeStore({ ttl: 60 })
    const data = { cookie: { originalMaxAge: null }, user: 'Ann' } as unknown as session.SessionData
    const call = <T>(start: (done: (error: unknown, value?: T) => void) => unknown): Promise<T | undefined> =>
      new Promise((resolve, reject) => {
        start((error, value) => (error ? reject(error) : resolve(value)))
      })
    for (let i = 0; i < 120; i++) await call((done) => store.set(`s${i}`, data, done))
    expect(await call((done) => store.get('s7', done))).toEqual(data)
    expect(await call((done) => store.get('nobody', done))).toBeFalsy()
    expect(await call<number>((done) => store.length(done))).toBe(120)
    expect((await call<string[]>((done) => store.ids(done)))?.length).toBe(120)
    expect((await call<session.SessionData[]>((done) => store.all(done)))?.length).toBe(120)
    expect(await server.runtime.keyspace.command('TTL', 'sess:s7')).toBeGreaterThan(30)
    const soon = new Date(Date.now() + 5000).toISOString()
    const ending = { ...data, cookie: { ...data.cookie, expires: soon } } as unknown as session.SessionData
    await call((done) => store.touch('s7', ending, done))
    expect(await server.runtime.keyspace.command('TTL', 'sess:s7')).toBeLessThanOrEqual(5)
    await call((done) => store.destroy('s7', done))
    expect(await call((done) => store.get('s7', done))).toBeFalsy()
    await call((done) => store.clear(done))
    expect(await call<number>((done) => store.length(done))).toBe(0)
  })
})

describe('Keyv', () => {
  function makeKeyv(options: object = {}): Keyv {
    const keyv = new Keyv(new KeyvRedis(url), options)
    open.push(() => keyv.disconnect())
    return keyv
  }

  test('values of every kind, with an end, and without', async () => {
    const keyv = makeKeyv()
    for (const value of ['text', 7, true, { a: [1, { b: null }] }, 'ünïcode', Buffer.from([0, 255])]) {
      expect(await keyv.set('k', value)).toBe(true)
      expect(await keyv.get('k')).toEqual(value)
    }
    expect(await keyv.get('nothing')).toBe(undefined)
    await keyv.set('long', 'lived', 60_000)
    expect(await keyv.get('long')).toBe('lived')
    await keyv.set('short', 'lived', 20)
    await until(async () => (await keyv.get('short')) === undefined)
    expect([await keyv.has('k'), await keyv.has('short')]).toEqual([true, false])
    expect([await keyv.delete('k'), await keyv.delete('k'), await keyv.has('k')]).toEqual([
      true,
      false,
      false,
    ])
  })

  test('many at once', async () => {
    const keyv = makeKeyv()
    const entries = Array.from({ length: 200 }, (_, i) => ({ key: `k${i}`, value: i }))
    await keyv.setMany(entries)
    const keys = entries.map(({ key }) => key)
    expect(await keyv.getMany([...keys, 'none'])).toEqual([...entries.map(({ value }) => value), undefined])
    expect(await keyv.hasMany(['k1', 'none'])).toEqual([true, false])
    expect(await keyv.deleteMany(['k1', 'k2'])).toBe(true)
    expect(await keyv.getMany(['k1', 'k3'])).toEqual([undefined, 3])
  })

  test('namespaces: one is cleared and walked without the other', async () => {
    const [ants, bees] = [makeKeyv({ namespace: 'ants' }), makeKeyv({ namespace: 'bees' })]
    for (let i = 0; i < 60; i++) await Promise.all([ants.set(`k${i}`, i), bees.set(`k${i}`, -i)])
    const seen: unknown[] = []
    for await (const [key, value] of ants.iterator!(undefined)) seen.push(`${key}=${value}`)
    expect(new Set(seen)).toEqual(new Set(Array.from({ length: 60 }, (_, i) => `k${i}=${i}`)))
    await ants.clear()
    expect([await ants.get('k7'), await bees.get('k7')]).toEqual([undefined, -7])
  })
})
