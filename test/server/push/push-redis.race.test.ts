/** Subscribers, trackers and monitors are sent the bytes that Redis sends them, step by step. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startRedis } from '../../support/redis/redis-server.ts'
import { differences, type Step } from '../../support/redis/transcript.ts'
import { type TestServer, testServer } from '../../support/server.ts'

const redis = await startRedis()
let ours: TestServer

beforeAll(async () => {
  // One thread: of several the order among keys of different shards differs.
  ours = await testServer({ threads: 1, keyspace: { shards: 1 } })
})
afterAll(async () => {
  await ours.close()
  await redis?.stop()
})

/** Lines of one client, those after `b:` of another. */
function steps(text: string): Step[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => (/^[b-z]: /.test(line) ? [line[0]!, line.slice(3)] : ['a', line]))
}

/** Without times, addresses, how a server calls itself, and what the transcript itself has asked. */
function form(text: string): string {
  return text
    .replaceAll(/\+[\d.]+ \[0 [\d.:]+\] "PING"\r\n/g, '')
    .replaceAll(/\d{10}\.\d{6}/g, 'TIME')
    .replaceAll(/127\.0\.0\.1:\d+/g, 'ADDRESS')
    .replaceAll(/(?:%7|\*14)\r\n\$6\r\nserver\r\n[^*]*\*0\r\n/g, 'HELLO')
}

const SUBSCRIBING = `
  unsubscribe
  punsubscribe
  sunsubscribe
  subscribe a b a
  psubscribe p* a*
  ssubscribe s1 s2
  b: publish a 1
  b: spublish s1 2
  b: publish none 3
  b: pubsub numsub a b c
  b: pubsub numpat
  b: pubsub shardnumsub s1
  unsubscribe zz
  subscribe
  get x
  ping
  ping hi
  unsubscribe b
  multi
  unsubscribe
  punsubscribe
  sunsubscribe s1
  sunsubscribe
  get x
  b: publish a 4
  multi
  subscribe x y
  ping
  get z
  exec
  publish x hello
  unsubscribe x y
  reset
`
const IN_VERSION_3 = `
  hello 3
  subscribe q
  psubscribe q*
  publish q one
  client reply off
  subscribe r
  publish q two
  get x
  client reply on
  unsubscribe q r
  punsubscribe
  reset
`
const IN_THE_PLACE_OF_ANOTHER = `
  hello 3
  client tracking on redirect {c} redirect {c}
  client tracking on redirect {c}
  client trackinginfo
  client getredir
  get x
  b: set x 1
  c: subscribe __redis__:invalidate
  get x
  b: set x 1
  client tracking off
  client tracking on redirect {c} bcast
  b: set x 1
  client tracking off
  client tracking on redirect {c}
  get x
  c: quit
  b: set x 2
  client trackinginfo
  get x
  b: set x 2
  client tracking on
  client trackinginfo
`
const TRACKING = `
  client getredir
  client trackinginfo
  client caching yes
  client tracking
  client tracking maybe
  client tracking on prefix foo
  client tracking on optin optout
  client tracking on bcast optin
  client tracking on redirect 99999
  client tracking on redirect abc
  client tracking on bcast prefix foo prefix foobar
  client tracking on bcast prefix a prefix a
  client tracking on noloop foo
  client tracking on
  client trackinginfo
  client getredir
  get x
  b: set x 1
  client tracking on bcast
  client tracking on optin
  client tracking on optout
  client tracking off
  hello 3
  client tracking on
  get x
  b: set x 2
  b: set x 3
  get x
  set x 4
  get x
  mget x y z
  b: mset x 1 y 2 z 3
  get x
  b: flushall
  b: set x 1
  get x
  b: flushdb
  multi
  get x
  get y
  exec
  b: multi
  b: set x 1
  b: set y 2
  b: exec
  get w
  multi
  set w 2
  get w
  exec
  exists k1 k2
  type k3
  ttl k4
  b: mset k1 1 k2 1 k3 1 k4 1
  hget h f
  lrange l 0 -1
  b: hset h f 1
  b: rpush l 1
  b: del h l
  get r1
  b: rename k1 r1
  get s1
  client reply off
  get s2
  b: set s1 1
  b: set s2 1
  client reply on
  object encoding k3
  b: del k3
  multi
  mset t1 1 t2 2
  pexpire t1 100000
  get t1
  get t2
  exec
  b: mset t1 2 t2 3
  multi
  get t1
  set t1 4
  get t2
  exec
  b: set t2 4
  multi
  set t1 5
  rpush tl 1
  get t1
  lrange tl 0 -1
  exec
  b: mset t1 6 tl 1
  b: rpush to a
  lrange to 0 -1
  blmove from to left left 0
  b: rpush from foo
  client tracking off
  client trackinginfo
  client tracking on noloop
  get x
  set x 9
  get x
  b: set x 10
  client tracking off
  client tracking on optin
  client trackinginfo
  get x
  b: set x 1
  client caching yes
  get x
  get y
  b: set x 1
  b: set y 1
  client caching no
  client caching yes
  multi
  get x
  get y
  exec
  b: set x 1
  b: set y 1
  client caching yes
  client trackinginfo
  client tracking on optout
  client tracking off
  client tracking on optout
  get x
  client caching no
  client trackinginfo
  get y
  b: set x 1
  b: set y 1
  client caching yes
  client tracking off
  client tracking on bcast prefix u: prefix v:
  client trackinginfo
  b: set u:1 1
  b: mset u:2 1 v:2 1 w 1
  set u:3 1
  b: flushall
  client tracking on bcast prefix u:1
  client tracking on bcast prefix x
  client trackinginfo
  client tracking on
  client tracking off
  client tracking on bcast noloop
  set u:3 1
  b: set zz 1
  multi
  client tracking off
  client tracking on bcast
  exec
  client trackinginfo
  multi
  set q 1
  set q 2
  exec
  reset
  client trackinginfo
`
const MONITORING = `
  m: monitor
  ping
  set x "a\\x00b\\"\\\\\\r\\n\\a\\xff"
  select 3
  get x
  config get databases
  auth foo
  auth foo bar
  hello 2 auth default nopass setname hi
  acl whoami
  acl setuser tom >secret
  multi
  set y 1
  get y
  exec
  multi
  set y 1
  discard
  multi
  nosuch
  exec
  watch y
  unwatch
  rpush bl 1
  blpop bl 0
  nosuch a
  get
  client setname q
  reset
  lpush l 1
  rpoplpush l l
  dbsize
  flushall
  m: ping
  m: get x
  m: reset
  get x
  m: ping
`

describe.skipIf(redis === undefined)('as Redis does', () => {
  it('confirms subscriptions and gives out messages', async () => {
    expect(await differences(redis!.port, ours.port, steps(SUBSCRIBING))).toEqual([])
  })

  it('pushes in version 3 of the protocol, also to who wants no replies', async () => {
    expect(await differences(redis!.port, ours.port, steps(IN_VERSION_3), form)).toEqual([])
  })

  it('tells clients that track', async () => {
    expect(await differences(redis!.port, ours.port, steps(TRACKING), form)).toEqual([])
  })

  it('tells a client in the place of another', async () => {
    expect(await differences(redis!.port, ours.port, steps(IN_THE_PLACE_OF_ANOTHER), form)).toEqual([])
  })

  it('shows monitors what runs', async () => {
    expect(await differences(redis!.port, ours.port, steps(MONITORING), form)).toEqual([])
  })
})
