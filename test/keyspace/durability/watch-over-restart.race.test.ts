/** Watchers come back to a keyspace that was started again, and miss nothing, or are told so. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRuntime, type Keyspace, type KeyspaceOptions, type Runtime } from 'shardloom'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

let dir: string
let runtime: Runtime | undefined

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'shardloom-'))
})

afterEach(async () => {
  await runtime?.close()
  rmSync(dir, { recursive: true, force: true })
})

async function start(options: KeyspaceOptions = {}): Promise<Keyspace> {
  await runtime?.close()
  const started = await createRuntime({ threads: 2, keyspace: { dir, ...options } })
  runtime = started
  return started.keyspace
}

/** What a watch that has begun tells up to the change of `last`. */
async function told(keyspace: Keyspace, since: number, last: string): Promise<{ items: Promise<unknown[]> }> {
  const watch = keyspace.watch('*', { since, values: true })
  const read = async (): Promise<unknown[]> => {
    const items: unknown[] = []
    for await (const { revision, changes } of watch) {
      items.push([
        revision,
        ...changes.map(({ key, event, value }) => `${event} ${key} ${value ?? ''}`.trim()),
      ])
      if (changes.some(({ key }) => key === last)) break
    }
    return items
  }
  const items = read()
  // Who cannot begin says so by what is read.
  items.catch(() => undefined)
  await watch.ready.catch(() => undefined)
  return { items }
}

async function revisionOf(keyspace: Keyspace, key: string): Promise<number> {
  await keyspace.set(key, 'here')
  return (await keyspace.revision(key)) as number
}

async function write(keyspace: Keyspace): Promise<void> {
  await keyspace.set('a', '1')
  await keyspace.incrBy('n', 5)
  // Over both shards: one item, whatever shard a key is on.
  await keyspace.mset({ 'm:1': 'x', 'm:2': 'y', 'm:3': 'z', 'm:4': 'w' })
  await keyspace.hash('h').set({ field: 'v' })
  await keyspace.set('a', '2')
  await keyspace.delete('a')
}

describe('a watch from a revision of the last process', () => {
  it('is told of all that has happened since, in order, with values, and goes on', async () => {
    const before = await start()
    const since = await revisionOf(before, 'first')
    const seen = await told(before, since, 'end')
    await write(before)
    await before.set('end', '1')
    const expected = await seen.items
    expect(expected).toHaveLength(7)

    const after = await start()
    const again = await told(after, since, 'live')
    await after.set('live', '!')
    const items = await again.items
    expect(items.slice(0, 7)).toEqual(expected)
    expect(items).toHaveLength(8)
  })

  it('finds what came after a snapshot, and is told where what came before is gone', async () => {
    const before = await start()
    const early = await revisionOf(before, 'early')
    await write(before)
    await before.snapshot()
    const since = await revisionOf(before, 'late')
    const seen = await told(before, since, 'end')
    await write(before)
    await before.set('end', '1')
    await seen.items

    const after = await start()
    expect(await (await told(after, since, 'end')).items).toEqual(await seen.items)
    await expect((await told(after, early, 'end')).items).rejects.toMatchObject({
      code: 'SHL_WATCH_COMPACTED',
    })
  })

  it('is told so when more has happened than is kept', async () => {
    const before = await start()
    const since = await revisionOf(before, 'first')
    await Promise.all(Array.from({ length: 5000 }, (_, i) => before.set(`key:${i}`, 'v')))
    const after = await start({ historyMax: 10 })
    await expect((await told(after, since, 'end')).items).rejects.toMatchObject({
      code: 'SHL_WATCH_COMPACTED',
    })
  })
})
