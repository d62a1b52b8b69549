/** The log: what a line says, what it hides, and how its file is opened anew. */
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { HostLog, type HostLogOptions } from '../../src/host/host-log.ts'

const folder = mkdtempSync(join(tmpdir(), 'shardloom-log-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function open(name: string, options: Partial<HostLogOptions> = {}): { log: HostLog; file: string } {
  const file = join(folder, name)
  const onFailure = (text: string): void => expect.fail(text)
  return {
    log: HostLog.open({ file, format: 'json', level: 'notice', isTerminal: false, onFailure, ...options }),
    file,
  }
}

const linesOf = (file: string): Record<string, unknown>[] =>
  readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))

test('a line is one object, and is there at once', () => {
  const { log, file } = open('json.log')
  log.write('info', 'ready', { port: 6379 })
  log.write('error', 'it broke', { error: new TypeError('why') })
  expect(linesOf(file)).toMatchObject([
    { level: 'info', msg: 'ready', port: 6379, pid: process.pid, time: expect.stringMatching(/^\d{4}-.*Z$/) },
    { level: 'error', msg: 'it broke', error: { type: 'TypeError', message: 'why' } },
  ])
})

test("levels are in Redis' words, and change while it is open", () => {
  const { log, file } = open('levels.log', { level: 'warning' })
  log.write('info', 'one')
  log.write('warn', 'two')
  log.setLevel('verbose')
  expect([log.isWritten('debug'), log.isWritten('info')]).toEqual([true, true])
  log.write('debug', 'three')
  expect(linesOf(file).map(({ msg }) => msg)).toEqual(['two', 'three'])
})

test('secrets under usual names are hidden', () => {
  const { log, file } = open('secret.log')
  log.write('info', 'login', { user: 'a', password: 'geheim', client: { auth: 'geheim' } })
  expect(readFileSync(file, 'utf8')).not.toContain('geheim')
  expect(linesOf(file)[0]).toMatchObject({ user: 'a', password: '(hidden)', client: { auth: '(hidden)' } })
})

test('a file that was moved away is opened anew', () => {
  const { log, file } = open('rotated.log')
  log.write('info', 'before')
  renameSync(file, `${file}.1`)
  log.write('info', 'still there')
  log.reopen()
  log.write('info', 'after')
  expect(linesOf(`${file}.1`).map(({ msg }) => msg)).toEqual(['before', 'still there'])
  expect(linesOf(file).map(({ msg }) => msg)).toEqual(['after'])
})

test('for people it is a line with its details below', () => {
  const { log, file } = open('pretty.log', { format: 'pretty' })
  log.write('warn', 'slow', { ms: 7 })
  const text = readFileSync(file, 'utf8')
  expect(text).toMatch(/^\[\d\d:\d\d:\d\d\.\d{3}\] WARN: slow\n\s+ms: 7\n$/)
})

test('a file that cannot be opened is told by name', () => {
  expect(() => open('no/such/folder.log')).toThrow(
    /cannot be used: .*folder.log: ENOENT.*; choose .* --logfile/,
  )
})
