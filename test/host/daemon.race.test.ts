/** The process that serves: what it says when it is ready, and how it ends. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, expect, test } from 'vitest'
import { RespClient } from '../support/redis/resp-client.ts'

const MAIN = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'shardloom-daemon-'))
const running = new Set<ChildProcess>()

afterEach(() => {
  for (const child of running) child.kill('SIGKILL')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Served {
  readonly child: ChildProcess
  readonly port: number
  /** What it has written to standard error. */
  readonly text: () => string
  readonly ended: Promise<number | string>
}

/** Starts one; it is ready when it says so on a descriptor that it is given. */
async function serve(...argv: string[]): Promise<Served> {
  const port = await freePort()
  const words = [MAIN, 'serve', '--port', String(port), '--threads', '1', '--ready-fd', '3', ...argv]
  const child = spawn(process.execPath, words, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] })
  running.add(child)
  let text = ''
  child.stderr?.on('data', (data) => (text += data))
  const ended = new Promise<number | string>((resolve) =>
    child.once('close', (code, signal) => {
      running.delete(child)
      resolve(code ?? signal ?? '')
    }),
  )
  const ready = new Promise<string>((resolve) =>
    child.stdio[3]?.once('data', (data) => resolve(String(data))),
  )
  expect(await Promise.race([ready, ended.then((code) => `ended: ${code} ${text}`)])).toBe('READY=1\n')
  return { child, port, text: () => text, ended }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number }
      probe.close(() => resolve(port))
    })
  })
}

test('it ends in time, loses nothing that was answered, and a later signal ends it at once', async () => {
  const pidFile = join(folder, 'a.pid')
  const argv = ['--dir', join(folder, 'data'), '--pidfile', pidFile, '--shards', '2']
  const first = await serve(...argv)
  expect(readFileSync(pidFile, 'utf8')).toBe(`${first.child.pid}\n`)
  expect(first.text()).toContain(`ready: listening at 127.0.0.1:${first.port}`)
  const client = await RespClient.connect(first.port)
  const answered = new Set<number>()
  let isOpen = true
  const sent: Promise<unknown>[] = []
  for (let i = 0; isOpen && i < 10_000; i += 50) {
    const batch = Array.from({ length: 50 }, (_, k) => i + k)
    sent.push(
      client.pipeline(batch.map((k) => ['SET', `key:${k}`, String(k)])).then(
        (forms) => {
          for (const [k, form] of forms.entries()) if (form === '+OK') answered.add(batch[k]!)
        },
        () => {
          isOpen = false
        },
      ),
    )
    if (i === 2000) {
      await until(() => answered.size > 0)
      // Two at once are one.
      first.child.kill('SIGTERM')
      first.child.kill('SIGINT')
    }
    if (i % 500 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  expect(await first.ended).toBe(0)
  client.close()
  await Promise.all(sent)
  expect(answered.size).toBeGreaterThan(0)
  expect(first.text()).toContain('"msg":"stopped"')
  expect(existsSync(pidFile)).toBe(false)

  const logFile = join(folder, 'b.log')
  const second = await serve(...argv, '--logfile', logFile, '--requirepass', 'geheim', '--bind', '127.0.0.1')
  expect(second.text()).toMatch(/^shardloom: ready: listening at \S+:\d+/)
  const reader = await RespClient.connect(second.port)
  await reader.call('AUTH', 'geheim')
  const keys = [...answered]
  const values = await reader.pipeline(keys.map((k) => ['GET', `key:${k}`]))
  expect(keys.filter((k, i) => values[i] !== `$${k}`)).toEqual([])

  renameSync(logFile, `${logFile}.1`)
  second.child.kill('SIGHUP')
  await until(() => existsSync(logFile) && readFileSync(logFile, 'utf8').includes('opened anew'))

  // It waits for a client that does not read, so that a later signal finds it waiting.
  const deaf = await unread(reader, second.port, 'AUTH geheim\r\n')
  second.child.kill('SIGTERM')
  await until(() => readFileSync(logFile, 'utf8').includes('stopping: SIGTERM'))
  const again = setInterval(() => second.child.kill('SIGINT'), 50)
  expect(await second.ended).toBe(130)
  clearInterval(again)
  deaf.destroy()
  reader.close()
  expect(readFileSync(logFile, 'utf8')).toContain('ended at once by SIGINT')
  expect(existsSync(pidFile)).toBe(false)
  expect(readFileSync(logFile, 'utf8') + readFileSync(`${logFile}.1`, 'utf8')).not.toContain('geheim')
})

/** A client that asks for much, and reads nothing of it. */
async function unread(other: RespClient, port: number, first = ''): Promise<Socket> {
  expect(await other.call('SET', 'large', 'x'.repeat(4_000_000))).toBe('+OK')
  const deaf = connect(port, '127.0.0.1')
  deaf.on('error', () => undefined)
  deaf.pause()
  await new Promise((resolve) => deaf.write(`${first}${'GET large\r\n'.repeat(20)}`, resolve))
  // What has not been begun is not waited for.
  while (!/ omem=[1-9]/.test(String(await other.call('CLIENT', 'LIST')))) {
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  return deaf
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 5))
}

test('a signal during the start ends it at once, and no pid file stays', async () => {
  const pidFile = join(folder, 'start.pid')
  const words = [MAIN, 'serve', '--port', String(await freePort()), '--threads', '1', '--pidfile', pidFile]
  const child = spawn(process.execPath, words, { cwd: folder, stdio: 'ignore' })
  running.add(child)
  const ended = new Promise((resolve) => child.once('close', resolve))
  await until(() => existsSync(pidFile))
  child.kill('SIGTERM')
  // 0: it was ready by then.
  expect([143, 0]).toContain(await ended)
  expect(existsSync(pidFile)).toBe(false)
})

test('a client that does not read takes the time of nobody else', async () => {
  const served = await serve('--shutdown-timeout', '2', '--shards', '2', '--dir', join(folder, 'unread'))
  const client = await RespClient.connect(served.port)
  const deaf = await unread(client, served.port)
  client.close()
  served.child.kill('SIGTERM')
  // 1: something had to be cut off besides the client.
  expect(await served.ended).toBe(0)
  expect(served.text()).toContain('"msg":"stopped"')
  deaf.destroy()
})

test('it does not end as if all were well when a log has failed', async () => {
  const dir = join(folder, 'gone')
  const served = await serve('--dir', dir, '--shards', '1', '--log-segment-bytes', '65536')
  const client = await RespClient.connect(served.port)
  rmSync(dir, { recursive: true })
  // The next segment cannot be made.
  await until(async () => {
    const [form] = await client.pipeline([['SET', 'k', 'x'.repeat(60_000)]])
    return String(form).includes('MISCONF')
  })
  client.close()
  served.child.kill('SIGTERM')
  expect(await served.ended).toBe(1)
  expect(served.text()).toContain('SHL_LOG_FAILED')
})

test.each([
  [['--user', 'x on +nosuch'], /nosuch/],
  [['--audit-log-commands', '@wriite'], /audit-log-commands=@wriite/],
])('a configuration that is wrong ends it with 2: %j', async (argv, told) => {
  const words = [MAIN, 'serve', '--port', String(await freePort()), '--threads', '1', ...argv]
  const { code, err } = await new Promise<{ code: unknown; err: string }>((resolve) => {
    execFile(process.execPath, words, { cwd: folder, timeout: 20_000 }, (error, _out, stderr) =>
      resolve({ code: error?.code, err: stderr }),
    )
  })
  expect(err).toMatch(told)
  expect(code).toBe(2)
})

test('what hinders its start is told in one line', async () => {
  const taken = createServer()
  const port = await new Promise<number>((resolve) => {
    taken.listen(0, '127.0.0.1', () => resolve((taken.address() as { port: number }).port))
  })
  const words = [MAIN, 'serve', '--port', String(port), '--threads', '1', '--log-format', 'pretty']
  const { code, err } = await new Promise<{ code: unknown; err: string }>((resolve) => {
    execFile(process.execPath, words, { cwd: folder, timeout: 20_000 }, (error, _out, stderr) =>
      resolve({ code: error?.code, err: stderr }),
    )
  })
  taken.close()
  expect(err).toMatch(/FATAL: .*EADDRINUSE|FATAL: .*in use/)
  expect(code).toBe(1)
})

test.each([
  ['--pidfile', /^shardloom: file cannot be used: \/nonexistent\/z: ENOENT.*--pidfile\n$/],
  ['--logfile', /^shardloom: file cannot be used: \/nonexistent\/z: .*ENOENT.*--logfile\n$/],
  ['--audit-log-file', /"msg":"file cannot be used: \/nonexistent\/z: ENOENT.*audit-log-file"\}\n$/],
])('a file that it cannot write keeps it from starting: %s', async (flag, told) => {
  const port = String(await freePort())
  const words = [MAIN, 'serve', '--port', port, '--threads', '1', flag, '/nonexistent/z']
  const { code, err } = await new Promise<{ code: unknown; err: string }>((resolve) => {
    execFile(process.execPath, words, { cwd: folder, timeout: 20_000 }, (error, _out, stderr) =>
      resolve({ code: error?.code, err: stderr }),
    )
  })
  expect(err).toMatch(told)
  expect(code).toBe(1)
})
