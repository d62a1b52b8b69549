/** Commands of one thread on their way: none overtakes another one on its key. */
import { describe, expect, test } from 'vitest'
import { CommandRouter } from '../../../src/keyspace/client/command-router.ts'
import { commandTable } from '../../../src/keyspace/commands/index.ts'
import type { Reply } from '../../../src/keyspace/engine/index.ts'
import { KeyspaceMemory } from '../../../src/keyspace/shared/keyspace-memory.ts'
import { MOVED, type ReplyReader, ReplyWriter, RequestReader } from '../../../src/keyspace/wire/index.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const ROW = commandTable.rows.findIndex(({ name }) => name === 'ping')
/** Slots of shard 0, and of shard 1. */
const [S0, S1, T0, T1] = [10, 16_000, 11, 16_001]

interface Sent {
  readonly shard: number
  readonly names: readonly string[]
  answer(reply?: (name: string) => Reply | typeof MOVED): Promise<void>
  fail(): Promise<void>
}

/** A router whose batches are answered by hand. */
function make(pendingMax = 1000) {
  const memory = KeyspaceMemory.allocate(2)
  const sent: Sent[] = []
  const done: string[] = []
  const published: number[] = []
  const router = new CommandRouter({
    memory,
    clock: new ManualClock(),
    pendingMax,
    atTickEnd: (flush) => void Promise.resolve().then(flush),
    atTurnEnd: (flush) => void setImmediate(flush),
    publish: () => void published.push(sent.length),
    send(shard, batch) {
      const names = namesOf(batch)
      return new Promise((resolve, reject) => {
        sent.push({
          shard,
          names,
          async answer(reply = (name) => name) {
            const writer = new ReplyWriter()
            for (const name of names) writer.reply(reply(name))
            resolve(writer.take())
            await turns()
          },
          async fail() {
            reject(new Error('lost'))
            await turns()
          },
        })
      })
    },
  })
  const command = (name: string, slot: number, more: object = {}) => ({
    row: ROW,
    db: 0,
    slot,
    args: [name],
    resolve: () => void done.push(name),
    reject: (error: Error) => void done.push(`${name}: ${error.message}`),
    ...more,
  })
  const give = (name: string, slot: number, more: object = {}): void => router.send(command(name, slot, more))
  const alone = (name: string, slots: readonly number[], isWhole = false) => {
    const task: { end: () => void; hasBegun: boolean } = { end: () => undefined, hasBegun: false }
    const keys = slots.map((slot) => ({ slot }))
    void router.alone(keys, isWhole, async () => {
      task.hasBegun = true
      await new Promise<void>((resolve) => {
        task.end = resolve
      })
      done.push(name)
    })
    return task
  }
  return {
    memory,
    router,
    sent,
    done,
    published,
    give,
    alone,
    open: () => sent.map(({ names }) => names.join()),
  }
}

function namesOf(batch: Uint8Array): string[] {
  const reader = new RequestReader(batch)
  const names: string[] = []
  while (reader.next()) names.push(String(reader.arguments('ping', 1 << 20)[1]))
  return names
}

async function turns(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => void setImmediate(resolve))
}

describe('commands', () => {
  test('of one tick go as one batch to each shard', async () => {
    const { give, open, sent, done } = make()
    give('a', S0)
    give('b', S1)
    give('c', S0)
    await turns()
    expect(open()).toEqual(['a,c', 'b'])
    await sent[0]!.answer()
    await sent[1]!.fail()
    expect(done).toEqual(['a', 'c', 'b: lost'])
  })

  test('that are many leave while the caller still makes more, as long as there is a place', async () => {
    const { give, sent, published } = make(10_000)
    for (let i = 0; i < 64 * 10 + 1; i++) give(String(i), S0)
    expect(sent.map(({ names }) => names.length)).toEqual(new Array(8).fill(64))
    expect(published).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    await turns()
    for (let i = 0; i < 11; i++) await sent[i]!.answer()
    expect(sent.flatMap(({ names }) => names)).toEqual(Array.from({ length: 641 }, (_, i) => String(i)))
    expect(published).toHaveLength(8)
  })

  test('that may wait for the end of the turn go as one batch, or with others before it', async () => {
    const { give, open } = make()
    const isOfTurn = true
    give('a', S0, { isOfTurn })
    await Promise.resolve()
    give('b', S1, { isOfTurn })
    await Promise.resolve()
    give('c', S0, { isOfTurn })
    expect(open()).toEqual([])
    await turns()
    expect(open()).toEqual(['a,c', 'b'])
    give('d', S0, { isOfTurn })
    give('e', S0)
    give('f', S0, { isOfTurn })
    await Promise.resolve()
    await Promise.resolve()
    expect(open()).toEqual(['a,c', 'b', 'd,e,f'])
    await turns()
    expect(open()).toHaveLength(3)
  })

  test('with lent arguments are copied, or kept while they wait, and found again in a batch', async () => {
    const { give, memory, sent, open } = make()
    const bytes = Buffer.from('PING lent')
    interface Lent {
      args: string[]
      lent: object | undefined
      at: number
      recover(batch: Uint8Array): void
    }
    const lentOf = (kept: string[]) => ({
      args: [] as string[],
      lent: { bytes, count: 2, offsets: Int32Array.of(0, 5), lengths: Int32Array.of(4, 4) },
      keep(this: Lent) {
        if (this.lent === undefined) return
        kept.push(bytes.toString('latin1', 5))
        this.args = [bytes.toString('latin1', 5)]
        this.lent = undefined
      },
      added(this: Lent, at: number) {
        this.at = at
        this.lent = undefined
      },
      recover(this: Lent, batch: Uint8Array) {
        const reader = new RequestReader(batch, false, this.at)
        reader.next()
        this.args = reader
          .arguments('ping', 1 << 20)
          .slice(1)
          .map(String)
      },
      take(this: Lent, reader: ReplyReader, batch: Uint8Array) {
        if (reader.next() !== MOVED) return true
        this.recover(batch)
        return false
      },
    })
    const kept: string[] = []
    give('before', S0)
    give('', S0, lentOf(kept))
    bytes.write('over', 5)
    await turns()
    expect(open()).toEqual(['before,lent'])
    expect(kept).toEqual([])
    memory.setOwner(S0, 1)
    await sent[0]!.answer(() => MOVED)
    expect(open()).toEqual(['before,lent', 'before,lent'])
    // Held back until these are answered.
    give('', S0, lentOf(kept))
    memory.setOwner(S0, 0)
    give('', S0, lentOf(kept))
    expect(kept).toEqual(['over'])
    await turns()
    await sent[1]!.answer()
    await turns()
    await sent[2]!.answer()
    await turns()
    expect(open().slice(2).join()).toBe('over,over')
  })

  test('are refused above the limit of what may wait', async () => {
    const { give, done, router, sent } = make(2)
    for (const name of ['a', 'b', 'c']) give(name, S0)
    expect(done).toEqual([expect.stringContaining('c: ')])
    await turns()
    await sent[0]!.answer()
    expect(router.pendingCount).toBe(0)
  })

  test('that were refused are sent again in their order, however their answers came', async () => {
    const { give, memory, sent, open } = make()
    give('first', S0)
    await turns()
    give('second', S0)
    await turns()
    memory.setOwner(S0, 1)
    // The later batch is answered first: the other one waits for something.
    await sent[1]!.answer(() => MOVED)
    give('third', S0)
    await sent[0]!.answer(() => MOVED)
    expect(open()).toEqual(['first', 'second', 'first,second,third'])
    expect(sent[2]!.shard).toBe(1)
  })
})

describe('a task that runs alone', () => {
  test('begins when what was given before is answered, and is waited for', async () => {
    const { give, alone, sent, done, open } = make()
    give('before', S0)
    const task = alone('task', [S0, S1])
    give('behind', S1)
    give('beside', T0)
    await turns()
    expect([task.hasBegun, open()]).toEqual([false, ['before', 'beside']])
    await sent[0]!.answer()
    expect(task.hasBegun).toBe(true)
    task.end()
    await turns()
    expect(open()).toEqual(['before', 'beside', 'behind'])
    expect(done).toEqual(['before', 'task'])
  })

  test('does not overtake a command that waits for the task before it', async () => {
    const { give, alone, sent } = make()
    const first = alone('first', [S0])
    give('between', S0)
    const second = alone('second', [S0])
    await turns()
    expect(first.hasBegun).toBe(true)
    first.end()
    await turns()
    expect(sent.map(({ names }) => names)).toEqual([['between']])
    expect(second.hasBegun).toBe(false)
    await sent[0]!.answer()
    expect(second.hasBegun).toBe(true)
  })

  test('waits for what was refused before it, and sent again', async () => {
    const { give, alone, memory, sent } = make()
    give('refused', S0)
    const task = alone('task', [S0])
    await turns()
    memory.setOwner(S0, 1)
    await sent[0]!.answer(() => MOVED)
    expect([sent[1]!.shard, task.hasBegun]).toEqual([1, false])
    await sent[1]!.answer()
    expect(task.hasBegun).toBe(true)
  })

  test('waits for nothing that was given after it', async () => {
    const { give, alone, sent } = make()
    give('before', S0)
    const task = alone('task', [S0])
    await turns()
    for (let i = 0; i < 20 && !task.hasBegun; i++) {
      give(`after ${i}`, T0)
      await turns()
      // Something is on its way to the shard at any moment.
      if (i > 0) await sent[i]!.answer()
      else await sent[0]!.answer()
    }
    expect(task.hasBegun).toBe(true)
  })

  test('over all keys waits for everything, and everything waits for it', async () => {
    const { give, alone, sent, open } = make()
    give('a', S0)
    give('b', S1)
    const task = alone('task', [], true)
    give('c', T1)
    await turns()
    await sent[0]!.answer()
    expect(task.hasBegun).toBe(false)
    await sent[1]!.answer()
    expect([task.hasBegun, open()]).toEqual([true, ['a', 'b']])
    task.end()
    await turns()
    expect(open()).toEqual(['a', 'b', 'c'])
  })
})

describe('a command over several slots of one shard', () => {
  const over = (isOver: () => boolean, runOver: () => Promise<void> = async () => undefined) => ({
    slots: [S0, T0],
    isOver,
    runOver,
  })

  test('holds up those behind it on any of its slots until it is answered', async () => {
    const { give, sent, open } = make()
    give(
      'two',
      S0,
      over(() => false),
    )
    give('behind', T0)
    give('beside', 12)
    await turns()
    expect(open()).toEqual(['two,beside'])
    await sent[0]!.answer()
    expect(open()).toEqual(['two,beside', 'behind'])
  })

  test('runs as a transaction when its slots have come apart, before whoever is behind it', async () => {
    const { give, memory, sent, open, done } = make()
    let end: () => void = () => undefined
    const ran: string[] = []
    const runOver = (): Promise<void> => {
      ran.push('over')
      return new Promise((resolve) => {
        end = resolve
      })
    }
    give(
      'two',
      S0,
      over(() => memory.ownerOf(S0) !== memory.ownerOf(T0), runOver),
    )
    give('behind', T0)
    await turns()
    memory.setOwner(T0, 1)
    await sent[0]!.answer(() => MOVED)
    give('beside', 12)
    await turns()
    expect([ran, open()]).toEqual([['over'], ['two', 'beside']])
    end()
    await turns()
    // It has answered by itself.
    expect(done).toEqual([])
    expect(open()).toEqual(['two', 'beside', 'behind'])
  })
})

describe('what is sent by itself', () => {
  test('goes out at once when all before it has', async () => {
    const { give, router, sent } = make()
    give('before', S0)
    let isSent = false
    void router.inTurn([S0], async () => {
      isSent = true
    })
    expect([isSent, sent.map(({ names }) => names)]).toEqual([true, [['before']]])
  })

  test('overtakes nothing that the full window holds back', async () => {
    const { give, router, sent, open } = make()
    const names = Array.from({ length: 9 }, (_, i) => String(i))
    for (const name of names) {
      give(name, S0)
      await turns()
    }
    expect(open()).toEqual(names.slice(0, 8))
    let isSent = false
    void router.inTurn([S0], async () => {
      isSent = true
    })
    give('behind', S0)
    for (let i = 0; i < 9; i++) {
      expect(isSent).toBe(false)
      await sent[i]!.answer()
    }
    expect([isSent, open().at(-1)]).toEqual([true, 'behind'])
  })

  test('does not wait for its own answer to let others follow', async () => {
    const { give, router, alone, sent } = make()
    const task = alone('task', [S0])
    await turns()
    void router.inTurn([S0], () => new Promise(() => undefined))
    give('behind', S0)
    task.end()
    await turns()
    expect(sent.map(({ names }) => names)).toEqual([['behind']])
  })
})
