/** A store of values: what is given, what follows, what is changed, and who is told. */
import { expect, test } from 'vitest'
import { ErrorReply } from '../../../src/keyspace/engine/index.ts'
import { configSet } from '../../../src/server/parameters/config-replies.ts'
import { ParameterStore } from '../../../src/server/parameters/parameter-store.ts'

test('options of a program are read as text, or as what they are', () => {
  const store = ParameterStore.of({
    port: 7000,
    maxMemory: '10mb',
    bind: ['10.0.0.1', '::1'],
    protectedMode: false,
    appendOnly: 'true',
    user: ['alice on >a', 'bob off'],
    clientOutputBufferLimit: { normal: [1, 2, 3] } as never,
    latencyTrackingInfoPercentiles: [50, 99.5],
    threads: 'auto',
  })
  expect(store.get('port')).toBe(7000)
  expect(store.get('maxMemory')).toBe(10_485_760)
  expect(store.get('bind')).toEqual(['10.0.0.1', '::1'])
  expect(store.get('protectedMode')).toBe(false)
  expect(store.get('appendOnly')).toBe(true)
  expect(store.get('user')).toEqual(['alice on >a', 'bob off'])
  expect(store.get('clientOutputBufferLimit').normal).toEqual([1, 2, 3])
  expect(store.get('clientOutputBufferLimit').pubsub).toEqual([33_554_432, 8_388_608, 60])
  expect(store.text('latency-tracking-info-percentiles')).toBe('50 99.5')
  expect(store.isGiven('port')).toBe(true)
  expect(store.isGiven('timeout')).toBe(false)
})

test('an option that is not known, or not allowed, is told by name', () => {
  expect(() => ParameterStore.of({ maxclient: 1 } as never)).toThrow(
    /maxclient in serve; did you mean maxClients\?/,
  )
  expect(() => ParameterStore.of({ port: 70_000 })).toThrow(/serve.port=70000 allowed=integer 0..65535/)
  expect(() => ParameterStore.of({ port: Number.NaN })).toThrow(/serve.port/)
  expect(() => ParameterStore.of({ requirePass: (() => 'geheim') as never })).toThrow(/\(hidden\)/)
})

test('what is settled before a server begins is refused, and not taken for nothing', () => {
  const refusalOf = (options: object): string => {
    try {
      ParameterStore.ofServer(options)
      return ''
    } catch (error) {
      return (error as Error).message
    }
  }
  expect(refusalOf({ dir: '/d' })).toMatch(/serve\.dir="\/d" allowed=nothing here: createRuntime takes it/)
  expect(refusalOf({ shards: 7 })).toMatch(/serve\.shards=7 .*createRuntime/)
  expect(refusalOf({ pidFile: '/x' })).toMatch(/serve\.pidFile.*`shardloom serve` does it/)
  expect(refusalOf(5 as never)).toMatch(/serve=5 allowed=an object of options/)
  expect(refusalOf({ port: 0, maxMemory: 1000, databases: 4, slowlogMaxLen: 3 })).toBe('')
})

test.each([
  [{}, ['*', '-::*']],
  [{ bind: ['127.0.0.1'] }, ['127.0.0.1']],
] as const)('%j listens at %j when nobody is served unknown, else here alone', (options, bind) => {
  const store = ParameterStore.of(options)
  if (!store.isGiven('bind')) expect(store.get('bind')).toEqual(['127.0.0.1', '-::1'])
  store.assumeBind(false)
  expect(store.get('bind')).toEqual(bind)
  store.assumeBind(true)
  expect(store.get('bind')).toEqual(store.isGiven('bind') ? bind : ['127.0.0.1', '-::1'])
})

test.each([
  [{}, 'memory', 'no everysec'],
  [{ dir: '/d' }, 'os', 'yes everysec'],
  [{ dir: '/d', durability: 'fsync' }, 'fsync', 'yes always'],
  [{ dir: '/d', appendOnly: true, appendFsync: 'always' }, 'fsync', 'yes always'],
  [{ dir: '/d', appendOnly: true, appendFsync: 'no' }, 'os', 'yes no'],
  [{ dir: '/d', durability: 'memory' }, 'memory', 'no everysec'],
] as const)('%j is as durable as %s', (options, durability, append) => {
  const store = ParameterStore.of(options)
  expect(store.get('durability')).toBe(durability)
  expect(`${store.text('appendonly')} ${store.text('appendfsync')}`).toBe(append)
})

test('several changes are made together or not at all, and who listens is told', async () => {
  const store = new ParameterStore()
  const told: string[][] = []
  const end = store.onChange(['timeout', 'maxClients'], (changed) => told.push([...changed]))
  expect(await configSet(store, ['timeout', '5', 'maxclients', 'x'])).toBeInstanceOf(ErrorReply)
  expect(store.get('timeout')).toBe(0)
  await configSet(store, ['timeout', '5', 'maxclients', '10000', 'slowlog-max-len', '7'])
  expect(told).toEqual([['timeout']])
  end()
  store.set([['timeout', '6']])
  expect(told).toHaveLength(1)
  expect(store.get('slowlogMaxLen')).toBe(7)
})

test('whoever must agree may refuse, before anything is changed', async () => {
  const store = new ParameterStore()
  const reply = await configSet(store, ['timeout', '5', 'Port', '6380'], {
    veto: async (changes) => ({ change: changes[1]!, reason: 'Unable to listen on this port.' }),
  })
  expect(reply.text).toBe(
    "ERR CONFIG SET failed (possibly related to argument 'Port') - Unable to listen on this port.",
  )
  expect(store.get('timeout')).toBe(0)
})

test('changes that cannot be made everywhere are taken back, as if they had never been', async () => {
  const store = ParameterStore.of({ timeout: 3 })
  const before = store.snapshot()
  const told: unknown[] = []
  store.onChange(['timeout', 'maxClients'], (changed, _, isInverse) => told.push([...changed, isInverse]))
  const reply = await configSet(store, ['Timeout', '5', 'maxclients', '7'], {
    async apply(changes) {
      store.apply(changes)
      if (store.get('timeout') === 5) throw new Error('a shard is lost')
    },
  })
  expect(reply).toMatchObject({
    text: "ERR CONFIG SET failed (possibly related to argument 'Timeout') - a shard is lost",
  })
  expect(store.snapshot()).toEqual(before)
  expect(told).toEqual([
    ['timeout', 'maxClients', false],
    ['timeout', 'maxClients', true],
  ])
})

test('a protected parameter is changed where that is allowed', () => {
  const set = (how: 'no' | 'yes' | 'local', isLocal: boolean): string | undefined =>
    ParameterStore.of({ enableProtectedConfigs: how }).set([['dir', '/tmp']], { isLocal })?.text
  expect(set('no', true)).toContain("can't set protected config")
  expect(set('local', false)).toContain("can't set protected config")
  expect(set('local', true)).toBeUndefined()
  expect(set('yes', false)).toBeUndefined()
})

test('a store of another thread has the same values', () => {
  const store = ParameterStore.of({ port: 7000 })
  store.set([
    ['requirepass', 'x'],
    ['hz', '20'],
  ])
  const other = ParameterStore.from(structuredClone(store.snapshot()))
  expect(other.get('bind')).toEqual(store.get('bind'))
  expect(other.get('requirePass')).toBe('x')
  expect(other.text('hz')).toBe('20')
  expect(other.snapshot()).toEqual(store.snapshot())
})

test('a store takes the values of another, and tells of those that differ', () => {
  const [source, store] = [ParameterStore.of({}), ParameterStore.of({ timeout: 5 })]
  source.set([
    ['hz', '20'],
    ['timeout', '7'],
  ])
  const told: string[] = []
  store.onChange([], (changed) => told.push(...changed))
  store.restore(structuredClone(source.snapshot()))
  expect(told.sort()).toEqual(['hz', 'timeout'])
  expect([store.text('hz'), store.get('timeout')]).toEqual(['20', 7])
  told.length = 0
  store.restore(source.snapshot())
  expect(told).toEqual([])
})
