/**
 * The address of a shard that is read while it is written: every interleaving of one reader with two writes.
 *
 * The writer's stores are written down once. The reader is run again and again, with each possible number of
 * them carried out before each of its loads. Where it finds the address being written it must go on, so that
 * a schedule without progress is not walked.
 */
import { expect, test } from 'vitest'
import { KeyspaceMemory, type ShardAddress } from '../../../src/keyspace/shared/keyspace-memory.ts'
import {
  type Access,
  type Cell,
  observeAccesses,
  readCell,
  runInstrumented,
} from '../../support/instrumented-memory.ts'

const ADDRESSES = [1, 2, 3].map((n) => ({ thread: n, slot: n * 10, generation: n * 100 }))
/** Loads of a reader that did not find its address yet. */
const LOADS_MAX = 40

interface Run {
  readonly found: ShardAddress | undefined
  readonly loads: number
  /** The last load of the schedule found the address being written. */
  readonly mustWait: boolean
}

interface Store {
  readonly address: number
  readonly value: number
}

/** What the writer stores for an address, from where the memory is. All of it must be atomic. */
function storesOf(memory: SharedArrayBuffer, address: (typeof ADDRESSES)[number]): Store[] {
  const stores: Store[] = []
  observeAccesses(
    memory,
    () => new KeyspaceMemory(memory).setAddress(0, address),
    (access) => {
      expect(access.kind).toMatch(/^atomic_/)
      if (access.kind === 'atomic_store') {
        stores.push({ address: access.address, value: Number(access.operand) })
      }
    },
  )
  return stores
}

test('an address is one that was written, whole, and never an earlier one than was there', () => {
  const memory = KeyspaceMemory.allocate(1).buffer
  const data = new DataView(memory)
  const writes = ADDRESSES.map((address) => storesOf(memory, address))
  const perWrite = writes[0]!.length
  const stores = writes.flat()
  const incarnationAt = stores.at(-1)!.address
  const run = (schedule: readonly number[]): Run => {
    for (const { address, value } of writes[0]!) data.setInt32(address, value, true)
    let done = perWrite
    let loads = 0
    let mustWait = false
    const perform = (access: Access): Cell => {
      if (access.kind !== 'atomic_load') expect.fail(`a reader may load: ${access.kind}`)
      const until = schedule[loads] ?? stores.length
      for (; done < until; done++) data.setInt32(stores[done]!.address, stores[done]!.value, true)
      loads++
      if (loads > LOADS_MAX) expect.fail('the reader does not end when the writer has')
      const value = readCell(data, access) as number
      if (loads === schedule.length) mustWait = access.address === incarnationAt && value % 2 === 1
      return value
    }
    const found = runInstrumented(memory, perform, () => new KeyspaceMemory(memory).addressOf(0))
    return { found, loads, mustWait }
  }

  const outcomes = new Set<number>()
  let schedules = 0
  const walk = (schedule: readonly number[]): void => {
    const { found, loads, mustWait } = run(schedule)
    schedules++
    const at = ADDRESSES.findIndex(({ thread }) => thread === found?.thread)
    const { slot, generation, incarnation } = found!
    if (slot !== ADDRESSES[at]?.slot || generation !== slot * 10 || incarnation !== 2 * (at + 1)) {
      expect.fail(`${JSON.stringify(found)} after ${schedule}`)
    }
    // Its first load that counts comes behind that of the constructor.
    const wasThere = Math.floor((schedule[1] ?? stores.length) / perWrite)
    if (at + 1 < wasThere) expect.fail(`address ${at + 1} after ${wasThere} writes: ${schedule}`)
    outcomes.add(at)
    if (loads === schedule.length) return
    const before = schedule.at(-1)! + (mustWait ? 1 : 0)
    for (let until = before; until < stores.length; until++) walk([...schedule, until])
  }
  walk([perWrite])
  expect([...outcomes].sort()).toEqual([0, 1, 2])
  expect(schedules).toBeGreaterThan(1000)
})
