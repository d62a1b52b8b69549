/**
 * A process that is to be killed: opens a directory, tells what is in it, then writes until it dies.
 *
 * What it issues, and what was acknowledged, it writes to a file at once, a line of JSON each: what was in a
 * buffer of its own would be lost with it. Each lane goes on from what was found. When all have begun it says
 * so on its standard output.
 *
 *     node durable-child.mjs <module> <dir> <level> <seed> <file>
 */
import { openSync, writeSync } from 'node:fs'

const [module, dir, level, seedText, file] = process.argv.slice(2)
const { createRuntime } = await import(module)

const output = openSync(file, 'a')
const tell = (line) => void writeSync(output, `${JSON.stringify(line)}\n`)
let state = Number(seedText) >>> 0 || 1
const below = (count) => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
  return Math.floor((state / 2 ** 32) * count)
}

const runtime = await createRuntime({
  threads: 2,
  keyspace: {
    shards: 3,
    dir,
    durability: level,
    logSegmentBytes: 65_536,
    snapshotBytes: 262_144,
    diskReserveBytes: 0,
  },
})
const { keyspace } = runtime

const READS = {
  string: (key) => ['GET', key],
  list: (key) => ['LRANGE', key, '0', '-1'],
  hash: (key) => ['HGETALL', key],
  set: (key) => ['SMEMBERS', key],
  zset: (key) => ['ZRANGE', key, '0', '-1', 'WITHSCORES'],
}

/** Everything that is there. */
async function contents() {
  const found = {}
  for (const key of await keyspace.command('KEYS', '*')) {
    const type = await keyspace.command('TYPE', key)
    if (type === 'none') continue
    const [name, ...rest] = READS[type](key)
    found[key] = {
      value: await keyspace.command(name, ...rest),
      expires: await keyspace.command('PEXPIRETIME', key),
    }
  }
  return found
}

const found = await contents()
tell({ type: 'state', found, now: Date.now() })

/** Repeats a step; each is told of before it is asked for, and when it is done. */
async function lane(name, first, step) {
  for (let n = first; ; n++) {
    tell({ type: 'issued', lane: name, n })
    const extra = await step(n)
    tell({ type: 'done', lane: name, n, ...(extra === undefined ? {} : { extra }) })
  }
}

const foundAt = (key) => found[key]?.value
const number = (key) => Number(foundAt(key) ?? 0)
const GROUP = ['m:0', 'm:1', 'm:2', 'm:3', 'm:4', 'm:5', 'm:6']
const ACCOUNTS = Array.from({ length: 8 }, (_, i) => `account:${i}`)

if (foundAt(ACCOUNTS[0]) === undefined)
  await keyspace.mset(Object.fromEntries(ACCOUNTS.map((key) => [key, '100'])))

const lanes = [
  lane('counter', number('counter') + 1, async () => void (await keyspace.incrBy('counter', 1))),
  lane('plain', Math.max(0, ...Array.from({ length: 20 }, (_, i) => number(`plain:${i}`))) + 1, async (n) => {
    await keyspace.set(`plain:${n % 20}`, String(n))
  }),
  lane(
    'list',
    (foundAt('list') ?? []).length + 1,
    async (n) => void (await keyspace.list('list').push(String(n))),
  ),
  lane('mset', number('m:0') + 1, async (n) => {
    await keyspace.mset(Object.fromEntries(GROUP.map((key) => [key, String(n)])))
  }),
  lane('batch', number('batch:count') + 1, async (n) => {
    await keyspace.batch([
      ['INCR', 'batch:count'],
      ['RPUSH', 'batch:list', String(n)],
      ['SADD', 'batch:set', String(n)],
    ])
  }),
  lane('callback', number('callback:a') + 1, async (n) => {
    await keyspace.transaction(['callback:a', 'callback:b', 'callback:c'], (tx) => {
      for (const key of ['callback:a', 'callback:b', 'callback:c']) tx.set(key, String(n))
    })
  }),
  lane('moved', number('moved:count') + 1, async (n) => {
    // One key goes round over the shards, and takes its value along.
    const names = ['moved:0', 'moved:1', 'moved:2', 'moved:3']
    await keyspace.batch([
      ['SET', names[n % 4], String(n)],
      ['RENAME', names[n % 4], names[(n + 1) % 4]],
      ['SET', 'moved:count', String(n)],
    ])
  }),
  lane('lock', 1, async (n) => {
    const lock = await keyspace.lock(`lock:${n % 3}`, { ttl: 50 })
    tell({ type: 'token', token: Number(lock.token) })
    await lock.release()
    return Number(lock.token)
  }),
  lane(
    'fsync',
    number('fsync') + 1,
    async (n) => void (await keyspace.set('fsync', String(n), { durability: 'fsync' })),
  ),
  lane('gone', number('gone:last') + 1, async (n) => {
    await keyspace.set(`gone:${n % 7}`, String(n))
    await keyspace.command('DEL', `gone:${n % 7}`)
    await keyspace.set('gone:last', String(n))
  }),
  lane('expiry', 1, async (n) => {
    await keyspace.set(`short:${n % 50}`, 'x', { ttl: 20 })
    const at = Date.now() + 3_600_000
    await keyspace.command('SET', `long:${n % 5}`, String(n), 'PXAT', String(at))
    return [n % 5, at]
  }),
  lane('snapshot', 1, async () => {
    await new Promise((resolve) => setTimeout(resolve, 20 + below(100)))
    await keyspace.snapshot()
  }),
  // Slots go round over the shards.
  lane('move', 1, async () => {
    await new Promise((resolve) => setTimeout(resolve, below(50)))
    const first = below(16_384)
    const count = Math.min(1 + below(4096), 16_384 - first)
    await keyspace.moveSlots(
      Array.from({ length: count }, (_, i) => first + i),
      below(3),
    )
  }),
  ...[0, 1].map((i) =>
    lane(`bank${i}`, 1, async () => {
      const [from, to] = [ACCOUNTS[below(8)], ACCOUNTS[below(8)]]
      if (from === to) return
      await keyspace.transaction([from, to], (tx) => {
        tx.incrBy(from, -1)
        tx.incrBy(to, 1)
      })
    }),
  ),
]
process.stdout.write('running\n')
await Promise.all(lanes)
