/**
 * Users of a server with several threads: what one client changes holds for the clients of all, at once;
 * sessions of users who are gone end; files and logs are those of the whole server.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRuntime } from 'shardloom'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { RespClient } from '../../support/redis/resp-client.ts'

const CLIENTS = 6

const dir = await mkdtemp(join(tmpdir(), 'shardloom-acl-'))
const aclFile = join(dir, 'users.acl')
await writeFile(aclFile, 'user default on nopass ~* &* +@all\nuser first on nopass +@read ~a\n')
const runtime = await createRuntime({ threads: 2, keyspace: { shards: 2 } })
const served = await runtime.serve({ port: 0, bind: ['127.0.0.1'], aclFile })
const open: RespClient[] = []

afterEach(() => {
  for (const client of open.splice(0)) client.close()
})

afterAll(async () => {
  await served.close({ timeoutMs: 1000 })
  await runtime.close({ timeoutMs: 2000 })
  await rm(dir, { recursive: true })
})

/** Clients, which are spread over the threads. */
async function connect(count = CLIENTS): Promise<RespClient[]> {
  const { port } = served.address
  const clients = await Promise.all(Array.from({ length: count }, () => RespClient.connect(port)))
  open.push(...clients)
  return clients
}

async function login(clients: readonly RespClient[], ...words: string[]): Promise<void> {
  expect(await Promise.all(clients.map((client) => client.call('AUTH', ...words)))).toEqual(
    clients.map(() => '+OK'),
  )
}

describe('users of a server', () => {
  test('are those of its file', async () => {
    const [client] = (await connect(1)) as [RespClient]
    await login([client], 'first', 'x')
    expect(await client.call('GET', 'a')).toBe('_')
    expect(await client.call('GET', 'b')).toMatch(/^-NOPERM/)
  })

  test('are changed on every thread before the change is answered', async () => {
    const clients = await connect()
    const [admin, ...others] = clients as [RespClient, ...RespClient[]]
    expect(await admin.call('ACL', 'SETUSER', 'alice', 'on', '>sesame', '+@all', '~a*', '&c')).toBe('+OK')
    await login(others, 'alice', 'sesame')
    for (const other of others) {
      expect(await other.call('ACL', 'WHOAMI')).toBe('$alice')
      expect(await other.call('SET', 'a1', '1')).toBe('+OK')
      expect(await other.call('GET', 'b')).toBe(
        '-NOPERM this user has no permissions to access one of the keys used as arguments',
      )
    }
    expect(await admin.call('ACL', 'SETUSER', 'alice', '-get')).toBe('+OK')
    const refused = await Promise.all(others.map((other) => other.call('GET', 'a1')))
    expect(new Set(refused)).toEqual(
      new Set(["-NOPERM this user has no permissions to run the 'get' command"]),
    )
    const lists = await Promise.all(clients.map((client) => client.call('ACL', 'LIST')))
    for (const list of lists) expect(list).toEqual(lists[0])
  })

  test('changed from many threads at a time are the same on all', async () => {
    const clients = await connect()
    const replies = await Promise.all(
      clients.flatMap((client, i) =>
        Array.from({ length: 20 }, (_, n) =>
          client.call('ACL', 'SETUSER', 'u', `~k${(i * 7 + n) % 11}`, '+get'),
        ),
      ),
    )
    expect(new Set(replies)).toEqual(new Set(['+OK']))
    const users = await Promise.all(clients.map((client) => client.call('ACL', 'GETUSER', 'u')))
    for (const user of users) expect(user).toEqual(users[0])
  })

  test('who are deleted lose their sessions, and may do so themselves', async () => {
    const [admin, ...others] = (await connect()) as [RespClient, ...RespClient[]]
    await admin.call('ACL', 'SETUSER', 'bob', 'on', 'nopass', '+@all', '~*')
    await login(others, 'bob', 'x')
    const [first, ...rest] = others as [RespClient, ...RespClient[]]
    const waits = rest[0]!.call('BLPOP', 'nothing', '0')
    const ended = Promise.allSettled([waits, ...rest.map((client) => client.call('BLPOP', 'nothing', '0'))])
    expect(await first.call('ACL', 'DELUSER', 'bob', 'nosuch')).toBe(':1')
    await expect(first.call('PING')).rejects.toThrow(/closed/)
    expect((await ended).map(({ status }) => status)).toEqual(Array(CLIENTS - 1).fill('rejected'))
    expect(await admin.call('AUTH', 'bob', 'x')).toMatch(/^-WRONGPASS/)
  })

  test('are counted in one log, which is emptied as one', async () => {
    const clients = await connect()
    await clients[0]!.call('ACL', 'LOG', 'RESET')
    await Promise.all(clients.map((client) => client.call('AUTH', 'mallory', 'wrong-password')))
    const log = (await clients[0]!.call('ACL', 'LOG')) as readonly (readonly string[])[]
    expect(log).toHaveLength(1)
    expect(log[0]).toEqual(expect.arrayContaining([`:${CLIENTS}`, '$auth', '$toplevel', '$mallory']))
    expect(JSON.stringify(log)).not.toContain('wrong-password')
    expect(await clients[1]!.call('ACL', 'LOG', 'RESET')).toBe('+OK')
    for (const client of clients) expect(await client.call('ACL', 'LOG')).toEqual([])
  })

  test('who ask too often are told to wait', async () => {
    const [client] = (await connect(1)) as [RespClient]
    await client.call('ACL', 'SETUSER', 'fast', 'on', 'nopass', '+@all', '~*', '&*', 'rate:3/1000')
    await client.call('AUTH', 'fast', 'x')
    const replies = await client.pipeline(Array.from({ length: 5 }, () => ['GET', 'k']))
    expect(replies.slice(0, 3)).toEqual(['_', '_', '_'])
    for (const reply of replies.slice(3)) {
      expect(reply).toMatch(/^-LIMITED this user may run 3 commands in 1000 s, try again in \d+ ms$/)
    }
  })
})

describe('a file of users', () => {
  test('is read at the start, and when it is said, and written in the place of the old one', async () => {
    const clients = await connect()
    const [admin] = clients as [RespClient]
    await admin.call('ACL', 'SETUSER', 'gone')
    expect(await admin.call('ACL', 'LOAD')).toBe('+OK')
    for (const client of clients) expect(await client.call('ACL', 'USERS')).toEqual(['$default', '$first'])
    await admin.call('ACL', 'SETUSER', 'bob', 'on', '>secret')
    expect(await admin.call('ACL', 'SAVE')).toBe('+OK')
    const text = await readFile(aclFile, 'latin1')
    expect(text).toMatch(/^user bob on #[0-9a-f]{64} .*\nuser default .*\nuser first on nopass ~a .*\n$/)
    await writeFile(aclFile, `${text}user bob on\nfrob\n`)
    expect(await admin.call('ACL', 'LOAD')).toBe(
      `-ERR WARNING: Duplicate user 'bob' found on line 4. ${aclFile}:5 should start with user keyword ` +
        'followed by the username. WARNING: ACL errors detected, no change to the previously active ACL ' +
        'rules was performed',
    )
    await login([clients[1]!], 'bob', 'secret')
  })
})
