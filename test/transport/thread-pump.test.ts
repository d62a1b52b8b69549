/** The pump and threads that die: a bell that is lost with its port must not leave the thread deaf. */
import { expect, test } from 'vitest'
import { systemClock } from '../../src/base/index.ts'
import { ValueCodec } from '../../src/codec/index.ts'
import { createIdleStrategy } from '../../src/memory/index.ts'
import { type Scheduler, systemScheduler } from '../../src/transport/scheduler.ts'
import { createLinkEnds, ThreadLink } from '../../src/transport/thread-link.ts'
import {
  allocateThread,
  attachThread,
  CONTROL_PARKED,
  RUNTIME_WORDS,
} from '../../src/transport/thread-memory.ts'
import { ThreadPump } from '../../src/transport/thread-pump.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))

function pumpOf(memory: ReturnType<typeof attachThread>, scheduler: Scheduler = systemScheduler): ThreadPump {
  return new ThreadPump(
    {
      memory,
      runtimeWords: new Int32Array(new SharedArrayBuffer(RUNTIME_WORDS * 4)),
      clock: systemClock(),
      idle: createIdleStrategy('adaptive'),
      cores: 2,
      spinsUnasked: false,
      scheduler,
    },
    {
      onRecord: () => undefined,
      runLocal: () => false,
      hasLocal: () => false,
      afterBatch: () => undefined,
      unsettledCount: () => 0,
      expectedCount: () => 0,
    },
  )
}

test('a thread whose ringer died before its bell arrived can be rung again', async () => {
  const [memory, other] = [0, 1].map((id) => attachThread(allocateThread(id, 16, 16))) as [
    ReturnType<typeof attachThread>,
    ReturnType<typeof attachThread>,
  ]
  const pump = pumpOf(memory)
  const [ends, others] = createLinkEnds(memory.buffers, other.buffers, 4096)
  const link = new ThreadLink(1)
  link.connect(ends, new ValueCodec(), pump.onBell)
  pump.addLink(link)
  await turn()
  const parked = () => Atomics.load(memory.control, CONTROL_PARKED)
  expect(parked()).toBe(1)
  // The other thread takes the word, as a ringer does, and dies; its bell goes down with the port.
  Atomics.store(memory.control, CONTROL_PARKED, 0)
  pump.removeLink(link)
  link.close()
  others.bellPort.close()
  others.bulkPort.close()
  await turn()
  expect(parked()).toBe(1)
  pump.close()
})

test('what is put off to the end of the turn runs there, and until then nobody rings', async () => {
  const memory = attachThread(allocateThread(0, 16, 16))
  const pump = pumpOf(memory)
  const parked = () => Atomics.load(memory.control, CONTROL_PARKED)
  const ran: string[] = []
  expect(parked()).toBe(1)
  pump.atTurnEnd(() => {
    ran.push(`a ${parked()}`)
    pump.atTurnEnd(() => ran.push('of the next turn'))
  })
  pump.atTurnEnd(() => ran.push('b'))
  expect([ran, parked()]).toEqual([[], 0])
  // A run in between does not put the thread to sleep.
  pump.requestRun()
  await Promise.resolve()
  await Promise.resolve()
  expect([ran, parked()]).toEqual([[], 0])
  await turn()
  expect(ran).toEqual(['a 0', 'b'])
  await turn()
  expect([ran, parked()]).toEqual([['a 0', 'b', 'of the next turn'], 1])
  pump.atTurnEnd(() => ran.push('at the end'))
  pump.close()
  pump.atTurnEnd(() => ran.push('after it'))
  expect(ran.slice(3)).toEqual(['at the end', 'after it'])
})

test('a task that throws takes none along that were put off behind it', async () => {
  const thrown: unknown[] = []
  const throwUncaught = (error: unknown): void => void thrown.push(error)
  const pump = pumpOf(attachThread(allocateThread(0, 16, 16)), { ...systemScheduler, throwUncaught })
  const ran: string[] = []
  const failing = (): never => {
    throw new Error('mine')
  }
  pump.atTurnEnd(failing)
  pump.atTurnEnd(() => ran.push('behind it'))
  await turn()
  expect([ran, thrown]).toEqual([['behind it'], [new Error('mine')]])
  pump.atTurnEnd(failing)
  pump.close()
  expect(thrown.length).toBe(2)
})
