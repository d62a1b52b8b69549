/**
 * `shardloom serve` over TLS, spoken to by `redis-cli --tls`: who is let in, and which user a certificate is.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeCertificate, type TestCertificate } from '../../support/certificates.ts'
import { isAvailable, type Outcome, run } from '../../support/clients/program.ts'
import { freePort } from '../../support/redis/redis-server.ts'

const MAIN = fileURLToPath(new URL('../../../dist/src/cli/main.js', import.meta.url))
/** One that was built without TLS does not know the option. */
const HERE = isAvailable(['redis-cli', '--tls', '--version'], ['redis-tools'])

const authority = makeCertificate({ commonName: 'Test CA', isAuthority: true })
const stranger = makeCertificate({ commonName: 'Other CA', isAuthority: true })
const byAuthority = (commonName: string, names: readonly string[] = []): TestCertificate =>
  makeCertificate({ commonName, issuer: authority, names })
const files: Readonly<Record<string, TestCertificate>> = {
  ...{ authority, stranger, server: byAuthority('server', ['DNS:localhost', 'IP:127.0.0.1']) },
  ...{ alice: byAuthority('alice'), printer: byAuthority('printer 7', ['DNS:printer.example']) },
  ...{ nobody: byAuthority('nobody'), mallory: makeCertificate({ commonName: 'alice', issuer: stranger }) },
}

const folder = mkdtempSync(join(tmpdir(), 'shardloom-cli-tls-'))
const certOf = (name: string): string => join(folder, `${name}.crt`)
const keyOf = (name: string): string => join(folder, `${name}.key`)
const running: ChildProcess[] = []

beforeAll(() => {
  for (const [name, { cert, key }] of Object.entries(files)) {
    writeFileSync(certOf(name), cert)
    writeFileSync(keyOf(name), key)
  }
})
afterAll(async () => {
  for (const child of running) child.kill('SIGKILL')
  rmSync(folder, { recursive: true })
})

/** Starts `shardloom serve` with TLS alone; it is ready when it says so. Gives the port. */
async function serve(...more: string[]): Promise<string> {
  const port = String(await freePort())
  const words = [
    ...[MAIN, 'serve', '--port', '0', '--tls-port', port, '--threads', '2', '--ready-fd', '3'],
    ...['--tls-cert-file', certOf('server'), '--tls-key-file', keyOf('server')],
    ...['--tls-ca-cert-file', certOf('authority'), ...more],
  ]
  const child = spawn(process.execPath, words, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe', 'pipe'] })
  running.push(child)
  let said = ''
  child.stderr?.on('data', (data) => {
    said += data
  })
  const ended = once(child, 'close').then(() => `it ended: ${said}`)
  const ready = once(child.stdio[3]!, 'data').then(([data]) => String(data))
  expect(await Promise.race([ready, ended])).toBe('READY=1\n')
  return port
}

/** Runs `redis-cli --tls`, with the certificate of somebody. */
function cli(port: string, who: string | undefined, ...words: string[]): Promise<Outcome> {
  const shown = who === undefined ? [] : ['--cert', certOf(who), '--key', keyOf(who)]
  return run('redis-cli', ['-p', port, '--tls', '--cacert', certOf('authority'), ...shown, ...words])
}

function said(stdout: string): Outcome {
  return { code: 0, stdout, stderr: '' }
}

describe.runIf(HERE)('redis-cli --tls', () => {
  test('PING, SET and GET, with certificates on both sides', async () => {
    const port = await serve()
    expect(await cli(port, 'alice', 'PING')).toEqual(said('PONG\n'))
    expect(await cli(port, 'alice', 'SET', 'key', 'x'.repeat(100_000))).toEqual(said('OK\n'))
    expect(await cli(port, 'nobody', 'GET', 'key')).toEqual(said(`${'x'.repeat(100_000)}\n`))
    // Without a map, a certificate lets in, and says nothing of users.
    expect(await cli(port, 'alice', 'ACL', 'WHOAMI')).toEqual(said('default\n'))
    const many = Array.from({ length: 2000 }, (_, i) => `SET key:${i} ${i}\r\n`).join('')
    const words = ['-p', port, '--tls', '--cacert', certOf('authority')]
    const piped = await run(
      'redis-cli',
      [...words, '--cert', certOf('alice'), '--key', keyOf('alice'), '--pipe'],
      { input: many },
    )
    expect(piped.stdout).toMatch(/errors: 0, replies: 2000/)
    expect(await cli(port, 'alice', 'DBSIZE')).toEqual(said('2001\n'))
  })

  test('who shows no certificate, or one of a stranger, is refused', async () => {
    const port = await serve()
    for (const who of [undefined, 'mallory']) {
      const { code, stdout } = await cli(port, who, 'PING')
      expect([code === 0, stdout]).toEqual([false, ''])
    }
    const plain = await run('redis-cli', ['-p', port, 'PING'])
    expect(plain.stdout).not.toContain('PONG')
    const distrusting = ['-p', port, '--tls', '--cacert', certOf('stranger'), 'PING']
    expect((await run('redis-cli', distrusting)).stderr).toMatch(/certificate verify failed/)
    expect(await cli(port, 'alice', 'PING')).toEqual(said('PONG\n'))
  })

  test('a certificate makes its client a user, by its common name or by the map', async () => {
    const port = await serve(
      ...['--tls-auth-clients', 'optional', '--tls-auth-clients-user', 'cn'],
      ...['--tls-auth-clients-map', 'DNS:printer.example printing'],
      ...[
        '--user',
        'alice on >unused ~alice:* +@all',
        '--user',
        'printing on >unused ~jobs +lpop +acl|whoami',
      ],
    )
    const whoIs = async (who: string | undefined): Promise<string> =>
      (await cli(port, who, 'ACL', 'WHOAMI')).stdout
    expect([await whoIs('alice'), await whoIs('printer')]).toEqual(['alice\n', 'printing\n'])
    // Nobody of that name, and no certificate at all: the default user.
    expect([await whoIs('nobody'), await whoIs(undefined)]).toEqual(['default\n', 'default\n'])
    expect(await cli(port, 'alice', 'SET', 'alice:1', 'v')).toEqual(said('OK\n'))
    expect((await cli(port, 'alice', 'GET', 'jobs')).stdout).toMatch(/^NOPERM /)
    expect((await cli(port, 'printer', 'LPUSH', 'jobs', 'x')).stdout).toMatch(/^NOPERM /)
    expect(await cli(port, 'printer', 'LPOP', 'jobs')).toEqual(said('\n'))
  })
})
