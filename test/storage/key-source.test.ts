/** Where keys come from: three ways to the same key, and errors that name the option and never its value. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type EncryptionOptions,
  type KeySources,
  keySources,
  loadKeys,
  parseKey,
} from '../../src/storage/key-source.ts'
import { LogKey } from '../../src/storage/log-key.ts'
import { rejection } from '../support/runtime.ts'

const BYTES = Buffer.from(Array.from({ length: 32 }, (_, i) => (i * 37 + 200) & 0xff))
const HEX = BYTES.toString('hex')
const { id: ID } = new LogKey(BYTES)
const sources = (options: unknown): KeySources =>
  keySources('keyspace.encryption', options as EncryptionOptions)

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'shl-key-'))
})

afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

function fileOf(content: string | Uint8Array, mode = 0o600): string {
  const path = join(folder, `key-${Math.random()}`)
  writeFileSync(path, content)
  chmodSync(path, mode)
  return path
}

test('a key is 32 bytes, in any text of them', () => {
  const texts = [
    HEX,
    HEX.toUpperCase(),
    `${HEX}\n`,
    ` ${HEX}\r\n`,
    BYTES.toString('base64'),
    BYTES.toString('base64url'),
  ]
  for (const text of texts) {
    expect(parseKey(text)?.id, text).toBe(ID)
    expect(parseKey(Buffer.from(text))?.id, text).toBe(ID)
  }
  expect(parseKey(BYTES)?.id).toBe(ID)
  const others = [
    '',
    'secret',
    HEX.slice(2),
    `${HEX}00`,
    `g${HEX.slice(1)}`,
    `${HEX}\n${HEX}`,
    HEX.slice(0, 32),
  ]
  for (const other of others) expect(parseKey(other), other).toBeUndefined()
  // Half a key as text has as many bytes as a whole one.
  expect(parseKey(Buffer.from(HEX.slice(0, 32)))).toBeUndefined()
  expect(parseKey(BYTES.subarray(1))).toBeUndefined()
})

test('an option, a file and a command lead to the same key', async () => {
  const print = `process.stdout.write(${JSON.stringify(HEX)})`
  const ways: EncryptionOptions[] = [
    { key: HEX },
    { key: BYTES },
    { keyFile: fileOf(`${HEX}\n`) },
    { keyFile: fileOf(BYTES) },
    { keyCommand: [process.execPath, '-e', print] },
    { keyCommand: `echo ${HEX}` },
  ]
  for (const way of ways) expect((await loadKeys(sources(way))).current?.id).toBe(ID)
})

test('previous keys are for reading, also without a key', async () => {
  const other = '17'.repeat(32)
  const ring = await loadKeys(sources({ previousKeys: [{ key: HEX }, { keyFile: fileOf(other) }] }))
  expect(ring.current).toBeUndefined()
  expect(ring.reveal().previous.map((key) => new LogKey(key).id)).toEqual([ID, parseKey(other)?.id])
  const strict = await loadKeys(sources({ key: other, previousKeys: [{ key: HEX }], onlyEncrypted: true }))
  expect(strict.onlyEncrypted).toBe(true)
  expect(strict.current?.id).toBe(parseKey(other)?.id)
})

test('what is passed later does not change a key', async () => {
  const bytes = Uint8Array.from(BYTES)
  const asked = sources({ key: bytes })
  bytes.fill(0)
  expect((await loadKeys(asked)).current?.id).toBe(ID)
})

test.skipIf(process.platform === 'win32')('a file that others can read is warned of', async () => {
  const warnings: string[] = []
  const warn = (text: string): void => void warnings.push(text)
  await loadKeys(sources({ keyFile: fileOf(HEX, 0o600) }), warn)
  expect(warnings).toEqual([])
  await loadKeys(sources({ keyFile: fileOf(HEX, 0o644) }), warn)
  expect(warnings).toHaveLength(1)
  expect(warnings[0]).toMatch(/keyspace\.encryption\.keyFile can be read by others/)
})

describe('errors', () => {
  /** None of these texts may be in what somebody sees. */
  function expectHidden(error: Error, ...secrets: string[]): void {
    const seen = [
      inspect(error, { depth: 9, showHidden: true }),
      JSON.stringify(error),
      error.message,
      error.stack,
    ]
    for (const secret of secrets) for (const text of seen) expect(text).not.toContain(secret)
  }

  test('name the option, what is allowed, and no value', async () => {
    const short = HEX.slice(0, 62)
    const wrong: [unknown, RegExp][] = [
      [short, /keyspace\.encryption=/],
      [Buffer.from(HEX), /keyspace\.encryption=/],
      [[HEX], /keyspace\.encryption=/],
      [null, /keyspace\.encryption=/],
      [{}, /one of key, keyFile/],
      [{ key: short }, /keyspace\.encryption\.key=.*64 hexadecimal/],
      [{ key: BYTES.subarray(1) }, /keyspace\.encryption\.key=/],
      [{ key: 7 }, /keyspace\.encryption\.key=/],
      [{ key: HEX, keyFile: HEX }, /one of key, keyFile/],
      [{ keyFile: '' }, /keyFile=.*path/],
      [{ keyFile: 7 }, /keyFile=.*path/],
      [{ keyCommand: '' }, /keyCommand=/],
      [{ keyCommand: [] }, /keyCommand=/],
      [{ keyCommand: [HEX, 7] }, /keyCommand=/],
      [{ previousKeys: HEX }, /previousKeys=/],
      [{ previousKeys: [HEX] }, /previousKeys\[0\]=/],
      [{ previousKeys: [{ key: HEX }, {}] }, /previousKeys\[1\]=/],
      [{ previousKeys: [{ key: short }] }, /previousKeys\[0\]\.key=/],
      [{ key: HEX, onlyEncrypted: HEX }, /onlyEncrypted=/],
      [{ previousKeys: [{ key: HEX }], onlyEncrypted: true }, /onlyEncrypted=/],
    ]
    for (const [options, expected] of wrong) {
      const error = await rejection(Promise.resolve().then(() => sources(options)))
      expect(error['code']).toBe('SHL_OPTION_INVALID')
      expect(error.message).toMatch(expected)
      expectHidden(error, HEX.slice(0, 30), short)
    }
    const unknown = await rejection(Promise.resolve().then(() => sources({ keyfile: HEX })))
    expect(unknown['code']).toBe('SHL_OPTION_UNKNOWN')
    expectHidden(unknown, HEX)
  })

  test('say what is wrong with a file or a command, and not what is in it', async () => {
    const wrong: [EncryptionOptions, RegExp][] = [
      [{ keyFile: join(folder, 'none') }, /encryption\.keyFile: the file cannot be read: ENOENT/],
      [{ keyFile: folder }, /EISDIR/],
      [{ keyFile: fileOf(`${HEX}ff`) }, /the file holds no key/],
      [{ keyFile: fileOf('') }, /the file holds no key/],
      [{ keyCommand: `echo ${HEX}ff` }, /encryption\.keyCommand: the command prints no key/],
      [
        { key: HEX, previousKeys: [{ keyFile: fileOf(HEX.slice(2)) }] },
        /previousKeys\[0\]\.keyFile: the file holds/,
      ],
    ]
    for (const [options, expected] of wrong) {
      const error = await rejection(loadKeys(sources(options)))
      expect(error['code']).toBe('SHL_KEY_UNAVAILABLE')
      expect(error.message).toMatch(expected)
      expectHidden(error, HEX.slice(2, 40))
    }
  })
})
