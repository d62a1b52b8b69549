/** Keys on the command line: arguments before the environment, and no key in what is said. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { encryptionOf, ringOf, targetOf } from '../../../src/cli/storage/key-arguments.ts'
import { LogKey } from '../../../src/storage/index.ts'
import { commit, craft, segmentPath } from '../../keyspace/durability/offline/crafted-directory.ts'
import { run } from './captured-output.ts'

const folder = mkdtempSync(join(tmpdir(), 'shardloom-keys-'))
const HEX = { a: 'a1'.repeat(32), b: 'b2'.repeat(32) } as const
const KEY = { a: new LogKey(Buffer.from(HEX.a, 'hex')), b: new LogKey(Buffer.from(HEX.b, 'hex')) } as const
const file = (name: string): string => join(folder, name)
let dir: string

beforeAll(async () => {
  for (const name of ['a', 'b'] as const) writeFileSync(file(name), HEX[name], { mode: 0o600 })
  dir = await craft(file('data'), [[commit(1, 'user:1'), commit(2, 'user:2')]], [], {
    key: KEY.a,
    isGrouped: true,
  })
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))
afterEach(() => {
  for (const name of ['SHARDLOOM_KEY', 'SHARDLOOM_KEY_FILE', 'SHARDLOOM_KEY_COMMAND'])
    delete process.env[name]
})

test('arguments name keys; where they do not the environment does', () => {
  const env = { SHARDLOOM_KEY: HEX.a }
  expect(encryptionOf({}, {})).toBeUndefined()
  expect(encryptionOf({}, { SHARDLOOM_KEY: '', SHARDLOOM_KEY_FILE: '' })).toBeUndefined()
  expect(encryptionOf({}, env)).toEqual({ key: HEX.a, previousKeys: [] })
  expect(encryptionOf({ 'key-file': 'f' }, env)).toEqual({ keyFile: 'f', previousKeys: [] })
  expect(encryptionOf({ 'key-command': 'c' }, env)).toEqual({ keyCommand: 'c', previousKeys: [] })
  const previous = { 'previous-key-file': ['f', 'g'], 'previous-key-command': ['c'] }
  expect(encryptionOf(previous, env)).toEqual({
    key: HEX.a,
    previousKeys: [{ keyFile: 'f' }, { keyFile: 'g' }, { keyCommand: 'c' }],
  })
})

test('a ring holds what they name; a copy has a key of its own, none, or nobody says', async () => {
  const said: string[] = []
  const output = { err: (text: string): void => void said.push(text) }
  const ring = await ringOf({ 'key-file': file('a'), 'previous-key-file': [file('b')] }, {}, output)
  expect(ring.current?.id).toBe(KEY.a.id)
  expect(ring.reveal().previous).toHaveLength(1)
  expect((await ringOf({}, {}, output)).isEmpty).toBe(true)
  expect((await targetOf({ 'new-key-command': `echo ${HEX.b}` }, output))?.key?.id).toBe(KEY.b.id)
  expect(await targetOf({ decrypt: true }, output)).toEqual({ key: undefined })
  expect(await targetOf({}, output)).toBeUndefined()
  expect(said).toEqual([])
  await expect(ringOf({ 'key-file': file('a'), 'key-command': 'c' }, {}, output)).rejects.toMatchObject({
    code: 'SHL_OPTION_INVALID',
  })
})

describe('commands on encrypted files', () => {
  test('take the key from a file, from a command, and from the environment', async () => {
    expect((await run(['verify', dir, '--key-file', file('a')])).code).toBe(0)
    expect((await run(['verify', dir, '--key-command', `echo ${HEX.a}`])).code).toBe(0)
    expect((await run(['verify', dir, '--key-file', file('b'), '--previous-key-file', file('a')])).code).toBe(
      0,
    )
    process.env['SHARDLOOM_KEY'] = HEX.a
    const { code, out } = await run(['verify', dir])
    expect(code).toBe(0)
    expect(out).toMatch(new RegExp(`keys +1 segment of ${KEY.a.id}`))
    expect(out).not.toContain(HEX.a)
  })

  test('say which key is missing, and how to give it; and show none', async () => {
    for (const words of [
      ['verify', dir],
      ['inspect', 'log', dir],
      ['backup', dir, file('none')],
      ['repair', dir],
    ]) {
      for (const more of [[], ['--key-file', file('b')]]) {
        const { code, all } = await run([...words, ...more])
        expect(code, words.join(' ')).toBe(2)
        expect(all).toContain(KEY.a.id)
        expect(all).toContain('--key-file')
        for (const hex of Object.values(HEX)) expect(all).not.toContain(hex.slice(0, 16))
      }
    }
    const none = await run(['verify', dir, '--key-file', file('no such file')])
    expect(none.code).toBe(2)
    expect(none.err).toMatch(/key cannot be had: .*keyFile: the file cannot be read: ENOENT/)
    expect((await run(['verify', dir, '--key', HEX.a])).code).toBe(2)
  })

  test('tell records of a group apart', async () => {
    const { code, out } = await run(['inspect', 'log', dir, '--key-file', file('a')])
    expect(code).toBe(0)
    expect(out).toMatch(/ (\d+) .* 1 {2}commit.*\n +\1\+1 .* 2 {2}commit/)
    const lines = (await run(['inspect', 'log', segmentPath(dir, 0, 1), '--json', '--key-file', file('a')]))
      .out
    const [, first, second] = lines
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(first.index).toBeUndefined()
    expect(second).toMatchObject({ index: 1, offset: first.offset, bytes: first.bytes })
  })

  test('copy with the same key, another one, or none; not with both', async () => {
    const key = ['--key-file', file('a')]
    expect((await run(['backup', dir, file('same'), ...key])).code).toBe(0)
    expect(
      (await run(['restore', file('same'), file('other'), ...key, '--new-key-file', file('b')])).code,
    ).toBe(0)
    expect(
      (await run(['backup', file('other'), file('clear'), '--key-file', file('b'), '--decrypt'])).code,
    ).toBe(0)
    expect((await run(['verify', file('same'), ...key])).code).toBe(0)
    expect((await run(['verify', file('other'), '--key-file', file('b')])).code).toBe(0)
    expect((await run(['verify', file('clear')])).out).not.toContain('keys  ')
    const both = await run(['backup', dir, file('both'), ...key, '--decrypt', '--new-key-file', file('b')])
    expect([both.code, both.err]).toEqual([2, expect.stringMatching(/not both/)])
    expect((await run(['verify', dir, '--decrypt'])).code).toBe(2)
  })
})
