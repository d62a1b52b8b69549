/** What a client is told of a refusal, and what is logged of it, as a real Redis 7.0 does. */
import { afterAll, describe, expect, test } from 'vitest'
import type { AclClient } from '../../../src/server/acl/index.ts'
import { aclCall, catalog, makeHost, makeStore } from '../../support/acl/acl-lab.ts'
import { startRedis } from '../../support/redis/redis-server.ts'
import { RespClient } from '../../support/redis/resp-client.ts'
import { type Resp2Form, resp2Form } from '../../support/resp2.mjs'

const RULES = [
  'on',
  '>p',
  '+get',
  '+mget',
  '+publish',
  '+psubscribe',
  '+config|get',
  '+exec',
  '+multi',
  '+sort',
  '+sort_ro',
  '~a',
  '&c*',
]
const REQUESTS = [
  'get b',
  'mget a b',
  'set a 1',
  'config set a b',
  'publish d x',
  'psubscribe c1',
  'get b',
  'del a',
  'sort a by w_*',
  'sort a LIMIT 0 1 BY nosort GET #',
  'sort b get x',
  'sort_ro a GET *',
]
/** Fields of an entry that are the same on every server. */
const FIELDS = ['count', 'reason', 'context', 'object', 'username']

const redis = await startRedis()
afterAll(() => redis?.stop())

function fieldsOf(log: Resp2Form): unknown {
  return (log as readonly (readonly string[])[]).map((entry) =>
    FIELDS.map((field) => entry[entry.indexOf(`$${field}`) + 1]),
  )
}

describe.skipIf(redis === undefined)('as Redis answers', () => {
  test('refusals, at once, when queued, and at EXEC', async () => {
    const { client } = redis!
    const port = String(((await client.call('CONFIG', 'GET', 'port')) as readonly string[])[1]).slice(1)
    const session = await RespClient.connect(Number(port))
    const host = makeHost(makeStore())
    const { store } = host
    await client.call('ACL', 'SETUSER', 'alice', ...RULES)
    store.setUser('alice', RULES)
    const user = store.getUser('alice')!
    await session.call('AUTH', 'alice', 'p')

    const refused = (request: string, at: AclClient): Resp2Form => {
      const argv = request.split(' ')
      return resp2Form(store.refusalOf(user, catalog.find(argv)!, argv, at) ?? null)
    }
    for (const request of REQUESTS) {
      const ours = refused(request, { queued: -1 })
      expect(ours, request).toBe(await session.call(...request.split(' ')))
    }
    const fenced = [
      'fenced l 1 sort a by w_*',
      'fenced l 1 sort a by nosort',
      'sort a BY nosort',
      'sort a limit 0 get',
    ]
    const keys = { queued: -1 }
    store.setUser('alice', ['+fenced', '~l'])
    expect(fenced.map((request) => refused(request, keys))).toEqual([
      '-ERR BY option of SORT denied due to insufficient ACL permissions.',
      ...['_', '_', '_'],
    ])

    await session.call('MULTI')
    expect(refused('get b', { queued: 0 })).toBe(await session.call('get', 'b'))
    expect(await session.call('EXEC')).toMatch(/^-EXECABORT/)

    await session.pipeline([['MULTI'], ['get', 'a'], ['mget', 'a', 'a'], ['publish', 'c', 'x']])
    const rules = ['resetkeys', '~b', '-mget', 'resetchannels']
    await client.call('ACL', 'SETUSER', 'alice', ...rules)
    store.setUser('alice', rules)
    const ours = ['get a', 'mget a a', 'publish c x'].map((request) => {
      const argv = request.split(' ')
      return resp2Form(store.refusalOf(user, catalog.find(argv)!, argv, { queued: 3 }, 'exec'))
    })
    expect(ours).toEqual(await session.call('EXEC'))

    for (const name of ['alice', 'bob', 'alice']) {
      expect(store.authenticate(name, 'wrong')).toBeUndefined()
      store.noteFailedLogin(name, { queued: -1 }, 'AUTH')
      expect(await session.call('AUTH', name, 'wrong')).toMatch(/^-WRONGPASS/)
    }
    const log = resp2Form(await aclCall(host, 'LOG', '100'))
    expect(fieldsOf(log)).toEqual(fieldsOf(await client.call('ACL', 'LOG', '100')))
    session.close()
  })
})
