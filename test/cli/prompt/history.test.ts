/** What was typed before, in a file. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { History, holdsSecret } from '../../../src/cli/prompt/history.ts'

const folder = mkdtempSync(join(tmpdir(), 'shardloom-history-'))

afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('lines are kept, the newest first, and only we may read them', () => {
  const path = join(folder, 'kept')
  const history = new History(path)
  for (const line of ['get a', 'get b', 'get b', '  ', 'get a']) history.add(line)
  expect(history.lines).toEqual(['get a', 'get b', 'get a'])
  expect(readFileSync(path, 'utf8')).toBe('get a\nget b\nget a\n')
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(new History(path).lines).toEqual(['get a', 'get b', 'get a'])
})

test.each([
  ['auth secret', true],
  ['AUTH me secret', true],
  ['2 auth secret', true],
  ['"auth" secret', true],
  ['hello 3 AUTH me secret', true],
  ['hello 3', false],
  ['acl setuser me >secret', true],
  ['acl list', false],
  ['config set requirepass secret', true],
  ['config set maxmemory 1 masterauth secret', true],
  ['config set tls-key-file-pass secret', true],
  ['config set maxmemory 1', false],
  ['config get requirepass', false],
  ['migrate h 1 k 0 1 AUTH2 me secret', true],
  ['set password x', false],
  ['auth "open', true],
])('%s holds a secret: %s', (line, expected) => {
  expect(holdsSecret(line)).toBe(expected)
  const path = join(folder, `secret-${expected}`)
  new History(path).add(line)
  if (expected) expect(() => statSync(path)).toThrow()
})

test('a file that was open to others is closed, and secrets in it are forgotten', () => {
  const path = join(folder, 'open')
  writeFileSync(path, 'get a\nauth secret\n', { mode: 0o644 })
  expect(new History(path).lines).toEqual(['get a'])
  expect(statSync(path).mode & 0o777).toBe(0o600)
})

test('a file that has grown long is cut', () => {
  const path = join(folder, 'long')
  writeFileSync(path, Array.from({ length: 2500 }, (_, i) => `get ${i}\n`).join(''))
  expect(new History(path).lines).toHaveLength(1000)
  const lines = readFileSync(path, 'utf8').trim().split('\n')
  expect([lines.length, lines[0], lines.at(-1)]).toEqual([1000, 'get 1500', 'get 2499'])
})

test('without a file, or where there can be none, it is kept for this prompt', () => {
  for (const path of [undefined, join(folder, 'no', 'such', 'folder')]) {
    const history = new History(path)
    history.add('get a')
    expect(history.lines).toEqual(['get a'])
  }
})
