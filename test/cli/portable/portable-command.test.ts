/** Moving in and out on the command line: a real Redis' file in, lines of JSON out, and in again. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRuntime } from 'shardloom'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { portableCommand as Command } from '../../../src/cli/portable/portable-command.ts'
import { key, rdbFile, text } from '../../support/portable/rdb-file.ts'

// As it was built: threads load JavaScript.
const BUILT = new URL(
  'dist/src/cli/portable/portable-command.js',
  import.meta.resolve('shardloom/package.json'),
)
const { portableCommand } = (await import(BUILT.href)) as { portableCommand: typeof Command }

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'shardloom-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function run(...words: string[]) {
  const said = { out: '', err: '' }
  const code = await portableCommand(words, {
    out(text) {
      said.out += text
    },
    err(text) {
      said.err += text
    },
    isTerminal: false,
    isClosed: () => false,
    ask: async () => undefined,
  })
  return { code, ...said }
}

async function filled(name: string): Promise<string> {
  const dir = join(folder, name)
  await using runtime = await createRuntime({ threads: 1, keyspace: { dir, shards: 2 } })
  const { keyspace } = runtime
  await keyspace.set('text', 'grüße')
  await keyspace.set('bytes', new Uint8Array([0, 255, 10, 13]))
  await keyspace.hash('hash').set({ one: '1', two: '2' })
  await keyspace.list('list').push('a', 'b', 'a')
  await keyspace.zset('zset').add('m', 1.5)
  await keyspace.expire('list', 3_600_000)
  const session = keyspace.session()
  await session.call(['SELECT', '3'])
  await session.call(['SET', 'elsewhere', 'x'])
  return dir
}

async function held(dir: string): Promise<unknown> {
  await using runtime = await createRuntime({ threads: 1, keyspace: { dir } })
  const { keyspace } = runtime
  const session = keyspace.session()
  await session.call(['SELECT', '3'])
  const ttl = (await keyspace.ttl('list')) ?? 0
  return [
    await keyspace.get('text'),
    [...(keyspace.getSync('bytes', 'buffer') ?? [])],
    await keyspace.hash('hash').entries(),
    await keyspace.list('list').range(),
    await keyspace.zset('zset').score('m'),
    ttl > 3_500_000 && ttl <= 3_600_000,
    await session.call(['GET', 'elsewhere']),
  ]
}

describe('export and import', () => {
  test('give every key back, of all databases, with its expiry', async () => {
    const [from, file, to] = [await filled('from'), join(folder, 'all.ndjson'), join(folder, 'to')]
    const exported = await run('export', from, file)
    expect(exported).toMatchObject({ code: 0, out: `${from}: 6 keys exported to ${file}\n`, err: '' })
    expect(existsSync(`${file}.part`)).toBe(false)
    const imported = await run('import', file, to)
    expect(imported).toMatchObject({ code: 0, out: `${file}: 6 keys imported into ${to}\n`, err: '' })
    expect(await held(to)).toEqual(await held(from))
  })

  test('do with keys that are there what they were told', async () => {
    const [dir, file] = [await filled('twice'), join(folder, 'twice.ndjson')]
    expect((await run('export', dir, file, '--match', 't*')).out).toContain('1 key exported')
    const refused = await run('import', file, dir)
    expect(refused).toMatchObject({ code: 2, out: '' })
    expect(refused.err).toContain('text')
    expect(refused.err).toContain('--replace, --skip')
    expect(await run('import', file, dir, '--skip', '--json')).toMatchObject({
      code: 0,
      out: expect.stringContaining('"keys":0,"skipped":1'),
    })
    expect((await run('import', file, dir, '--replace')).out).toContain('1 key imported')
  })

  test('go into an encrypted directory, and out of it with its key only', async () => {
    const [dir, file, key] = [join(folder, 'sealed'), join(folder, 'sealed.ndjson'), join(folder, 'key')]
    const hex = 'c4'.repeat(32)
    writeFileSync(key, hex, { mode: 0o600 })
    await run('export', await filled('clear'), file, '--match', 't*')
    expect((await run('import', file, dir, '--key-file', key)).out).toContain('1 key imported')
    const refused = await run('export', dir, file)
    expect(refused).toMatchObject({ code: 2, err: expect.stringContaining('--key-file') })
    expect(refused.err).not.toContain(hex)
    expect((await run('export', dir, file, '--key-command', `cat ${key}`)).out).toContain('1 key exported')
  })
})

test('keys that are too long are left out of an import, and told with their length', async () => {
  const [dir, file] = [join(folder, 'long'), join(folder, 'long.rdb')]
  const lengths = [65_496, 65_497, 65_536, 70_000]
  const keys = lengths.map((bytes) => key(0, 'k'.repeat(bytes), text('v')))
  writeFileSync(file, rdbFile(11, [...keys, key(0, 'last', text('v'))]))
  const { code, out, err } = await run('import', file, dir)
  expect([code, out]).toEqual([1, `${file}: 2 keys imported into ${dir}\n`])
  const shown = `"${'k'.repeat(60)}"…`
  expect(err.split('\n')).toEqual([
    ...['64.0 KiB', '64.0 KiB', '68.4 KiB'].map((size) => `not held: key string ${shown} (${size})`),
    'not held in all: 3',
    '',
  ])
  // A line of JSON with such a key is wrong, and nothing of its file is imported.
  const line = `{"key":"${'k'.repeat(65_497)}","type":"string","value":"v"}`
  const lines = ['{"format":"shardloom-export","version":1}', line, '{"end":true,"keys":1,"lines":1}']
  writeFileSync(file, lines.join('\n'))
  const refused = await run('import', file, join(folder, 'none'), '--skip')
  expect(refused).toMatchObject({ code: 2, err: expect.stringContaining('found a key of 65497 bytes') })
  expect(existsSync(join(folder, 'none'))).toBe(false)
})

describe('what cannot be is refused', () => {
  test('a file that is cut, or none, and a directory that is not there', async () => {
    const [dir, file] = [await filled('cut'), join(folder, 'cut.ndjson')]
    await run('export', dir, file)
    writeFileSync(file, readFileSync(file).subarray(0, -20))
    const cut = await run('import', file, join(folder, 'half'), '--replace')
    expect(cut).toMatchObject({ code: 2, err: expect.stringContaining(file) })
    // Nothing of it was imported, nor a directory made for it.
    expect(existsSync(join(folder, 'half'))).toBe(false)
    expect((await run('import', join(folder, 'nothing'), dir)).err).toContain('ENOENT')
    expect((await run('export', join(folder, 'nowhere'), file)).err).toContain('ENOENT')
  })

  test.each([
    [['import', 'a']],
    [['export', 'a', 'b', '--replace']],
    [['import', 'a', 'b', '--match', 'x']],
    [['import', 'a', 'b', '--skip', '--replace']],
    [['import', 'a', 'b', '--fast']],
  ])('%j', async (words) => {
    expect(await run(...words)).toMatchObject({ code: 2, err: expect.stringContaining('usage: shardloom') })
  })
})
