/** Transactions over shards, message by message: what is done when one of them is lost, slow, or late. */
import { describe, expect, test } from 'vitest'
import { ShardloomError } from '../../../src/base/index.ts'
import { guestOf } from '../../../src/keyspace/engine/index.ts'
import { hashSlotOf } from '../../../src/keyspace/hash-slot.ts'
import { batchOf, ShardLab } from '../../support/shards.ts'

function lab() {
  const made = new ShardLab(3)
  const [a, b, c] = [made.keyOn(0), made.keyOn(1), made.keyOn(2)]
  return { lab: made, a, b, c, all: [a, b, c] }
}

const NEVER = new AbortController().signal

/** Enough turns for all that can still happen. */
async function turnsOf({ clock }: ShardLab): Promise<void> {
  for (let i = 0; i < 40; i++) {
    await new Promise((resolve) => void setImmediate(resolve))
    clock.advance(1)
  }
}

describe('a transaction', () => {
  test('runs over all shards, or on none when a watched key has changed', async () => {
    const { lab: l, a, b, c, all } = lab()
    expect(await l.transact(0, [['MSET', a, '1', b, '2', c, '3']])).toEqual(['OK'])
    expect(await l.transact(1, [['MGET', ...all]])).toEqual([['1', '2', '3']])
    const { revision } = guestOf(l.shards[1]!.engine, 0, b)
    expect(await l.transact(2, [['RENAME', a, c]], [{ db: 0, key: b, revision }])).toEqual(['OK'])
    await l.run(1, ['SET', b, 'x'])
    expect(await l.transact(0, [['DEL', ...all]], [{ db: 0, key: b, revision }])).toBeUndefined()
    expect(await l.transact(0, [['MGET', ...all]])).toEqual([[null, 'x', '1']])
    expect(l.areFree(0, 1, 2)).toBe(true)
  })

  test('that was refused on one shard, or not answered, is given up on all', async () => {
    const { lab: l, a, b, c } = lab()
    // It is scheduled there, but nobody hears of it.
    l.onAsk = (to, type, payload) => {
      if (to !== 1 || type !== 'schedule') return
      void l.shards[1]!.participant.schedule(payload as never)
      throw new ShardloomError('SHL_ASK_TIMEOUT', { actor: 'shard 1', type, timeoutMs: 1 })
    }
    await expect(l.transact(0, [['MSET', a, '1', b, '2', c, '3']])).rejects.toMatchObject({
      code: 'SHL_ASK_TIMEOUT',
    })
    await l.settle(Promise.resolve())
    expect(l.areFree(0, 1, 2)).toBe(true)
  })

  test('is done on the others when one is lost before it has applied its part', async () => {
    const { lab: l, a, b, c } = lab()
    l.onAsk = (to, type) => {
      if (to === 1 && type === 'stage') l.lose(1)
    }
    const pushes = [a, b, c].map((key) => ['RPUSH', key, 'x'])
    expect(await l.transact(0, pushes)).toEqual([1, 1, 1])
    expect(await l.run(0, ['LLEN', a])).toEqual([1])
    expect(await l.run(2, ['LLEN', c])).toEqual([1])
    await l.settle(Promise.resolve())
    expect(l.areFree(0, 2)).toBe(true)
  })

  test('frees its own shard when the only other one is lost', async () => {
    const { lab: l, a, b } = lab()
    l.onAsk = (to, type) => {
      if (to === 1 && type === 'apply') l.lose(1)
    }
    expect(
      await l.transact(0, [
        ['RPUSH', a, 'x'],
        ['RPUSH', b, 'x'],
      ]),
    ).toEqual([1, 1])
    expect(l.areFree(0)).toBe(true)
  })

  test('asks again whoever is slow once there is no way back', async () => {
    const { lab: l, a, b, c } = lab()
    let late = 3
    l.onAsk = (to, type) => {
      if (to !== 2 || type !== 'applyStaged' || late-- <= 0) return
      throw new ShardloomError('SHL_ASK_TIMEOUT', { actor: 'shard 2', type, timeoutMs: 1 })
    }
    const pushes = [a, b, c].map((key) => ['RPUSH', key, 'x'])
    expect(await l.transact(0, pushes)).toEqual([1, 1, 1])
    expect(await l.transact(1, [['EXISTS', a, b, c]])).toEqual([3])
    expect(l.areFree(0, 1, 2)).toBe(true)
    expect(l.memory.decisionsOf(0)).toEqual([])
  })
})

describe('a coordinator that is lost', () => {
  const schedule = (l: ShardLab, shard: number, tx: number, key: string, batch?: Uint8Array) => {
    const keys = [{ db: 0, key, slot: hashSlotOf(key), isWritten: true }]
    return l.shards[shard]!.participant.schedule({ tx, by: 0, life: 1, keys, ...(batch && { batch }) })
  }

  test('leaves nothing locked, and what it sends too late is refused', () => {
    const { lab: l, b } = lab()
    expect(schedule(l, 1, 5, b)).toBe('yes')
    l.lose(0)
    expect(l.areFree(1)).toBe(true)
    expect(schedule(l, 1, 6, b)).toBe('refused')
    expect(l.areFree(1)).toBe(true)
  })

  test('has its decided parts run, staged or asked for, and the others released', async () => {
    const { lab: l, b, c } = lab()
    l.memory.decide(0, 7)
    for (const [shard, key] of [
      [1, b],
      [2, c],
    ] as const) {
      expect(schedule(l, shard, 7, key, batchOf([['SET', key, 'decided']]))).toBe('yes')
    }
    const other = l.keyOn(1, 1)
    expect(schedule(l, 1, 8, other, batchOf([['SET', other, 'undecided']]))).toBe('yes')
    // One part was asked for, and comes in its turn: not twice.
    const asked = l.shards[2]!.participant.run({ tx: 7, batch: batchOf([['APPEND', c, 'x']]), revision: 0 })
    l.lose(0)
    await l.settle(asked)
    expect(await l.run(1, ['MGET', b], ['GET', other])).toEqual([['decided'], null])
    expect(await l.run(2, ['GET', c])).toEqual(['x'])
    expect(l.areFree(1, 2)).toBe(true)
  })

  test('is asked for by nobody: a part that waits for its yes is told no', async () => {
    const { lab: l, b } = lab()
    expect(schedule(l, 1, 5, b)).toBe('yes')
    const keys = [{ db: 0, key: b, slot: hashSlotOf(b), isWritten: true }]
    const pending = l.shards[1]!.participant.schedule({ tx: 6, by: 2, life: 1, keys })
    l.shards[1]!.participant.release(6)
    expect(await pending).toBe('refused')
  })
})

describe('commands over all keys within a batch', () => {
  test('see every shard, and what came before them', async () => {
    const { lab: l, a, b, c } = lab()
    await l.run(2, ['SET', c, '0'])
    const replies = await l.transact(0, [
      ['SET', a, '1'],
      ['SET', b, '2'],
      ['DBSIZE'],
      ['KEYS', '*'],
      ['MGET', c, b, a],
    ])
    expect(replies?.slice(0, 3)).toEqual(['OK', 'OK', 3])
    expect(new Set(replies?.[3] as string[])).toEqual(new Set([a, b, c]))
    expect(replies?.[4]).toEqual(['0', '2', '1'])
    expect(await l.transact(1, [['FLUSHALL'], ['SET', c, '9'], ['DBSIZE']])).toEqual(['OK', 'OK', 1])
    expect(await l.run(2, ['GET', c])).toEqual(['9'])
    expect(l.areFree(0, 1, 2)).toBe(true)
  })

  test('are done on those who are left, or not at all, whenever their coordinator is lost', async () => {
    const outcomes = new Set<string>()
    for (let lostAt = 0, isReached = true; isReached; lostAt++) {
      const { lab: l, a, b, c } = lab()
      await l.transact(1, [['MSET', a, '0', b, '0', c, '0']])
      isReached = false
      let count = 0
      l.onAsk = () => {
        if (count++ < lostAt) return undefined
        if (!isReached) l.lose(0)
        isReached = true
        // No message of its own comes any further.
        return new Promise(() => undefined)
      }
      const batch = [['APPEND', b, '1'], ['FLUSHALL'], ['SET', b, '2'], ['DBSIZE'], ['SET', c, '2']]
      const message = { batch: batchOf(batch), watched: [] }
      let isAnswered = false
      const note = (): void => {
        isAnswered = true
      }
      // What it is told by those who know of its end, nobody hears.
      l.coordinators[0]!.transact(message, NEVER).then(note, () => undefined)
      await l.settle(turnsOf(l))
      l.onAsk = () => undefined
      const left = [...(await l.run(1, ['GET', b])), ...(await l.run(2, ['GET', c]))]
      outcomes.add(`${isAnswered} ${left.join(' ')}`)
      expect(l.areFree(1, 2), `lost at message ${lostAt}`).toBe(true)
    }
    expect([...outcomes].sort()).toEqual(['false 0 0', 'false 2 2', 'true 2 2'])
  })

  test('do not run when a watched key has changed', async () => {
    const { lab: l, b } = lab()
    await l.run(1, ['SET', b, '1'])
    expect(await l.transact(0, [['FLUSHALL'], ['PING']], [{ db: 0, key: b, revision: 0 }])).toBeUndefined()
    const { revision } = guestOf(l.shards[1]!.engine, 0, b)
    expect(await l.transact(0, [['DBSIZE'], ['PING']], [{ db: 0, key: b, revision }])).toEqual([1, 'PONG'])
  })
})

describe('other databases', () => {
  test('are reached by COPY and MOVE over shards, and are not mixed up', async () => {
    const { lab: l, a, b } = lab()
    await l.run(0, ['SET', a, 'x'])
    expect(await l.transact(1, [['COPY', a, b, 'DB', '3']])).toEqual([1])
    expect(guestOf(l.shards[1]!.engine, 3, b).payload).not.toBeNull()
    expect(guestOf(l.shards[0]!.engine, 3, b).payload).toBeNull()
    expect(
      await l.transact(1, [
        ['MOVE', a, '2'],
        ['SET', b, 'y'],
      ]),
    ).toEqual([1, 'OK'])
    expect(guestOf(l.shards[0]!.engine, 2, a).payload).not.toBeNull()
    expect(guestOf(l.shards[1]!.engine, 2, a).payload).toBeNull()
    expect(
      await l.transact(
        0,
        [
          ['GET', a],
          ['GET', b],
        ],
        [],
        2,
      ),
    ).toEqual(['x', null])
  })
})

describe('while slots move', () => {
  test('guests leave what is coming in where it was', async () => {
    const { lab: l, a, b } = lab()
    await l.run(1, ['SET', b, 'moving'])
    const target = l.shards[0]!
    await target.slots.importKeys({ from: 1, slots: [hashSlotOf(b)], keys: [] })
    await target.slots.importKeys({ from: 1, keys: [guestOf(l.shards[1]!.engine, 0, b)] })
    expect(
      await l.transact(0, [
        ['SET', a, '1'],
        ['GET', b],
      ]),
    ).toEqual(['OK', 'moving'])
    expect(guestOf(target.engine, 0, b).payload).not.toBeNull()
  })

  test('keys keep their revisions', async () => {
    const { lab: l, b } = lab()
    await l.run(1, ['RPUSH', b, '1'])
    const { revision } = guestOf(l.shards[1]!.engine, 0, b)
    await l.run(0, ['SET', l.keyOn(0), 'x'])
    await l.settle(l.exporters[1]!.move({ slots: [hashSlotOf(b)], to: 2 }))
    expect(guestOf(l.shards[2]!.engine, 0, b).revision).toBe(revision)
    expect(await l.transact(2, [['LLEN', b]], [{ db: 0, key: b, revision }])).toEqual([1])
  })

  test('a batch of one shard waits for slots that are frozen, and goes where they went', async () => {
    const { lab: l, b } = lab()
    await l.run(1, ['RPUSH', b, '1'])
    const slots = [hashSlotOf(b)]
    let batch: Promise<unknown> | undefined
    l.onAsk = (_to, type, payload) => {
      if (type !== 'importKeys' || (payload as { locks?: unknown }).locks === undefined) return
      const message = {
        batch: batchOf([
          ['RPUSH', b, '2'],
          ['LLEN', b],
        ]),
        watched: [],
      }
      batch = l.coordinators[1]!.transact(message, NEVER)
    }
    expect(await l.settle(l.exporters[1]!.move({ slots, to: 2 }))).toMatchObject({ slots: 1, keys: 1 })
    await l.settle(batch!)
    expect(await l.run(2, ['LRANGE', b, '0', '-1'])).toEqual([['1', '2']])
  })

  test('a move that a flush on its target meets is given up, and loses nothing', async () => {
    const { lab: l, b } = lab()
    await l.run(1, ['SET', b, '1'])
    l.onAsk = (_to, type, payload) => {
      if (type === 'importKeys' && (payload as { locks?: unknown }).locks !== undefined) {
        l.shards[2]!.runBatch(batchOf([['FLUSHALL']]))
      }
    }
    const moved = l.settle(l.exporters[1]!.move({ slots: [hashSlotOf(b)], to: 2 }))
    await expect(moved).rejects.toMatchObject({ code: 'SHL_SHARD_DOWN' })
    l.onAsk = () => undefined
    expect(await l.run(1, ['GET', b])).toEqual(['1'])
  })

  test('a target that was started anew in the middle does not get the slots', async () => {
    const { lab: l, b } = lab()
    await l.run(1, ['SET', b, '1'])
    let isFirst = true
    l.onAsk = (_to, type, payload) => {
      if (type !== 'importKeys' || (payload as { slots?: unknown }).slots !== undefined || !isFirst) return
      isFirst = false
      l.shards[2]!.slots.dropImported(1)
    }
    const moved = l.settle(l.exporters[1]!.move({ slots: [hashSlotOf(b)], to: 2 }))
    await expect(moved).rejects.toMatchObject({ code: 'SHL_SHARD_DOWN' })
    expect(l.memory.ownerOf(hashSlotOf(b))).toBe(1)
  })
})
