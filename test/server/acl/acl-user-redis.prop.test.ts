/**
 * Random rules give the same user as on a real Redis 7.0: the same replies, errors included, the same
 * GETUSER, the same permissions. `SHL_SEED=n` draws others.
 *
 * What commands a user may run is printed in other words: Redis 7.0 makes rules up that fit, ours are those
 * that were given. So our words are given to Redis, and must make the same user there.
 */
import { createHash } from 'node:crypto'
import { afterAll, describe, expect, test } from 'vitest'
import { type Random, seededRandom } from '../../../src/base/index.ts'
import { OK, type Reply } from '../../../src/keyspace/engine/index.ts'
import type { AclStore } from '../../../src/server/acl/index.ts'
import { aclCall, makeHost, makeStore, makeUser } from '../../support/acl/acl-lab.ts'
import { PASSWORDS, randomRequest, randomRule } from '../../support/acl/acl-rules.ts'
import { startRedis } from '../../support/redis/redis-server.ts'
import { type Resp2Form, resp2Form } from '../../support/resp2.mjs'

const SEQUENCES = process.env['SHL_SOAK'] ? 20_000 : 400
const REQUESTS = 20
const SEED = Number(process.env['SHL_SEED'] ?? 1)
/** Rules with several words must not be taken for selectors that go on. */
const RULES_MAX = 12

const redis = await startRedis(['--acllog-max-len', '16'])
afterAll(() => redis?.stop())

function randomRules(random: Random): string[] {
  return Array.from({ length: 1 + random.below(3) }, () => randomRule(random))
}

/** Passwords are not shown in our errors, and are in Redis'. */
function withoutPassword(form: Resp2Form): Resp2Form {
  return typeof form === 'string' ? form.replace(/(modifier '[><#!])[^']+'/, "$1***'") : form
}

/** Flat pairs without those of the commands. */
function withoutCommands(form: Resp2Form): unknown {
  if (typeof form === 'string') return form
  const at = form.indexOf('$commands')
  return form.filter((_, i) => at < 0 || i !== at + 1).map(withoutCommands)
}

/** Rules of commands in one order: first arguments are listed as they were given. */
function inOneOrder(form: Resp2Form): Resp2Form {
  if (typeof form === 'string') return /^\$[+-]@all/.test(form) ? form.split(' ').sort().join(' ') : form
  return form.map(inOneOrder)
}

describe.skipIf(redis === undefined)('as Redis answers', () => {
  test('random rules, one SETUSER after the other', async () => {
    const { client } = redis!
    for (let i = 0; i < SEQUENCES; i++) {
      const random = seededRandom(SEED * 1_000_003 + i)
      const host = makeHost(makeStore())
      const requests = Array.from({ length: 1 + random.below(RULES_MAX) }, () => [
        ...['SETUSER', 'u'],
        ...randomRules(random),
      ])
      const ours: Reply[] = []
      for (const words of requests) ours.push(await aclCall(host, ...words))
      const theirs = await client.pipeline([
        ['ACL', 'DELUSER', 'u', 'copy'],
        ...requests.map((words) => ['ACL', ...words]),
      ])
      const sequence = JSON.stringify(requests)
      expect(
        ours.map((reply) => resp2Form(reply)),
        sequence,
      ).toEqual(theirs.slice(1).map(withoutPassword))
      await compareUsers(host.store, random, sequence)
    }
  })

  test('what is not about one user', async () => {
    const { client } = redis!
    const host = makeHost(makeStore())
    const requests = [
      ...[
        'CAT nosuch',
        'CAT a b',
        'GENPASS 0',
        'GENPASS 4097',
        'GENPASS x',
        'GENPASS 1 2',
        'LOG x',
        'LOG 1 2',
      ],
      ...['LOG RESET', 'LOG', 'LOG -1', 'DELUSER default', 'DELUSER a b', 'GETUSER nosuch', 'USERS', 'LIST'],
      ...['SETUSER', 'SETUSER z', 'SETUSER a on', 'SETUSER é', 'USERS', 'LIST', 'DELUSER z z x a', 'USERS'],
      ...['GETUSER default', 'HELP', 'LOAD', 'SAVE', 'DRYRUN x get y', 'DRYRUN default nosuch'],
      ...[
        'DRYRUN default get',
        'DRYRUN default config',
        'DRYRUN default config nosuch',
        'SETUSER b (~x +get',
      ],
      ...['SETUSER b ( +get )', 'SETUSER b )', 'GETUSER b', 'DELUSER u copy b é'],
    ].filter((words) => words !== 'SETUSER')
    await client.call('ACL', 'DELUSER', 'u', 'copy')
    for (const request of requests) {
      const words = Buffer.from(request, 'utf8').toString('latin1').split(' ')
      const ours = resp2Form(await aclCall(host, ...words))
      expect(ours, request).toEqual(await client.call('ACL', ...words))
    }
    expect(errorOf(await aclCall(host, 'SETUSER', 'a b', 'on'))).toEqual(
      await client.call('ACL', 'SETUSER', 'a b', 'on'),
    )
    const ownCategories = ['lock', 'limit']
    const categories = (await aclCall(host, 'CAT')) as readonly string[]
    const known = categories.filter((name) => !ownCategories.includes(name))
    expect(resp2Form(known)).toEqual(await client.call('ACL', 'CAT'))
  })

  async function compareUsers(store: AclStore, random: Random, sequence: string): Promise<void> {
    const { client } = redis!
    const host = makeHost(store)
    const printed = store.getUser('u')?.toString().split(' ') ?? []
    const requests = Array.from({ length: REQUESTS }, () => ['DRYRUN', 'u', ...randomRequest(random)])
    const [theirs, made, copied, ...runs] = await client.pipeline([
      ['ACL', 'GETUSER', 'u'],
      ['ACL', 'SETUSER', 'copy', ...(store.getUser('u') === undefined ? [] : printed)],
      ['ACL', 'GETUSER', 'copy'],
      ...requests.map((words) => ['ACL', ...words]),
    ])
    const ours = resp2Form(await aclCall(host, 'GETUSER', 'u'))
    expect(withoutCommands(ours), sequence).toEqual(withoutCommands(theirs!))
    if (ours === '_') return
    expect(made, sequence).toBe('+OK')
    expect(inOneOrder(copied!), `${sequence} ${printed.join(' ')}`).toEqual(inOneOrder(theirs!))
    for (const [i, words] of requests.entries()) {
      const run = resp2Form(await aclCall(host, ...words))
      expect(run, `${sequence} ${words.join(' ')}`).toEqual(runs[i])
    }
  }
})

function errorOf(reply: Reply): Resp2Form {
  return resp2Form(reply)
}

test('what is printed of a user makes the same user', () => {
  for (let i = 0; i < SEQUENCES * 2; i++) {
    const random = seededRandom(SEED * 7_000_003 + i)
    const store = makeStore()
    for (let left = random.below(RULES_MAX); left >= 0; left--) store.setUser('u', randomRules(random))
    const user = store.getUser('u')
    if (user === undefined) continue
    const printed = String(user)
    const again = makeUser(printed)
    expect(String(again)).toBe(printed)
    const copy = makeStore()
    expect(copy.load(store.save(), 'file')).toBeUndefined()
    expect(copy.list()).toEqual(store.list())
    for (let n = 0; n < REQUESTS; n++) {
      const argv = randomRequest(random)
      const info = store.catalog.find(argv)!
      expect(again.canRun(info, argv), `${printed}: ${argv.join(' ')}`).toEqual(user.canRun(info, argv))
    }
  }
})

test('changes give the same users on every thread, and hold no password', () => {
  for (let i = 0; i < SEQUENCES / 4; i++) {
    const random = seededRandom(SEED * 11_000_003 + i)
    const threads = [makeStore({ place: 0 }), makeStore({ place: 1 })]
    const lines: string[] = []
    for (let n = 0; n < RULES_MAX; n++) {
      const thread = threads[random.below(2)]!
      // Two are prepared at a time: the second may be refused by then.
      const prepared = [thread, threads[0]!].map((one) => one.prepareSet('u', randomRules(random)))
      for (const line of prepared) {
        if (typeof line !== 'string') continue
        lines.push(line)
        const [one, other] = threads.map((store) => store.apply(line))
        expect(resp2Form(one!.reply)).toEqual(resp2Form(other!.reply))
      }
    }
    expect(threads[0]!.list()).toEqual(threads[1]!.list())
    const told = [...lines, ...threads[0]!.list()].join('\n')
    for (const password of PASSWORDS) expect(told).not.toContain(password)
  }
})

test('no reply holds a password that was wrong, or its hash', async () => {
  const host = makeHost(makeStore())
  await aclCall(host, 'SETUSER', 'alice', 'on', '>right')
  const wrong = 'wr0ng-password'
  const hash = createHash('sha256').update(wrong).digest('hex')
  expect(host.store.authenticate('alice', wrong)).toBeUndefined()
  host.store.noteFailedLogin('alice', { queued: -1 }, 'auth')
  const replies = [
    await aclCall(host, 'SETUSER', 'alice', `<${wrong}`),
    await aclCall(host, 'SETUSER', 'alice', `!${hash}`),
    await aclCall(host, 'SETUSER', 'alice', `#${wrong}`),
    await aclCall(host, 'SETUSER', 'alice', `(>${wrong})`),
    await aclCall(host, 'SETUSER', 'alice', `(~x >${wrong})`),
    await aclCall(host, 'SETUSER', 'alice', `(>${wrong}`),
    await aclCall(host, 'SETUSER', 'alice', '(', `>${wrong}`, ')'),
    await aclCall(host, 'LOG'),
    await aclCall(host, 'GETUSER', 'alice'),
    await aclCall(host, 'LIST'),
    host.store.load(`user alice on <${wrong}\nuser bob #${wrong}`, 'file') ?? OK,
  ]
  const told = JSON.stringify(replies.map((reply) => resp2Form(reply)))
  expect(told).toContain('Error in ACL SETUSER modifier')
  expect(told).not.toContain(wrong)
  expect(told).not.toContain(hash)
})
