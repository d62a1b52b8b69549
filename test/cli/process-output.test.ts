/**
 * The streams of the program: a disk that takes no more, a pipe that nobody reads, and how help is asked for.
 */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { commit, craft } from '../keyspace/durability/offline/crafted-directory.ts'
import { RespClient } from '../support/redis/resp-client.ts'
import { type TestServer, testServer } from '../support/server.ts'

const MAIN = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url))
/** A device on which there is never any room. */
const FULL = '/dev/full'
const folder = mkdtempSync(join(tmpdir(), 'shardloom-output-'))
const dir = join(folder, 'data')

beforeAll(() => craft(dir, [Array.from({ length: 300 }, (_, i) => commit(i + 1, `key:${i}`))]))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function shardloom(...words: string[]): Promise<{ stdout: string; stderr: string; code: number }> {
  try {
    return { ...(await promisify(execFile)(process.execPath, [MAIN, ...words])), code: 0 }
  } catch (error) {
    return error as { stdout: string; stderr: string; code: number }
  }
}

/** Runs the program with this as its standard output; its exit code, and what it says besides. */
function runInto(output: number | 'closed', words: readonly string[]): Promise<[number | null, string]> {
  const out = output === 'closed' ? 'pipe' : output
  const child = spawn(process.execPath, [MAIN, ...words], { stdio: ['ignore', out, 'pipe'] })
  child.stdout?.destroy()
  let said = ''
  child.stderr?.on('data', (data) => {
    said += data
  })
  return new Promise((resolve) => child.on('close', (code) => resolve([code, said])))
}

const WRITERS = [['verify', dir], ['inspect', 'log', dir], ['export', dir, '-'], ['help']]

describe.skipIf(!existsSync(FULL))('a disk that is full', () => {
  test.each(WRITERS)('is one line, and exit code 2: %s', async (...words) => {
    const device = openSync(FULL, 'w')
    const [code, said] = await runInto(device, words)
    closeSync(device)
    expect([code, said]).toEqual([2, 'shardloom: standard output: ENOSPC: no space left on device, write\n'])
  })
})

test.each(WRITERS)('a pipe that nobody reads is no error: %s', async (...words) => {
  expect(await runInto('closed', words)).toEqual([0, ''])
})

describe('a pipe that is closed ends a stream, which is no error', () => {
  let server: TestServer
  let client: RespClient

  beforeAll(async () => {
    server = await testServer()
    client = await RespClient.connect(server.port)
  })
  afterAll(async () => {
    client?.close()
    await server?.close()
  })

  test.each([['MONITOR'], ['SUBSCRIBE', 'news'], ['WATCHREV', '*']])('%s', async (...words) => {
    const argv = [MAIN, 'cli', '-p', String(server.port), ...words]
    const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    child.stderr.on('data', (data) => {
      said += data
    })
    const ended = once(child, 'close')
    await once(child.stdout, 'data')
    child.stdout.destroy()
    await once(child.stdout, 'close')
    await client.call('PUBLISH', 'news', 'hello')
    await client.call('SET', 'key', 'value')
    expect([...(await ended), said]).toEqual([0, null, ''])
  })

  test('so that it is not begun again', async () => {
    const argv = [MAIN, 'cli', '-p', String(server.port)]
    const child = spawn(process.execPath, argv, { stdio: 'pipe' })
    child.stdout.destroy()
    child.stdin.write('2 MONITOR\n')
    expect(await once(child, 'close')).toEqual([0, null])
  })
})

test('help and the version are asked for in every usual way', async () => {
  const { stdout: usage } = await shardloom('--help')
  for (const words of [['-h'], ['help'], ['help', 'help']]) {
    expect([words, await shardloom(...words)]).toEqual([words, { stdout: usage, stderr: '', code: 0 }])
  }
  for (const name of ['verify', 'import', 'doctor', 'bench']) {
    const { stdout } = await shardloom(name, '--help')
    expect(stdout.startsWith(`usage: shardloom ${name} `), name).toBe(true)
    for (const words of [
      ['help', name],
      [name, '-h'],
    ]) {
      expect([words, (await shardloom(...words)).stdout]).toEqual([words, stdout])
    }
  }
  expect((await shardloom('doctor', '--help')).stdout).toMatch(/^ {4}--json {3,}prints one JSON object$/m)
  for (const option of ['seconds N', 'rounds N', 'threads N', 'json', 'svg FILE']) {
    expect((await shardloom('bench', '--help')).stdout).toContain(`\n    --${option} `)
  }
  expect((await shardloom('-v')).stdout).toBe((await shardloom('--version')).stdout)
  expect(await shardloom('help', 'nope')).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^shardloom: unknown command: nope\n/),
  })
})
