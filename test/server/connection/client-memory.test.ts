/** Clients of several threads in one: which are closed, in which order, and who looks. */
import { expect, test } from 'vitest'
import { ClientMemory, type WeighedClient } from '../../../src/server/connection/client-memory.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const KIB = 1024

interface TestClient extends WeighedClient {
  memoryBytes: number
  noEvict: boolean
}

/** Threads that ask each other at once. */
function threads(count: number) {
  const buffer = ClientMemory.buffer(count)
  const clock = new ManualClock()
  const closed: string[] = []
  const asked: number[] = []
  const all = Array.from({ length: count }, (_, seat) => {
    const clients = new Set<TestClient>()
    const memory: ClientMemory = new ClientMemory(buffer, seat, {
      clock,
      clients,
      async askOthers() {
        asked.push(seat)
        for (const one of all) one.memory.evictAsAsked()
      },
      onEvicted: () => undefined,
    })
    const connect = (name: string, kib: number, isMonitor = false): TestClient => {
      const client = {
        ...{ memoryBytes: kib * KIB, isMonitor, noEvict: false, weight: 0 },
        close() {
          closed.push(name)
          clients.delete(client)
          memory.forget(client)
        },
      }
      clients.add(client)
      if (memory.isOn) memory.weigh(client)
      return client
    }
    return { memory, connect }
  })
  const setLimit = (kib: number): void => {
    for (const { memory } of all) memory.setLimit(kib * KIB, 0)
  }
  return { all, closed, asked, clock, setLimit }
}

test('without a bound nothing is weighed, and with one the largest go until it is held', () => {
  const { all, closed, setLimit } = threads(1)
  const [{ memory, connect }] = all as [(typeof all)[0]]
  for (const [name, kib] of Object.entries({ a: 100, b: 300, c: 200, d: 50 })) connect(name, kib)
  expect([memory.isOn, closed]).toEqual([false, []])
  setLimit(400)
  expect(closed).toEqual(['b'])
  const grows = connect('e', 10)
  grows.memoryBytes = 30 * KIB
  memory.weigh(grows)
  expect(closed).toEqual(['b'])
  grows.memoryBytes = 70 * KIB
  memory.weigh(grows)
  expect(closed).toEqual(['b', 'c'])
  setLimit(0)
  connect('f', 10_000)
  expect(closed).toEqual(['b', 'c'])
})

test('a bound may be a share of all memory, and none is so small that nobody is left', () => {
  const { all, closed } = threads(1)
  const [{ memory, connect }] = all as [(typeof all)[0]]
  memory.setLimit(-50, 0)
  expect(memory.isOn).toBe(false)
  memory.setLimit(-50, 1000 * KIB)
  connect('a', 499)
  expect(closed).toEqual([])
  memory.setLimit(1, 0)
  connect('b', 100)
  expect(closed).toEqual(['a'])
})

test('who is spared counts and stays, a monitor does not even count', () => {
  const { all, closed, setLimit, clock } = threads(1)
  const [{ memory, connect }] = all as [(typeof all)[0]]
  setLimit(400)
  connect('monitor', 1000, true)
  const spared = connect('spared', 300)
  spared.noEvict = true
  spared.memoryBytes = 500 * KIB
  memory.weigh(spared)
  expect(closed).toEqual([])
  // Where nobody may be closed nobody looks for a moment; who comes then is.
  clock.advance(100)
  connect('small', 1)
  expect(closed).toEqual(['small'])
  spared.noEvict = false
  clock.advance(100)
  memory.weigh(spared)
  expect(closed).toEqual(['small', 'spared'])
})

test('the largest of all threads go first, whichever thread sees that it is too much', async () => {
  const { all, closed, asked, setLimit } = threads(3)
  const [one, two, three] = all as [(typeof all)[0], (typeof all)[0], (typeof all)[0]]
  setLimit(1000)
  one.connect('a', 200)
  two.connect('b', 350)
  const shrunk = three.connect('c', 300)
  shrunk.memoryBytes = 10 * KIB
  three.memory.weigh(shrunk)
  one.connect('d', 330)
  expect(closed).toEqual([])
  one.connect('e', 150)
  await Promise.resolve()
  expect([closed, asked]).toEqual([['b'], [0]])
  // The one that it hears of has shrunk: the others show that when they are asked.
  three.connect('f', 250)
  one.connect('g', 200)
  await Promise.resolve()
  await Promise.resolve()
  expect(closed).toEqual(['b', 'd'])
})

test('a bound that comes later spares the small of one thread, as others have a larger', async () => {
  const { all, closed, asked, setLimit } = threads(2)
  const [one, two] = all as [(typeof all)[0], (typeof all)[0]]
  one.connect('large', 150)
  const spared = one.connect('spared', 160)
  spared.noEvict = true
  for (const kib of [10, 11, 12, 13, 14]) two.connect(`small${kib}`, kib)
  setLimit(340)
  await Promise.resolve()
  expect([closed, asked]).toEqual([['large'], [1]])
})

test('a thread that is lost leaves its place empty to the next, and does not keep others busy', async () => {
  const buffer = ClientMemory.buffer(2)
  new Int32Array(buffer).set([2000, 2000], 2)
  const clock = new ManualClock()
  let asked = 0
  const client = { memoryBytes: KIB, isMonitor: false, noEvict: false, weight: 0, close: () => undefined }
  const host = {
    clock,
    clients: [client],
    askOthers: async () => void asked++,
    onEvicted: () => undefined,
  }
  const memory = new ClientMemory(buffer, 0, host)
  memory.setLimit(1000 * KIB, 0)
  for (let i = 0; i < 10; i++) {
    memory.weigh(client)
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(asked).toBe(1)
  new ClientMemory(buffer, 1, host)
  expect([...new Int32Array(buffer)].slice(2)).toEqual([0, 0])
})
