/** INFO as fields. */
import { expect, test } from 'vitest'
import { asNumber, infoOf, numberOf, partsOf, rowsOf } from '../../../src/cli/top/info.ts'

const TEXT = [
  '# Server',
  'redis_version:7.0.15',
  'executable:/usr/bin/a:b',
  '',
  '# Shards',
  'shard0:keys=3,commands=10,thread=1',
  'shard10:keys=4',
  'shards_total:2',
  '# Keyspace',
  'db0:keys=3,expires=0,avg_ttl=0',
].join('\r\n')

test('fields, sections, and fields within a field', () => {
  const info = infoOf(TEXT)
  expect(info.fields.get('executable')).toBe('/usr/bin/a:b')
  expect(info.sections.get('keyspace')).toEqual(['db0'])
  expect(rowsOf(info, 'shards', 'shard')).toEqual([
    { id: 0, fields: partsOf('keys=3,commands=10,thread=1') },
    { id: 10, fields: partsOf('keys=4') },
  ])
  expect(rowsOf(info, 'threads', 'thread')).toEqual([])
  expect(numberOf(info, 'redis_version')).toBeUndefined()
  expect(numberOf(info, 'none')).toBeUndefined()
  expect([asNumber('1.5'), asNumber(''), asNumber('x')]).toEqual([1.5, undefined, undefined])
})

test('a text that is no INFO has no fields', () => {
  expect(infoOf('nothing of the kind').fields.size).toBe(0)
})
