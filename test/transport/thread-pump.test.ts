/** The pump and threads that die: a bell that is lost with its port must not leave the thread deaf. */
import { expect, test } from 'vitest'
import { systemClock } from '../../src/base/index.ts'
import { ValueCodec } from '../../src/codec/index.ts'
import { createIdleStrategy } from '../../src/memory/index.ts'
import { createLinkEnds, ThreadLink } from '../../src/transport/thread-link.ts'
import {
  allocateThread,
  attachThread,
  CONTROL_PARKED,
  RUNTIME_WORDS,
} from '../../src/transport/thread-memory.ts'
import { ThreadPump } from '../../src/transport/thread-pump.ts'

test('a thread whose ringer died before its bell arrived can be rung again', async () => {
  const [memory, other] = [0, 1].map((id) => attachThread(allocateThread(id, 16, 16))) as [
    ReturnType<typeof attachThread>,
    ReturnType<typeof attachThread>,
  ]
  const pump = new ThreadPump(
    {
      memory,
      runtimeWords: new Int32Array(new SharedArrayBuffer(RUNTIME_WORDS * 4)),
      clock: systemClock(),
      idle: createIdleStrategy('adaptive'),
      cores: 2,
      spinsUnasked: false,
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
  const [ends, others] = createLinkEnds(memory.buffers, other.buffers, 4096)
  const link = new ThreadLink(1)
  link.connect(ends, new ValueCodec(), pump.onBell)
  pump.addLink(link)
  const turn = () => new Promise((resolve) => setImmediate(resolve))
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
