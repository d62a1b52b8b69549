/** The command line, as a user runs it. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const run = promisify(execFile)
const MAIN = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url))

async function shardloom(...words: string[]): Promise<{ stdout: string; stderr: string; code: number }> {
  try {
    return { ...(await run(process.execPath, [MAIN, ...words], { timeout: 30_000 })), code: 0 }
  } catch (error) {
    return error as { stdout: string; stderr: string; code: number }
  }
}

test('doctor tries a runtime and finds it well', async () => {
  const { stdout, code } = await shardloom('doctor')
  expect(code).toBe(0)
  expect(stdout).toMatch(/ok {4}Node/)
  expect(stdout).toMatch(/ok {4}loss of a thread {9}noticed as thread_lost/)
  expect(stdout).not.toContain('FAIL')
})

test('doctor --json prints one object', async () => {
  const { stdout } = await shardloom('doctor', '--json')
  expect(JSON.parse(stdout)).toMatchObject({ isFine: true })
})

test('version, help, and what is not known', async () => {
  expect((await shardloom('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  expect((await shardloom('--help')).stdout).toContain('usage: shardloom')
  for (const words of [[], ['sevre'], ['--nope'], ['doctor', 'who']]) {
    expect((await shardloom(...words)).code).toBe(2)
  }
  expect((await shardloom('sevre')).stderr).toContain('unknown command: sevre')
})
