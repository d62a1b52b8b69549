/** Files of Redis: what is understood, what is warned about, what is refused. */
import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { systemFiles } from '../../src/host/configuration-files.ts'
import { loadConfiguration } from '../../src/host/load-configuration.ts'
import { readRedisConf } from '../../src/host/redis-conf-file.ts'
import { filesOf } from '../support/configuration.ts'

const FILE = `
# A file as there are many.
BIND 127.0.0.1 -::1
port 6380
requirepass "a \\"b\\" \\xff#"
user alice on >secret ~app:* +@all -@dangerous
user  bob   off
save 3600 1
save 300 100
maxmemory 1gb
maxmemory-policy allkeys-lru
client-output-buffer-limit replica 256mb 64mb 60
client-output-buffer-limit pubsub 1mb 1kb 5
slave-read-only no
rename-command CONFIG ""
loadmodule /usr/lib/redis/modules/x.so
no-such-thing 7
lua-time-limit 1000
hz oops
include conf.d/*.conf
include more.conf
`

const FILES = {
  'redis.conf': FILE,
  'conf.d/a.conf': 'timeout 1\nport 6390\n',
  'conf.d/b.conf': 'timeout 2\n',
  'conf.d/readme': 'nonsense',
  'more.conf': "dir '/var/lib/my redis'\n",
}

test('no times to save at may be said with quotes, or with nothing', () => {
  for (const line of ['save ""', 'save']) {
    const { source, warnings } = readRedisConf(
      filesOf({ 'redis.conf': `save 60 1\n${line}\n` }),
      'redis.conf',
    )
    expect(source.settings.get('save')?.value).toEqual([])
    expect(warnings).toEqual([])
  }
})

test('what matters is taken, what does not is told', () => {
  const { source, warnings } = readRedisConf(filesOf(FILES), 'redis.conf')
  const value = (name: string): unknown => source.settings.get(name)?.value
  expect(value('bind')).toEqual(['127.0.0.1', '-::1'])
  expect(value('port')).toBe(6390)
  expect(value('requirepass')).toBe('a "b" \xff#')
  expect(value('user')).toEqual(['alice on >secret ~app:* +@all -@dangerous', 'bob off'])
  expect(value('save')).toEqual([3600, 1, 300, 100])
  expect(value('maxmemory')).toBe(2 ** 30)
  expect(value('client-output-buffer-limit')).toMatchObject({
    normal: [0, 0, 0],
    pubsub: [1_048_576, 1024, 5],
  })
  expect(value('timeout')).toBe(2)
  expect(value('dir')).toBe('/var/lib/my redis')
  expect(source.settings.get('timeout')?.origin).toBe('conf.d/b.conf:1')
  expect(warnings).toEqual([
    'redis.conf:15: rename-command CONFIG "": commands keep their names: take them from users with ACL rules',
    'redis.conf:16: loadmodule /usr/lib/redis/modules/x.so: modules are not loaded',
    expect.stringMatching(/^redis.conf:17: unknown directive no-such-thing is left out; did you mean /),
    expect.stringMatching(/^redis.conf:19: invalid parameter: hz=oops/),
    'known from Redis and without effect here: save, replica-read-only, busy-reply-threshold',
  ])
})

test.each([
  ['port 70000', /port=70000 \(r.conf:1\)/],
  ['\nport', /r.conf:2: port needs a value/],
  ['requirepass "x', /r.conf:1: quotes are not closed/],
  ['include gone.conf', /gone.conf: there is no such file/],
  ['include r.conf', /include each other too deeply/],
  ['include a*/b.conf', /only the last part/],
  ['maxmemory-policy lru', /allowed: volatile-lru \| /],
])('%j is an error', (text, message) => {
  expect(() => readRedisConf(filesOf({ 'r.conf': text }), 'r.conf')).toThrow(message)
})

test.skipIf(!existsSync('/etc/redis/redis.conf'))("Debian's own file is understood without an error", () => {
  const { store, warnings } = loadConfiguration({
    argv: ['--redis-conf', '/etc/redis/redis.conf'],
    env: {},
    files: {
      ...systemFiles,
      read: (file) => (file === 'shardloom.toml' ? undefined : systemFiles.read(file)),
    },
  })
  expect(store.get('port')).toBe(6379)
  expect(store.get('bind')).toEqual(['127.0.0.1', '-::1'])
  expect(store.get('dir')).toBe('/var/lib/redis')
  expect(store.get('logFile')).toBe('/var/log/redis/redis-server.log')
  expect(warnings).toEqual(['known from Redis and without effect here: daemonize'])
})
