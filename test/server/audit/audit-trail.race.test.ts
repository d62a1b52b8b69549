/** The audit log of a server of two threads: who did what, with which outcome, and no secret. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { delay, RespClient } from '../../support/redis/resp-client.ts'
import { type TestServer, testServer } from '../../support/server.ts'

const folder = mkdtempSync(join(tmpdir(), 'shardloom-audit-'))
const path = join(folder, 'audit.log')
let server: TestServer
let admin: RespClient

beforeAll(async () => {
  server = await testServer({
    serve: { auditLogFile: path, auditLogCommands: ['@admin', 'set', 'publish', 'del'] },
  })
  admin = await RespClient.connect(server.port)
})
afterAll(async () => {
  admin.close()
  await server.close()
  rmSync(folder, { recursive: true })
})

type Line = Readonly<Record<string, unknown>>

function lines(file = path): Line[] {
  const text = readFileSync(file, 'utf8')
  return text === ''
    ? []
    : text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Line)
}

async function until(holds: (all: Line[]) => boolean): Promise<Line[]> {
  const endMs = performance.now() + 5000
  for (;;) {
    let all: Line[] = []
    try {
      all = lines()
    } catch {
      // It is not there yet.
    }
    if (holds(all)) return all
    if (performance.now() > endMs) throw new Error(`never; ${JSON.stringify(all.slice(-5))}`)
    await delay(3)
  }
}

it('tells who did what to which keys, on every thread, and of nothing else', async () => {
  const clients = await Promise.all(Array.from({ length: 6 }, () => RespClient.connect(server.port)))
  await Promise.all(
    clients.map((client, i) =>
      client.pipeline([
        ['GET', `key:${i}`],
        ['SET', `key:${i}`, 'secret value'],
        ['MULTI'],
        ['DEL', `key:${i}`, '\xff'],
        ['PUBLISH', 'news', 'secret text'],
        ['EXEC'],
      ]),
    ),
  )
  const all = await until((found) => found.length >= 18)
  expect(all).toHaveLength(18)
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(all.every(({ user, result, db }) => user === 'default' && result === 'allowed' && db === 0)).toBe(
    true,
  )
  for (let i = 0; i < 6; i++) {
    const own = all.filter(({ keys }) => (keys as string[] | undefined)?.includes(`key:${i}`))
    expect(own.map(({ command, keys }) => [command, keys])).toEqual([
      ['set', [`key:${i}`]],
      ['del', [`key:${i}`, '\\xff']],
    ])
    expect(String(own[0]!['address'])).toMatch(/^127\.0\.0\.1:\d+$/)
    expect(own[0]!['time']).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  }
  expect(all.filter(({ channels }) => channels !== undefined)).toHaveLength(6)
  expect(readFileSync(path, 'utf8')).not.toContain('secret')
  for (const client of clients) client.close()
})

it('tells of logins and of refusals, without passwords', async () => {
  const before = lines().length
  await admin.call('ACL', 'SETUSER', 'tom', 'on', '>secret-1', '+get', '+auth', '+set', '~own:*')
  await admin.call('CONFIG', 'SET', 'requirepass', '')
  const tom = await RespClient.connect(server.port)
  await tom.call('AUTH', 'tom', 'secret-2')
  await tom.call('AUTH', 'tom', 'secret-1')
  await tom.call('SET', 'own:1', 'x')
  await tom.call('SET', 'other', 'x')
  await tom.call('CONFIG', 'GET', 'maxmemory')
  await tom.call('GET', 'other')
  const all = (await until((found) => found.length >= before + 7)).slice(before)
  expect(
    all.map(({ command, user, result, reason, keys, objects }) => ({
      command,
      user,
      result,
      reason,
      keys,
      objects,
    })),
  ).toEqual([
    { command: 'acl|setuser', user: 'default', result: 'allowed', objects: ['tom'] },
    { command: 'config|set', user: 'default', result: 'allowed', objects: ['requirepass'] },
    { command: 'auth', user: 'tom', result: 'denied', reason: 'WRONGPASS' },
    { command: 'auth', user: 'tom', result: 'allowed' },
    { command: 'set', user: 'tom', result: 'allowed', keys: ['own:1'] },
    { command: 'set', user: 'tom', result: 'denied', reason: 'NOPERM', keys: ['other'] },
    { command: 'config|get', user: 'tom', result: 'denied', reason: 'NOPERM', objects: ['maxmemory'] },
  ])
  expect(readFileSync(path, 'utf8')).not.toContain('secret')
  tom.close()
})

it('takes other commands while it runs', async () => {
  await admin.call('CONFIG', 'SET', 'audit-log-commands', 'incr')
  const before = lines().length
  await admin.call('SET', 'quiet', '1')
  await admin.call('INCR', 'loud')
  const all = (await until((found) => found.length > before)).slice(before)
  expect(all.map(({ command }) => command)).toEqual(expect.arrayContaining(['incr']))
  expect(all.filter(({ command }) => command === 'set')).toEqual([])
})

it('refuses a word that names nothing, and stays as it was', async () => {
  const before = await admin.call('CONFIG', 'GET', 'audit-log-commands')
  for (const word of ['@wriite', 'nosuch', 'config|nosuch']) {
    const refusal = await admin.call('CONFIG', 'SET', 'audit-log-commands', `get ${word}`)
    expect(String(refusal)).toContain(`no command or category is called '${word}'`)
  }
  expect(await admin.call('CONFIG', 'GET', 'audit-log-commands')).toEqual(before)
})

it('goes on in a new file when it is told that the old one was moved', async () => {
  const moved = `${path}.1`
  renameSync(path, moved)
  await admin.call('INCR', 'to:the:old')
  await delay(20)
  await server.server.reload()
  await admin.call('INCR', 'to:the:new')
  const all = await until((found) => found.length >= 1)
  expect(all.map(({ keys }) => keys)).toEqual([['to:the:new']])
  expect(lines(moved).at(-1)!['keys']).toEqual(['to:the:old'])
})

it('INFO counts what could not be written', async () => {
  const lost = async (): Promise<string> => String(await admin.call('INFO', 'audit'))
  expect(await lost()).toContain('audit_log_enabled:1\r\naudit_log_lost_lines:0\r\n')
  renameSync(path, `${path}.2`)
  mkdirSync(path)
  await server.server.reload()
  await admin.call('INCR', 'lost')
  while (!(await lost()).includes('lost_lines:1')) await delay(3)
  rmdirSync(path)
  await admin.call('INCR', 'kept')
  await until((all) => all.length === 2)
  expect(lines()).toMatchObject([{ dropped: 1 }, { keys: ['kept'] }])
  expect(await lost()).toContain('audit_log_lost_lines:1\r\n')
})

it('a server whose file cannot be written does not start, and listens nowhere', async () => {
  const wrong = join(folder, 'none', 'audit.log')
  await expect(testServer({ serve: { auditLogFile: wrong } })).rejects.toThrow(
    `file cannot be used: ${wrong}`,
  )
  expect(existsSync(wrong)).toBe(false)
})
