/**
 * What a watch gives is what was committed: in order, whole, and from exactly where it was asked to begin.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Random, type ShardloomError, seededRandom } from '../../../src/base/index.ts'
import type { KeyspaceWatch } from '../../../src/keyspace/watch/keyspace-watch.ts'
import type { KeyspaceChanges, KeyspaceChangesLost } from '../../../src/keyspace/watch/watch-options.ts'
import { LAST_KEY as END, expectedOf, WatchWorld, writeAtRandom } from '../../support/watch-world.ts'

const RUNS = process.env['SHL_SOAK'] ? 2000 : 60
const SHARDS = 3

type Item = KeyspaceChanges | KeyspaceChangesLost

/** Writes at random, and a last key when all is done. */
async function write(world: WatchWorld, random: Random, count: number): Promise<void> {
  await writeAtRandom(world, random, count)
  world.write(random.below(SHARDS), [END])
}

async function read(world: WatchWorld, watch: KeyspaceWatch<Item>): Promise<Item[]> {
  const items: Item[] = []
  for await (const item of watch) {
    items.push(item)
    if (item.type === 'changes' && item.changes.some(({ key }) => key === END)) break
    await world.pause()
  }
  return items
}

function seen(items: readonly Item[], since = 0): object[] {
  return items.flatMap((item) => {
    if (item.type === 'lost') throw new Error(`lost ${item.from} to ${item.to}`)
    const { revision, changes } = item
    return revision > since ? [{ revision, keys: changes.map(({ key }) => key).sort() }] : []
  })
}

describe('a watch over several shards', () => {
  it('gives everything from when it is ready, in order and whole', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 2 ** 31 }), async (seed) => {
        const random = seededRandom(seed)
        const world = new WatchWorld(random)
        const writing = write(world, random, 12)
        const readers = ['', 'a', 'b'].map(async (prefix) => {
          for (let i = random.below(30); i > 0; i--) await world.pause()
          const watch = world.watch([`${prefix}*`, END])
          const items = read(world, watch)
          const start = await watch.ready
          const last = (await items).at(-1) as KeyspaceChanges
          const upTo = world.written.filter(({ revision }) => revision <= last.revision)
          expect(seen(await items, start)).toEqual(expectedOf(upTo, start, prefix))
          // What came before `start` is in order as well, and nothing comes twice.
          const all = expectedOf(world.written, 0, prefix)
          for (const item of seen(await items)) expect(all).toContainEqual(item)
          const revisions = (await items).map((item) => (item as KeyspaceChanges).revision)
          expect(revisions).toEqual([...new Set(revisions)].sort((a, b) => a - b))
        })
        // Who is too late for the last key would wait for ever.
        let isDone = false
        const reading = Promise.all(readers).finally(() => {
          isDone = true
        })
        await Promise.all([writing.then(() => finish(world, random, () => isDone)), reading])
      }),
      { numRuns: RUNS },
    )
  })

  it('goes on from any revision with exactly the rest', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 2 ** 31 }), async (seed) => {
        const random = seededRandom(seed)
        const world = new WatchWorld(random)
        const first = world.watch(['*'])
        const start = await first.ready
        const writing = write(world, random, 10)
        const readers = Array.from({ length: 4 }, async () => {
          for (let i = random.below(40); i > 0; i--) await world.pause()
          const end =
            world.written.find(({ keys }) => keys.includes(END))?.revision ?? Number.POSITIVE_INFINITY
          const since = start + random.below(Math.min(world.revision, end - 1) - start + 1)
          const items = await read(world, world.watch('*', { since }))
          expect(seen(items)).toEqual(expectedOf(world.written, since, ''))
        })
        await Promise.all([writing, ...readers])
        await first.return()
      }),
      { numRuns: RUNS },
    )
  })

  it('goes on where another one has stopped', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 2 ** 31 }), async (seed) => {
        const random = seededRandom(seed)
        const world = new WatchWorld(random)
        let watch = world.watch('*')
        const start = await watch.ready
        const writing = write(world, random, 10)
        const items: Item[] = []
        const isDone = (): boolean =>
          items.some((item) => item.type === 'changes' && item.changes.some(({ key }) => key === END))
        while (!isDone()) {
          for (let i = random.below(10); i >= 0 && !isDone(); i--) {
            const { value } = await watch.next()
            items.push(value as Item)
          }
          const since = watch.revision
          await watch.return()
          await world.pause()
          watch = world.watch('*', { since })
        }
        await Promise.all([writing, watch.return()])
        expect(seen(items)).toEqual(expectedOf(world.written, start, ''))
      }),
      { numRuns: RUNS },
    )
  })

  it('tells a slow watcher what it has lost, or ends its watch, and never skips in silence', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 2 ** 31 }),
        fc.constantFrom('cut' as const, 'drop' as const),
        async (seed, whenSlow) => {
          const random = seededRandom(seed)
          const world = new WatchWorld(random)
          const watch = world.watch('*', { whenSlow, queueMax: 3 })
          const start = await watch.ready
          const items: Item[] = []
          let error: unknown
          const reading = (async () => {
            for await (const item of watch) {
              items.push(item)
              if (item.type === 'changes' && item.changes.some(({ key }) => key === END)) return
              for (let i = random.below(10); i > 0; i--) await world.pause()
            }
          })().catch((thrown: unknown) => {
            error = thrown
          })
          await write(world, random, 25)
          await reading
          checkLost(items, expectedOf(world.written, start, ''), error, whenSlow)
        },
      ),
      { numRuns: RUNS },
    )
  })
})

/** What is missing is within ranges that were told, or behind an error. */
function checkLost(
  items: readonly Item[],
  all: readonly object[],
  error: unknown,
  whenSlow: 'cut' | 'drop',
): void {
  const lost = items.filter((item) => item.type === 'lost')
  const got = new Map(
    items
      .filter((item) => item.type === 'changes')
      .map(({ revision, changes }) => [revision, changes.map(({ key }) => key).sort()]),
  )
  const last = Math.max(0, ...got.keys())
  if (whenSlow === 'cut') expect(lost).toEqual([])
  else expect(error).toBeUndefined()
  if (error !== undefined) expect((error as ShardloomError).code).toBe('SHL_WATCH_SLOW')
  for (const { revision, keys } of all as { revision: number; keys: string[] }[]) {
    if (error !== undefined && revision > last) continue
    const isTold = lost.some(({ from, to }) => revision >= from && revision <= to)
    if (!isTold) expect(got.get(revision)).toEqual(keys)
  }
}

async function finish(world: WatchWorld, random: Random, isDone: () => boolean): Promise<void> {
  while (!isDone()) {
    await world.pause()
    await new Promise((resolve) => setImmediate(resolve))
    world.write(random.below(SHARDS), [END])
  }
}
