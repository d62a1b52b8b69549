/**
 * A keyspace whose files are encrypted, as a whole: nothing is to be read in them, keys are changed from one
 * start to the next, and nothing tells a key. With a thread of its own where that makes a difference: the
 * others start faster.
 */
import { createDecipheriv, hkdfSync } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { createRuntime, type Keyspace } from 'shardloom'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { run } from '../../cli/storage/captured-output.ts'

const [FIRST, SECOND] = ['5ec7e7'.padEnd(64, '1'), '5ec7e7'.padEnd(64, '2')] as const
/** In keys, values, fields, commands: what somebody would look for. */
const MARK = 'Marker-of-a-test'

let folder: string
let dir: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'shl-sealed-'))
  dir = join(folder, 'data')
  writeFileSync(join(folder, 'first'), FIRST, { mode: 0o600 })
  writeFileSync(join(folder, 'second'), `${SECOND}\n`, { mode: 0o600 })
})

afterEach(() => {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
})

const file = (name: string): string => join(folder, name)
const open = (encryption?: object, options: object = {}, threads = 0) =>
  createRuntime({
    threads,
    keyspace: {
      dir,
      shards: 2,
      logSegmentBytes: 64 * 1024,
      diskReserveBytes: 0,
      ...options,
      ...(encryption && { encryption }),
    },
  })

async function fill(keyspace: Keyspace, from: number): Promise<void> {
  for (let i = from; i < from + 30; i++) {
    await keyspace.set(`${MARK}:${i}`, `${MARK} ${i} `.repeat(20))
    await keyspace.hash(`${MARK}-hash`).set({ [`${MARK}${i}`]: MARK })
    if (i % 10 === 0) await keyspace.mset({ [`a${i}`]: MARK, [`b${i}`]: MARK, [`c${i}`]: MARK })
  }
}

const values = (keyspace: Keyspace, count: number): Promise<unknown> =>
  keyspace.command('MGET', ...Array.from({ length: count }, (_, i) => `${MARK}:${i}`))

/** Paths of files below a folder in which a text is to be read. */
function filesWith(text: string, within = folder): string[] {
  return readdirSync(within, { recursive: true, encoding: 'utf8' }).filter((name) => {
    const path = join(within, name)
    return statSync(path).isFile() && readFileSync(path).includes(text)
  })
}

/** Segments by key, as `verify` tells. */
async function keysIn(path: string, ...words: string[]): Promise<Record<string, number>> {
  const { out, err } = await run(['verify', path, '--json', ...words])
  if (out === '') throw new Error(err)
  const keys: Record<string, number> = {}
  for (const shard of (JSON.parse(out) as { shards: { keys: Record<string, number> }[] }).shards) {
    for (const [id, count] of Object.entries(shard.keys)) keys[id] = (keys[id] ?? 0) + count
  }
  return keys
}

const idOf = (key: string): string =>
  Buffer.from(hkdfSync('sha256', Buffer.from(key, 'hex'), '', 'shardloom key id', 8)).toString('hex')

describe('a keyspace whose files are encrypted', () => {
  test('has everything when it is opened again, and nothing of it is to be read in any file', async () => {
    const first = await open({ key: FIRST }, {}, 1)
    await fill(first.keyspace, 0)
    await first.keyspace.snapshot()
    await fill(first.keyspace, 30)
    await first.close()
    const second = await open({ keyCommand: `cat ${file('first')}` })
    const found = await values(second.keyspace, 60)
    expect(found).toEqual(Array.from({ length: 60 }, (_, i) => `${MARK} ${i} `.repeat(20)))
    await second.close()
    // Damage, and what a repair puts away; a backup; a restore.
    const path = join(
      dir,
      'shard-0000',
      readdirSync(join(dir, 'shard-0000')).filter((name) => name.endsWith('.log'))[0]!,
    )
    const key = ['--key-file', file('first')]
    expect((await run(['backup', dir, file('copy'), ...key])).code).toBe(0)
    const bytes = readFileSync(path)
    bytes[bytes.length >> 1]! ^= 1
    writeFileSync(path, bytes)
    const repaired = await run(['repair', dir, '--yes', ...key])
    expect(repaired.code, repaired.all).toBe(0)
    expect((await run(['restore', file('copy'), file('again'), ...key])).code).toBe(0)
    expect(Object.keys(await keysIn(file('again'), ...key))).toEqual([idOf(FIRST)])
    expect(filesWith(MARK)).toEqual([])
    expect(filesWith(FIRST)).toEqual(['first'])
    expect(filesWith(Buffer.from(FIRST, 'hex').toString('latin1'))).toEqual([])
    // The search finds what is to be found.
    expect((await run(['backup', file('copy'), file('plain'), '--decrypt', ...key])).code).toBe(0)
    expect(filesWith(MARK).length).toBeGreaterThan(0)
    expect(Object.keys(await keysIn(file('plain')))).toEqual(['none'])
  })

  test('is read with nothing but what the format page says', async () => {
    const first = await open({ key: FIRST }, { shards: 1 })
    await first.keyspace.set('key', MARK)
    await first.close()
    const bytes = readFileSync(join(dir, 'shard-0000', '00000001.log'))
    const length = bytes.readUInt32LE(16 + 8)
    const description = bytes.subarray(48, 48 + length)
    const { salt } = JSON.parse(description.toString()) as { salt: string }
    const purpose = Buffer.concat([Buffer.from('shardloom log 1\n'), description])
    const key = Buffer.from(
      hkdfSync('sha256', Buffer.from(FIRST, 'hex'), Buffer.from(salt, 'hex'), purpose, 32),
    )
    let at = 16 + ((32 + length + 7) & -8)
    // What tells of syncs is in the clear.
    while (bytes[at + 12] === 6) at += 32
    expect(bytes[at + 12]).toBe(11)
    const payload = bytes.subarray(at + 32, at + 32 + bytes.readUInt32LE(at + 8))
    const inner = payload.subarray(16, -16)
    const context = Buffer.alloc(40)
    context.writeDoubleLE(at, 16)
    bytes.copy(context, 24, at + 16, at + 24)
    context.writeUInt32LE(inner.length, 32)
    payload.copy(context, 36, 0, 4)
    const decipher = createDecipheriv('aes-256-gcm', key, payload.subarray(4, 16))
    decipher.setAAD(context).setAuthTag(payload.subarray(-16))
    const plain = Buffer.concat([decipher.update(inner), decipher.final()])
    expect(plain.toString('latin1')).toContain(MARK)
    expect(plain[12]).toBe(2)
  })

  test('changes its key, is encrypted that was not, and the other way round, while it runs on', async () => {
    const steps: [object | undefined, string][] = [
      [undefined, 'none'],
      [{ keyFile: file('first') }, idOf(FIRST)],
      [{ keyFile: file('second'), previousKeys: [{ keyFile: file('first') }] }, idOf(SECOND)],
      [{ previousKeys: [{ keyFile: file('second') }] }, 'none'],
      [{ key: SECOND }, idOf(SECOND)],
    ]
    let count = 0
    for (const [encryption, id] of steps) {
      const runtime = await open(encryption)
      if (count > 0) expect(await values(runtime.keyspace, count)).not.toContain(null)
      await fill(runtime.keyspace, count)
      count += 30
      // The one that was begun at the start, if it was not over yet.
      await runtime.keyspace.snapshot()
      await runtime.close()
      const all = ['--key-file', file('first'), '--previous-key-file', file('second')]
      expect(Object.keys(await keysIn(dir, ...all))).toEqual([id])
    }
    // By then no file needs the first one, and files in the clear can be refused.
    const last = await open({ key: SECOND, onlyEncrypted: true })
    expect(await values(last.keyspace, count)).not.toContain(null)
    await last.close()
  })

  test('is refused without its key, and with another one', async () => {
    const first = await open({ key: FIRST })
    await fill(first.keyspace, 0)
    await first.close()
    for (const encryption of [
      undefined,
      { key: SECOND },
      { key: SECOND, previousKeys: [{ key: '7'.repeat(64) }] },
    ]) {
      const error = await open(encryption).then(
        () => expect.unreachable(),
        (thrown: Error) => thrown,
      )
      const text = inspect(error, { depth: 9 })
      expect(text).toContain('SHL_KEY_MISSING')
      expect(text).toContain(idOf(FIRST))
      for (const secret of [FIRST, SECOND, '5ec7e7', 'Xsfn']) expect(text).not.toContain(secret)
    }
    const { code, err } = await run(['verify', dir])
    expect(code).toBe(2)
    expect(err).toMatch(/SHL_KEY_MISSING|encrypted with a key that was not given/)
    expect(err).toContain('--key-file')
    // A directory in the clear is refused by whoever wants none.
    const plain = join(folder, 'other')
    const clear = await createRuntime({ threads: 0, keyspace: { dir: plain, shards: 1 } })
    await clear.close()
    const refused = createRuntime({
      threads: 0,
      keyspace: { dir: plain, encryption: { key: FIRST, onlyEncrypted: true } },
    })
    await expect(refused).rejects.toMatchObject({ message: expect.stringMatching(/in the clear/) })
  })

  test('shows its key to nobody who looks at the runtime', async () => {
    const options = { key: FIRST, previousKeys: [{ key: SECOND }] }
    const runtime = await open(options, {}, 1)
    await runtime.keyspace.set('a', 'b')
    const seen = inspect(runtime, { depth: 12, showHidden: false, maxStringLength: null })
    const bytes = inspect(Buffer.from(FIRST, 'hex')).slice(8, 30)
    const view = JSON.stringify(runtime.inspect())
    for (const secret of [FIRST, SECOND, bytes])
      for (const text of [seen, view]) expect(text).not.toContain(secret)
    await runtime.close()
  })
})
