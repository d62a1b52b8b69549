/** Simulated channels: copies as Node makes them, order within a port, and what is lost with a thread. */
import { expect, test } from 'vitest'
import { SimulatedChannels } from '../../src/testkit/simulated-channels.ts'
import { World } from '../../src/testkit/world.ts'

function makePair() {
  const world = new World({ seed: 0, choices: [], stepsMax: 1000, virtualMsMax: 1e6 })
  const threads = [world.addThread(0), world.addThread(1)] as const
  let lost = 0
  const exited: number[] = []
  const faults = {
    losesBell: () => lost-- > 0,
    onThreadExit: ({ id }: { id: number }) => exited.push(id),
    broadcasts: new Map(),
  }
  const [main, worker] = threads.map((thread) => new SimulatedChannels(thread, faults)) as [
    SimulatedChannels,
    SimulatedChannels,
  ]
  const settle = () => world.run(new Promise<void>((resolve) => void threads[0].clock.after(1, resolve)))
  return { main, worker, exited, settle, loseNext: (count: number) => (lost = count) }
}

test('messages arrive in order, also those that were posted before anybody listened', async () => {
  const { main, worker, settle } = makePair()
  const [near, far] = main.open('control')
  near.postMessage({ n: 1 })
  near.postMessage({ n: 2 })
  const got: unknown[] = []
  worker.listen(far, (message) => got.push(message))
  near.postMessage({ n: 3 })
  expect(got).toEqual([])
  await settle()
  expect(got).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }])
})

test('what is received at once does not come again', async () => {
  const { main, worker, settle } = makePair()
  const [near, far] = main.open('control')
  const got: unknown[] = []
  worker.listen(far, (message) => got.push(message))
  near.postMessage(1)
  near.postMessage(2)
  expect(worker.receive(far)).toEqual({ message: 1 })
  await settle()
  expect(got).toEqual([2])
  expect(worker.receive(far)).toBeUndefined()
})

test('messages are copies, buffers move, ports pass as they are', () => {
  const { main, worker } = makePair()
  const [near, far] = main.open('bulk')
  const bytes = new Uint8Array([1, 2])
  const message = { bytes, list: [1] }
  near.postMessage(message, [bytes.buffer])
  const copy = worker.receive(far)?.message as typeof message
  expect([...copy.bytes]).toEqual([1, 2])
  expect(copy.list).not.toBe(message.list)
  expect(bytes.byteLength).toBe(0)
  const [inner] = main.open('bulk')
  const ends = { port: inner }
  near.postMessage(ends, [inner])
  expect(worker.receive(far)?.message).toBe(ends)
  expect(() => near.postMessage(() => undefined)).toThrow('could not be cloned')
})

test('a closed port takes and gives nothing; a worker that closes its control port has ended', async () => {
  const { main, worker, settle, exited } = makePair()
  const [near, far] = main.open('control')
  const got: unknown[] = []
  worker.listen(far, (message) => got.push(message))
  near.postMessage(1)
  far.close()
  near.postMessage(2)
  await settle()
  expect(got).toEqual([])
  expect(exited).toEqual([1])
})

test('bells can be lost, by themselves or with the thread that rang', async () => {
  const { main, worker, settle, loseNext } = makePair()
  const [near, far] = main.open('bell')
  let rings = 0
  main.listen(near, () => rings++)
  worker.listen(far, () => undefined)
  loseNext(1)
  far.postMessage(0)
  far.postMessage(0)
  await settle()
  expect(rings).toBe(1)
  far.postMessage(0)
  worker.onThreadEnded(true)
  await settle()
  expect(rings).toBe(1)
})
