/** One shard: whose slots it serves, and who waits for whom, by transactions and by slots on their way. */
import { describe, expect, test } from 'vitest'
import { hashSlotOf } from '../../../src/keyspace/hash-slot.ts'
import { MOVED } from '../../../src/keyspace/wire/index.ts'
import { batchOf, ShardLab, type Words } from '../../support/shards.ts'

const NEVER = new AbortController().signal

function lab() {
  const made = new ShardLab(2)
  const shard = made.shards[0]!
  const [a, b] = [made.keyOn(0), made.keyOn(0, 1)]
  /** A transaction that holds keys of the shard until it is released. */
  const hold = async (tx: number, ...keys: string[]): Promise<() => void> => {
    const uses = keys.map((key) => ({ db: 0, key, slot: hashSlotOf(key), isWritten: true }))
    expect(await shard.participant.schedule({ tx, by: 1, life: 1, keys: uses })).toBe('yes')
    await shard.participant.gather({ tx, keys: uses })
    return () => shard.participant.release(tx)
  }
  return { lab: made, shard, a, b, hold }
}

/** Lets whatever can go on do so. */
async function turns(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => void setImmediate(resolve))
}

/** Sends a batch; its replies, when they are there. */
function send(made: ShardLab, ...commands: Words[]): { replies: unknown } {
  const sent: { replies: unknown } = { replies: undefined }
  void made.run(0, ...commands).then((replies) => {
    sent.replies = replies
  })
  return sent
}

describe('slots', () => {
  test('of other shards are refused, command by command', async () => {
    const { lab: l, a } = lab()
    const foreign = l.keyOn(1)
    expect(await l.run(0, ['SET', a, '1'], ['SET', foreign, '2'], ['GET', a])).toEqual(['OK', MOVED, '1'])
    expect(await l.run(0, ['RENAME', a, foreign])).toEqual([MOVED])
  })

  test('that are frozen hold up commands, which keep their order, and go on at once', async () => {
    const { lab: l, shard, a } = lab()
    shard.slots.freeze(new Set([hashSlotOf(a)]))
    const first = send(l, ['RPUSH', a, '1'])
    const second = send(l, ['RPUSH', a, '2'], ['LRANGE', a, '0', '-1'])
    await turns()
    expect([first.replies, second.replies]).toEqual([undefined, undefined])
    shard.slots.thaw()
    const third = send(l, ['RPUSH', a, '3'])
    await turns()
    expect(first.replies).toEqual([1])
    expect(second.replies).toEqual([2, ['1', '2']])
    expect(third.replies).toEqual([3])
  })

  test('that are frozen hold up whoever comes behind a command of two keys', async () => {
    const { lab: l, shard, a, b } = lab()
    await l.run(0, ['SET', a, 'old'])
    shard.slots.freeze(new Set([hashSlotOf(a)]))
    const rename = send(l, ['RENAME', a, b])
    const set = send(l, ['APPEND', b, '+new'])
    await turns()
    shard.slots.thaw()
    await turns()
    expect([rename.replies, set.replies]).toEqual([['OK'], [7]])
    expect(await l.run(0, ['GET', b])).toEqual(['old+new'])
  })

  test('are in use while a command on them waits, whatever bytes its key has', async () => {
    const { lab: l, shard, hold } = lab()
    let binary = ''
    for (let i = 0; l.memory.ownerOf(hashSlotOf(binary)) !== 0 || binary === ''; i++) binary = `${i}\0x`
    const release = await hold(1, binary)
    release()
    const again = await hold(2, binary)
    const waiting = send(l, ['SET', binary, '1'])
    await turns()
    shard.participant.release(3)
    const slots = new Set([hashSlotOf(binary)])
    expect(shard.isInUse(slots)).toBe(true)
    again()
    await turns()
    expect(waiting.replies).toEqual(['OK'])
    expect(shard.isInUse(slots)).toBe(false)
  })
})

describe('a command that finds its key held', () => {
  test('waits, and so does who comes behind it, while others pass', async () => {
    const { lab: l, a, b, hold } = lab()
    const release = await hold(1, a)
    const held = send(l, ['SET', a, '1'], ['GET', b])
    const behind = send(l, ['GET', a])
    const free = send(l, ['SET', b, '2'])
    await turns()
    expect([held.replies, behind.replies, free.replies]).toEqual([undefined, undefined, ['OK']])
    release()
    await turns()
    expect([held.replies, behind.replies]).toEqual([['OK', null], ['1']])
  })
})

describe('who waits for a list to move from', () => {
  function blmove(l: ShardLab, from: string, to: string) {
    const wait: { reply: unknown } = { reply: undefined }
    void l.shards[0]!.runBlocking(batchOf([['BLMOVE', from, to, 'LEFT', 'RIGHT', '0']]), NEVER).then(
      (reply) => {
        wait.reply = reply
      },
    )
    return wait
  }

  test('is not served while somebody holds the list to move to', async () => {
    const { lab: l, a, b, hold } = lab()
    const wait = blmove(l, a, b)
    await turns()
    const release = await hold(1, b)
    await l.run(0, ['RPUSH', a, 'x'])
    await turns()
    expect(wait.reply).toBeUndefined()
    expect(await l.run(0, ['LLEN', a])).toEqual([1])
    release()
    await turns()
    expect(wait.reply).toBeDefined()
    expect(await l.run(0, ['LRANGE', b, '0', '-1'])).toEqual([['x']])
  })

  test('is not served while the list to move to is on its way, and is sent after it', async () => {
    const { lab: l, shard, a, b } = lab()
    const wait = blmove(l, a, b)
    await turns()
    shard.slots.freeze(new Set([hashSlotOf(b)]))
    await l.run(0, ['RPUSH', a, 'x'])
    await turns()
    expect(wait.reply).toBeUndefined()
    l.memory.setOwner(hashSlotOf(b), 1)
    shard.sendAway((key) => key === b)
    shard.slots.thaw()
    await turns()
    expect(wait.reply).toBeDefined()
    expect(await l.run(0, ['LLEN', a])).toEqual([1])
  })
})

describe('a batch that throws in its middle', () => {
  test('leaves nothing in the replies of the next one', async () => {
    const { lab: l, shard, a, b } = lab()
    const { engine } = shard
    const run = engine.run
    engine.run = () => {
      throw new Error('planted')
    }
    await expect(l.run(0, ['SET', a, '1'], ['GET', a], ['APPEND', a, '1'])).rejects.toThrow('planted')
    engine.run = run
    expect(await l.run(0, ['GET', b], ['GET', a])).toEqual([null, '1'])
  })
})
