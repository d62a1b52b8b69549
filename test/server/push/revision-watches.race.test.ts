/** WATCHREV over two threads and two shards. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { clientsOf, type Plain, type PushClient } from '../../support/push-client.ts'
import { type TestServer, testServer } from '../../support/server.ts'

const HISTORY = 1024
let server: TestServer
const { connect, several } = clientsOf(() => server)

beforeAll(async () => {
  server = await testServer({ keyspace: { shards: 2, historyMax: HISTORY } })
})
afterAll(() => server.close())

type Change = readonly [db: number, key: string, event: string, value: Plain, type: string]
type Push = readonly ['watchrev', number, readonly Change[], string?]

async function take(client: PushClient, count = 1): Promise<Push[]> {
  return (await client.take(count)) as unknown as Push[]
}

it('every change comes once, in the order of revisions, and a transaction as one', async () => {
  const [watcher, ...writers] = (await several(5)) as [PushClient, ...PushClient[]]
  const start = Number(await watcher.call('WATCHREV', 'w:*', 'VALUES', 'PROGRESS', 0))
  const rounds = 25
  await Promise.all(
    writers.map(async (writer, i) => {
      for (let j = 0; j < rounds; j++) {
        await writer.call('SET', `w:${i}:${j}`, `${j}`)
        await writer.pipeline([
          ['MULTI'],
          ['SET', `w:a:${i}`, j],
          ['SET', `w:b:${i}`, j],
          ['SET', 'other', j],
          ['EXEC'],
        ])
      }
    }),
  )
  const pushes = await take(watcher, writers.length * rounds * 2)
  let last = start
  for (const [word, revision, changes] of pushes) {
    expect(word).toBe('watchrev')
    expect(revision).toBeGreaterThan(last)
    last = revision
    expect([1, 2]).toContain(changes.length)
    if (changes.length === 2) expect(changes.map(([, key]) => key.slice(0, 3)).sort()).toEqual(['w:a', 'w:b'])
    for (const [db, , event, , type] of changes) expect([db, event, type]).toEqual([0, 'set', 'string'])
  }
  expect(pushes.filter(([, , changes]) => changes.length === 2)).toHaveLength(writers.length * rounds)
})

it('a watch goes on from a revision with nothing missing, or says where the history begins', async () => {
  const [first, writer] = (await several(2)) as [PushClient, PushClient]
  await first.call('WATCHREV', 'r:*', 'PROGRESS', 0)
  for (let i = 0; i < 20; i++) await writer.call('SET', `r:${i}`, `${i}`)
  const seen = await take(first, 10)
  first.close()
  const [, since] = seen.at(-1)!
  const second = await connect()
  await second.call('WATCHREV', 'r:*', 'SINCE', since, 'PROGRESS', 0)
  const rest = await take(second, 10)
  const keys = [...seen, ...rest].map(([, , [change]]) => change?.[1])
  expect(keys).toEqual(Array.from({ length: 20 }, (_, i) => `r:${i}`))
  await writer.pipeline(Array.from({ length: 3 * HISTORY }, (_, i) => ['SET', `flood:${i % 50}`, i]))
  const third = await connect()
  const refusal = String(await third.call('WATCHREV', 'r:*', 'SINCE', since))
  const found = /^-COMPACTED the history begins later: since=(\d+) oldest=(\d+)$/.exec(refusal)
  expect(Number(found?.[1])).toBe(since)
  expect(Number(found?.[2])).toBeGreaterThan(since)
  expect(await third.call('WATCHREV', 'r:*', 'SINCE', Number(found?.[2]))).toBe(Number(found?.[2]))
})

it('progress is told while nothing changes that is watched', async () => {
  const [watcher, writer] = (await several(2)) as [PushClient, PushClient]
  const start = Number(await watcher.call('WATCHREV', 'never:*', 'PROGRESS', 20))
  for (let i = 0; i < 5; i++) await writer.call('SET', `elsewhere:${i}`, '1')
  const [progress] = await take(watcher)
  expect(progress![2]).toEqual([])
  expect(progress![1]).toBeGreaterThan(start)
})

it('one client may have several watches, told apart by name, and end them', async () => {
  const [watcher, writer] = (await several(2)) as [PushClient, PushClient]
  await watcher.call('WATCHREV', 'several:*', 'ID', 'one', 'PROGRESS', 0)
  await watcher.call('WATCHREV', 'KEYS', 'several:*', 'ID', 'two', 'PROGRESS', 0)
  await watcher.call('WATCHREV', 'PREFIX', 'several:', 'else:', 'PROGRESS', 0)
  expect(await watcher.call('WATCHREV', 'x', 'ID', 'one')).toMatch(/^-ERR There is such a watch/)
  const many = Array.from({ length: 1025 }, (_, i) => `${i}*`)
  expect(await watcher.call('WATCHREV', ...many, 'ID', 'many')).toBe(
    '-ERR A watch may have 1024 patterns at most',
  )
  await writer.call('SET', 'several:*', '1')
  const names = (await take(watcher, 3)).map((push) => push[3] ?? '')
  expect(names.sort()).toEqual(['', 'one', 'two'])
  expect(await watcher.call('UNWATCHREV', 'two', 'three')).toBe(1)
  await writer.call('SET', 'several:x', '1')
  expect((await take(watcher, 2)).map((push) => push[3] ?? '').sort()).toEqual(['', 'one'])
  expect(await watcher.call('UNWATCHREV')).toBe(2)
  expect(await watcher.call('UNWATCHREV')).toBe(0)
  await writer.call('SET', 'several:y', '1')
  await watcher.call('PING')
  expect(watcher.pushes).toEqual([])
})

it('a client may have so many watches, and no more', async () => {
  const [watcher, writer] = (await several(2)) as [PushClient, PushClient]
  const replies = await watcher.pipeline(
    Array.from({ length: 129 }, (_, i) => ['WATCHREV', `most:${i}:*`, 'ID', `${i}`, 'PROGRESS', 0]),
  )
  expect(replies.slice(0, -1).every((reply) => typeof reply === 'number')).toBe(true)
  expect(replies.at(-1)).toBe('-ERR A client may have 128 watches at most')
  for (const i of [0, 64, 127, 128]) await writer.call('SET', `most:${i}:x`, '1')
  expect((await take(watcher, 3)).map((push) => push[3])).toEqual(['0', '64', '127'])
  expect(await watcher.call('UNWATCHREV')).toBe(128)
})

it('databases are watched apart; what empties one is told to all', async () => {
  const [watcher, writer] = (await several(2)) as [PushClient, PushClient]
  await watcher.call('SELECT', 5)
  await watcher.call('WATCHREV', '*', 'PROGRESS', 0)
  await writer.call('SET', 'in:0', '1')
  await writer.call('SELECT', 5)
  await writer.call('SADD', 'in:5', '1')
  await writer.call('FLUSHDB')
  const [added, emptied] = await take(watcher, 2)
  expect(added![2]).toEqual([[5, 'in:5', 'sadd', null, 'set']])
  expect(emptied![2].every(([db, key, event]) => db === 5 && key === '' && event === 'flushdb')).toBe(true)
})

it('who does not read keeps nothing here; its watch ends when the history has gone on', async () => {
  const [slow, writer] = (await several(2)) as [PushClient, PushClient]
  await slow.call('WATCHREV', 'slow:*', 'VALUES', 'PROGRESS', 0)
  slow.socket.pause()
  const value = 'x'.repeat(16 * 1024)
  for (let i = 0; i < 6; i++) {
    await writer.pipeline(Array.from({ length: HISTORY / 2 }, () => ['SET', 'slow:1', value]))
  }
  slow.socket.resume()
  await slow.until(
    () => slow.pushes.some(([word]) => word === 'watchrev-lost'),
    'it is told that it has lost some',
  )
  const [word, oldest] = slow.pushes.at(-1)!
  expect(word).toBe('watchrev-lost')
  const revisions = slow.pushes.slice(0, -1).map((push) => Number(push[1]))
  expect(revisions).toEqual([...revisions].sort((one, other) => one - other))
  expect(Number(oldest)).toBeGreaterThan(revisions.at(-1)!)
  expect(await slow.call('UNWATCHREV')).toBe(0)
})

it('only what a user may read is watched, and for as long as it may', async () => {
  const [admin, tom] = (await several(2)) as [PushClient, PushClient]
  await admin.call('ACL', 'SETUSER', 'watcher', 'on', '>secret', '+@all', '%R~own:*', '%W~drop:*', '~shared')
  await tom.call('AUTH', 'watcher', 'secret')
  for (const refused of [
    ['*'],
    ['own:1'],
    ['drop:*'],
    ['own:*', 'x'],
    ['KEYS', 'drop:1'],
    ['PREFIX', 'shared'],
  ]) {
    expect(await tom.call('WATCHREV', ...refused)).toMatch(/^-NOPERM/)
  }
  // The same holds for names of locks.
  for (const refused of [[], ['MATCH', '*'], ['MATCH', 'drop:*']]) {
    expect(await tom.call('LOCK.LIST', ...refused)).toMatch(/^-NOPERM/)
  }
  await admin.call('LOCK.ACQUIRE', 'own:lock', 'admin', 'PX', 60_000)
  expect(await tom.call('LOCK.LIST', 'match', 'own:*')).toEqual(['own:lock'])
  expect(await tom.call('LOCK.LIST', 'own:*')).toMatch(/^-ERR syntax error/)
  expect(await tom.call('WATCHREV', 'KEYS', 'own:1', 'shared', 'PREFIX', 'own:')).toBeTypeOf('number')
  await admin.call('ACL', 'SETUSER', 'watcher', '+@all')
  expect(await tom.call('PING')).toBe('PONG')
  await admin.call('ACL', 'SETUSER', 'watcher', 'resetkeys')
  await tom.until(() => tom.isClosed, 'its connection is closed')
})

it('in version 2 of the protocol pushes are arrays', async () => {
  const [watcher, writer] = (await Promise.all([connect(2), connect()])) as [PushClient, PushClient]
  const text: string[] = []
  watcher.socket.removeAllListeners('data')
  watcher.socket.on('data', (bytes) => text.push(String(bytes)))
  watcher.send('WATCHREV', 'two', 'PROGRESS', 0)
  await watcher.until(() => text.length > 0, 'it is answered')
  await writer.call('DEL', 'two')
  await writer.call('SET', 'two', '2')
  await watcher.until(() => text.join('').includes('watchrev'), 'it is told')
  expect(text.join('')).toMatch(
    /^:\d+\r\n\*3\r\n\$8\r\nwatchrev\r\n:\d+\r\n\*1\r\n\*5\r\n:0\r\n\$3\r\ntwo\r\n/,
  )
})
