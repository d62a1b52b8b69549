/** Keys: what is made of them is bound to its segment, and they show themselves to nobody. */
import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { KeyRing, LogKey } from '../../src/storage/log-key.ts'
import { NO_SEAL, type SegmentInfo } from '../../src/storage/segment-info.ts'

const MASTER = Buffer.from('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f', 'hex')
const KEY = new LogKey(MASTER)
const INFO: SegmentInfo = {
  directory: 'f00d',
  shard: 3,
  number: 7,
  base: 800,
  previous: 12,
  sealing: { key: KEY.id, salt: 'ab'.repeat(32), seal: NO_SEAL },
}
const hexOf = (info: SegmentInfo, key: LogKey = KEY): string => key.fileKey(info).export().toString('hex')

test('an id and a file key are what the format page says', () => {
  // Computed by HKDF of another make (python: hmac and hashlib).
  expect(KEY.id).toBe('cbd3ad5ff0503681')
  expect(hexOf(INFO)).toBe('5b5b0e07d0a8763836473b0d080e7878b34f5a87a8fbc552c79c63730b3cfde8')
})

test('whatever a segment says of itself gives another key', () => {
  const others: SegmentInfo[] = [
    { ...INFO, directory: 'f00e' },
    { ...INFO, shard: 4 },
    { ...INFO, number: 8 },
    { ...INFO, base: 808 },
    { ...INFO, previous: 13 },
    { ...INFO, sealing: { ...INFO.sealing!, salt: `${'ab'.repeat(31)}ac` } },
    { ...INFO, sealing: { ...INFO.sealing!, seal: 'cd'.repeat(16) } },
  ]
  const keys = [INFO, ...others].map((info) => hexOf(info))
  expect(new Set(keys).size).toBe(others.length + 1)
  const second = new LogKey(Buffer.alloc(32, 9))
  expect(second.id).not.toBe(KEY.id)
  expect(() => hexOf(INFO, second)).toThrow(/with the key that it names/)
  expect(() => new LogKey(Buffer.alloc(31))).toThrow(/32 bytes/)
})

test('a ring finds the key that a segment names, and says which one is missing', () => {
  const [second, third] = [new LogKey(Buffer.alloc(32, 9)), new LogKey(Buffer.alloc(32, 8))]
  const ring = new KeyRing(second, [third, KEY])
  expect(ring.fileKey(INFO, 'f')?.export().toString('hex')).toBe(hexOf(INFO))
  expect(ring.fileKey({ ...INFO, sealing: undefined }, 'f')).toBeUndefined()
  const strict = new KeyRing(second, [], true)
  expect(() => strict.fileKey({ ...INFO, sealing: undefined }, 'f')).toThrow(/SHL_LOG_FOREIGN|in the clear/)
  for (const [without, given] of [
    [new KeyRing(second, [third]), `${second.id}, ${third.id}`],
    [new KeyRing(), 'none'],
  ] as const) {
    const missing = { code: 'SHL_KEY_MISSING', details: { file: '/f', wanted: KEY.id, given } }
    expect(() => without.fileKey(INFO, '/f')).toThrow(expect.objectContaining(missing))
  }
})

test('a ring comes back from another thread as it was', () => {
  const ring = new KeyRing(KEY, [new LogKey(Buffer.alloc(32, 9)), KEY], true)
  const copy = KeyRing.of(structuredClone(ring.reveal()))
  expect(copy.current?.id).toBe(KEY.id)
  expect(copy.reveal()).toEqual(ring.reveal())
  expect(copy.reveal().previous).toHaveLength(1)
  expect(copy.onlyEncrypted).toBe(true)
  expect(KeyRing.of(undefined).isEmpty).toBe(true)
})

test('a key shows itself nowhere', () => {
  const ring = new KeyRing(KEY, [new LogKey(Buffer.alloc(32, 9))])
  const texts = [KEY, ring, { ring }].flatMap((one) => [
    inspect(one, { depth: 9, showHidden: true }),
    JSON.stringify(one),
    String(one),
  ])
  for (const text of texts) expect(text).not.toMatch(/00,? ?01,? ?02|0001020304|AAECAwQ|09,? ?09|CQkJ/)
})
