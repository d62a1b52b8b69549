/** The program that prints a key: what it prints is the key, and is shown to nobody. */
import { expect, test } from 'vitest'
import { systemClock } from '../../src/base/index.ts'
import { type KeyCommand, runKeyCommand } from '../../src/storage/key-command.ts'
import { rejection } from '../support/runtime.ts'

const CLOCK = systemClock()
const node = (program: string): KeyCommand => [process.execPath, '-e', program]
const run = (command: KeyCommand, deadlineMs?: number): Promise<Buffer> =>
  runKeyCommand(command, 'the option', CLOCK, deadlineMs)

async function failure(command: KeyCommand, deadlineMs?: number): Promise<string> {
  const error = await rejection(run(command, deadlineMs))
  expect(error['code']).toBe('SHL_KEY_UNAVAILABLE')
  expect(error['details']).toMatchObject({ source: 'the option' })
  expect(JSON.stringify([error['details'], error.message, error.stack])).not.toContain('SECRET')
  return String((error['details'] as { reason?: unknown }).reason)
}

test('what a program prints is handed on, as it is', async () => {
  expect([...(await run(node('process.stdout.write(Buffer.from([0, 255, 10]))')))]).toEqual([0, 255, 10])
})

test('a line is run by the shell, words are not', async () => {
  expect(String(await run('echo one two')).trim()).toBe('one two')
  expect(String(await run([process.execPath, '-p', 'process.argv.slice(1).join()', '$HOME', 'a b']))).toBe(
    '$HOME,a b\n',
  )
})

test('it has no input', async () => {
  const program = "process.stdin.on('data', () => 0).on('end', () => console.log('end'))"
  expect(String(await run(node(program)))).toBe('end\n')
})

test('one that fails says why, and never what it has printed', async () => {
  const program = "console.log('SECRET'); console.error('no token, not even SECRET'); process.exit(3)"
  expect(await failure(node(program))).toBe('the command ended with code 3: no token, not even …')
  expect(await failure(node("console.log('SECRET'); process.kill(process.pid, 'SIGKILL')"))).toMatch(
    process.platform === 'win32' ? /ended with/ : /^the command ended with SIGKILL$/,
  )
  expect(await failure(['/there/is/no/such/program', 'SECRET'])).toBe('the command cannot be started: ENOENT')
})

test('one that takes too long, or prints too much, is killed with what it has started', async () => {
  const startMs = performance.now()
  expect(await failure(node("console.log('SECRET'); setTimeout(() => 0, 60_000)"), 300)).toMatch(
    /longer than 300 ms/,
  )
  if (process.platform !== 'win32')
    expect(await failure('sleep 60; echo SECRET', 200)).toMatch(/longer than 200 ms/)
  expect(await failure(node("for (;;) process.stdout.write('SECRET'.repeat(1000))"))).toMatch(
    /more than 4096 bytes/,
  )
  expect(performance.now() - startMs).toBeLessThan(30_000)
})

test('one that traces what it runs does not give the key away', async () => {
  for (const key of ['0123456789abcdef'.repeat(4), Buffer.alloc(32, 0xa5).toString('base64')]) {
    const reason = await failure(node(`console.error('+ vault write ${key}'); process.exit(1)`))
    expect(reason).not.toContain(key.slice(0, 40))
    expect(reason).toContain('+ vault write …')
  }
})
