/**
 * A Redis of the test's own: on a free port of the loopback, without files, stopped at the end.
 *
 * Where there is none, it is installed on Debian by root, once and within a deadline; else the tests that
 * need it are skipped with a line that says how to install it.
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delay, RespClient } from './resp-client.ts'

const INSTALL_MS = 60_000
const START_MS = 10_000
/** Our end closes its input, whatever ended us: so no server is left behind. */
const UNTIL_WE_END = 'redis-server "$@" & cat; kill -9 $!'
const HOW_TO_INSTALL = 'apt-get install redis-server (Debian, Ubuntu), brew install redis (macOS)'

/** A running server with one connection. */
export interface RedisServer {
  /** `7.0.15`. */
  readonly version: string
  readonly port: number
  readonly client: RespClient
  stop(): Promise<void>
}

/**
 * Starts a server of version 7; undefined, with a line on stderr, where that cannot be. `settings` are words
 * of its command line, before which others give way.
 */
export async function startRedis(settings: readonly string[] = []): Promise<RedisServer | undefined> {
  if (!isInstalled() && !install()) {
    process.stderr.write(`skipped: tests against Redis need redis-server: ${HOW_TO_INSTALL}\n`)
    return undefined
  }
  const port = await freePort()
  const shell = spawn(
    'sh',
    [
      ...['-c', UNTIL_WE_END, 'sh', '--port', String(port), '--bind', '127.0.0.1', '--save', ''],
      ...['--appendonly', 'no', '--dir', tmpdir(), '--loglevel', 'warning', ...settings],
    ],
    // SORT … ALPHA compares as the locale says.
    { stdio: ['pipe', 'ignore', 'ignore'], env: { ...process.env, LC_ALL: 'C' } },
  )
  const client = await connectSoon(port)
  const info = String(await client.call('INFO', 'server'))
  const version = /redis_version:([\d.]+)/.exec(info)?.[1] ?? 'unknown'
  const server: RedisServer = {
    version,
    port,
    client,
    async stop() {
      client.close()
      const ended = new Promise((resolve) => shell.once('exit', resolve))
      shell.stdin.end()
      await ended
    },
  }
  if (/^7\./.test(version)) return server
  await server.stop()
  process.stderr.write(`skipped: tests against Redis are written for version 7, and there is ${version}\n`)
  return undefined
}

function isInstalled(): boolean {
  return spawnSync('redis-server', ['--version'], { stdio: 'ignore' }).status === 0
}

function install(): boolean {
  if (process.getuid?.() !== 0 || !existsSync('/etc/debian_version')) return false
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  spawnSync('apt-get', ['install', '-y', 'redis-server'], { stdio: 'ignore', timeout: INSTALL_MS, env })
  return isInstalled()
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      probe.close(() => resolve(port))
    })
  })
}

async function connectSoon(port: number): Promise<RespClient> {
  const endMs = performance.now() + START_MS
  for (;;) {
    try {
      return await RespClient.connect(port)
    } catch (error) {
      if (performance.now() > endMs) throw error
      await delay(20)
    }
  }
}
