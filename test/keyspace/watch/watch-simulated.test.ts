/** Watching in simulated worlds: the same program in many orders, each replayed by its seed. */
import { simulate } from 'shardloom/testing'
import { describe, expect, it } from 'vitest'

const SEEDS = process.env['SHL_SOAK'] ? 300 : 12
const KEYS = Array.from({ length: 8 }, (_, i) => `key:${i}`)

describe('a watch in a simulated world', () => {
  for (let seed = 0; seed < SEEDS; seed++) {
    it(`gives every change once, in order and whole, with seed ${seed}`, async () => {
      await simulate({ seed, threads: 3, keyspace: { shards: 3 }, stepsMax: 1_000_000 }, async (sim) => {
        const { keyspace } = sim.runtime
        const watch = keyspace.watch('key:*', { values: true })
        const since = await watch.ready
        const writing = Promise.all([
          (async () => {
            for (let i = 0; i < 6; i++)
              await keyspace.mset(Object.fromEntries(KEYS.map((key) => [key, `${i}`])))
          })(),
          (async () => {
            for (let i = 0; i < 20; i++) await keyspace.append(KEYS[sim.random.below(8)] as string, 'x')
          })(),
          (async () => {
            for (let i = 0; i < 5; i++) {
              const names = KEYS.filter(() => sim.random.below(2) === 0)
              if (names.length === 0) continue
              await keyspace.transaction(names, (tx) => {
                for (const key of names) tx.set(key, `tx${i}`)
              })
            }
          })(),
        ]).then(() => keyspace.set('key:end', ''))
        const state = new Map<string, unknown>()
        let last = since
        let sets = 0
        for await (const { revision, changes } of watch) {
          expect(revision).toBeGreaterThan(last)
          last = revision
          for (const { key, value } of changes) state.set(key, value)
          // Seen from outside, a transaction is done at once: its keys are equal.
          const values = new Set(changes.map(({ value }) => value))
          expect(values.size).toBe(1)
          if (changes.length === KEYS.length && /^\d$/.test(changes[0]?.value as string)) sets++
          if (changes[0]?.key === 'key:end') break
        }
        await writing
        expect(sets).toBe(6)
        for (const key of KEYS) expect(state.get(key)).toBe(await keyspace.get(key))
      })
    })
  }
})

/** One change of a key, as it was seen. */
interface Seen {
  readonly revision: number
  readonly value: unknown
}

describe('a watch in a simulated world where things go wrong', () => {
  for (let seed = 0; seed < SEEDS; seed++) {
    it(`says of every change that it does not give that it is lost, with seed ${seed}`, async () => {
      const faults = {
        rate: 0.002,
        types: ['crash_actor', 'stall_thread', 'fill_rings'] as const,
        countMax: 4,
      }
      await simulate(
        { seed, threads: 3, keyspace: { shards: 3 }, stepsMax: 1_000_000, faults },
        async (sim) => {
          const { keyspace } = sim.runtime
          const watch = keyspace.watch('key:*', { values: true, whenSlow: 'drop' })
          await watch.ready
          const seen = new Map<string, Seen[]>(KEYS.map((key) => [key, []]))
          const lost: { from: number; to: number }[] = []
          let last = 0
          const reading = (async () => {
            for await (const item of watch) {
              if (item.type === 'lost') {
                lost.push(item)
                continue
              }
              expect(item.revision).toBeGreaterThan(last)
              last = item.revision
              for (const { key, value } of item.changes)
                seen.get(key)?.push({ revision: item.revision, value })
              if (item.changes.some(({ key }) => key === 'key:end')) return
            }
          })()
          const acknowledged = new Map<string, string[]>(KEYS.map((key) => [key, []]))
          const set = async (key: string, value: string): Promise<boolean> =>
            keyspace.set(key, value).catch(() => false)
          await Promise.all(
            KEYS.map(async (key) => {
              for (let i = 0; i < 20; i++) {
                if (await set(key, `${i}`)) acknowledged.get(key)?.push(`${i}`)
                await sim.advance(sim.random.below(3))
              }
            }),
          )
          // It may be lost, too.
          let isRead = false
          void reading.finally(() => {
            isRead = true
          })
          while (!isRead) {
            await set('key:end', '')
            await sim.advance(50)
          }
          await reading
          for (const key of KEYS) checkTold(acknowledged.get(key) ?? [], seen.get(key) ?? [], lost)
        },
      )
    })
  }
})

/** Each value that was written is seen, or something is said to be lost between those around it that are. */
function checkTold(
  written: readonly string[],
  seen: readonly Seen[],
  lost: readonly { readonly from: number; readonly to: number }[],
): void {
  for (const [at, value] of written.entries()) {
    if (seen.some((one) => one.value === value)) continue
    const revisionOf = (one: string): number | undefined => seen.find((two) => two.value === one)?.revision
    const before = written.slice(0, at).findLast((one) => revisionOf(one) !== undefined)
    const after = written.slice(at).find((one) => revisionOf(one) !== undefined)
    const low = before === undefined ? 0 : (revisionOf(before) as number)
    const high = after === undefined ? Number.POSITIVE_INFINITY : (revisionOf(after) as number)
    expect(lost.some(({ from, to }) => to > low && from < high)).toBe(true)
  }
}
