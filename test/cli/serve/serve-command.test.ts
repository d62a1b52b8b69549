/** `shardloom serve`, as far as it starts nothing. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { serveCommand } from '../../../src/cli/serve/serve-command.ts'

const MAIN = fileURLToPath(new URL('../../../dist/src/cli/main.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'shardloom-serve-'))
writeFileSync(join(folder, 'shardloom.toml'), 'port = 7001\nrequirepass = "geheim"\n')
writeFileSync(join(folder, 'redis.conf'), 'timeout 9\nnonsense 1\n')
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('--check-config prints what would be used, in a process of its own', async () => {
  const words = [MAIN, 'serve', '--check-config', '--redis-conf', 'redis.conf', '--maxmemory=1gb']
  const env = { ...process.env, SHARDLOOM_MAXCLIENTS: '77' }
  const { code, out, err } = await new Promise<{ code: unknown; out: string; err: string }>((resolve) => {
    execFile(process.execPath, words, { cwd: folder, env, timeout: 20_000 }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, out: stdout, err: stderr }),
    )
  })
  expect(code).toBe(0)
  expect(err).toMatch(/^shardloom: redis.conf:2: unknown directive nonsense is left out; did you mean .*\n$/)
  expect(out).toContain('# Read: shardloom.toml, redis.conf.')
  expect(out).toContain('port = 7001  # shardloom.toml:1')
  expect(out).toContain('requirepass = "(hidden)"  # shardloom.toml:2')
  expect(out).toContain('timeout = 9  # redis.conf:1')
  expect(out).toContain('bind = ["*", "-::*"]  # follows from others')
  expect(out).toContain('maxclients = 77  # variable SHARDLOOM_MAXCLIENTS')
  expect(out).toContain('maxmemory = "1gb"  # flag --maxmemory')
  expect(out).not.toContain('geheim')
})

test.each([
  [['--help'], 0, /^usage: shardloom serve/, /^$/],
  [['--prot', '1'], 2, /^$/, /^shardloom: unknown parameter: prot \(flag --prot\); did you mean port\?/],
  [['--check-config'], 0, /bind = \["127.0.0.1", "-::1"\] {2}# default/, /^$/],
  [['--check-config', '--user', 'a on frob'], 2, /^$/, /^shardloom: .*user=.*frob/],
  [['--check-config', '--audit-log-commands', '@wriite'], 2, /^$/, /audit-log-commands=@wriite/],
  [['--port', 'x'], 2, /^$/, /^shardloom: invalid parameter: port=x/],
])('%j', async (argv, code, out, err) => {
  const written = { out: '', err: '' }
  const output = {
    out: (text: string): void => {
      written.out += text
    },
    err: (text: string): void => {
      written.err += text
    },
    isTerminal: false,
  }
  expect(await serveCommand(argv, output, {})).toBe(code)
  expect(written.out).toMatch(out)
  expect(written.err).toMatch(err)
})
