/** What the log says of locks gives the same locks, with full leases. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  type Argument,
  type Commit,
  lockEffects,
  type ShardEngine,
} from '../../../src/keyspace/engine/index.ts'
import { makeEngine, type TestEngine } from '../../support/engine.ts'

const REPLAY = { id: 'replay', resp: 3, db: 0, isReplay: true } as const

function replay(engine: ShardEngine, effects: readonly (readonly Argument[])[]): void {
  for (const argv of effects) expect(engine.execute(REPLAY, argv)).toMatchObject({ text: 'OK' })
}

function effectsOf(commits: readonly Commit[]): readonly (readonly Argument[])[] {
  return commits.flatMap(({ effects }) => effects.map(({ argv }) => argv))
}

const NAMES = ['a', 'b', 's']

/** Who holds what; without how long it still lasts. */
function heldIn({ engine }: TestEngine): unknown {
  return NAMES.flatMap((name) => {
    const { holders = [] } = engine.locks.info(name) ?? {}
    return holders.map(({ remainingMs: _, ...holder }) => ({ name, ...holder }))
  })
}

test('after a restart a holder has its full lease once more, and tokens go on growing', () => {
  const before = makeEngine()
  before.ask('LOCK.ACQUIRE', 'a', 'ann', 'PX', 1000)
  before.ask('LOCK.ACQUIRE', 'b', 'bob', 'PX', 1000)
  before.ask('LOCK.RELEASE', 'b', 'bob', 2)
  before.clock.advance(900)
  before.ask('LOCK.RENEW', 'a', 'ann', 1, 'PX', 3000)
  const after = makeEngine()
  after.engine.onCommit = undefined
  replay(after.engine, effectsOf(before.commits))
  expect(after.engine.locks.info('a')?.holders).toMatchObject([{ owner: 'ann', token: 1, remainingMs: 3000 }])
  expect(after.ask('LOCK.ACQUIRE', 'b', 'cid', 'PX', 1000)).toEqual([3, 1000])
  after.clock.advance(3000)
  expect(after.ask('LOCK.ACQUIRE', 'a', 'cid', 'PX', 1000)).toEqual([4, 1000])
})

const step = fc.record({
  command: fc.constantFrom('acquire', 'acquire', 'acquire', 'release', 'renew', 'advance'),
  name: fc.constantFrom('a', 'a', 'b', 's'),
  owner: fc.constantFrom('ann', 'bob', 'cid'),
  isShared: fc.boolean(),
  waits: fc.boolean(),
  ms: fc.integer({ min: 1, max: 50 }),
})

test('log and snapshot give the locks that were there, at any point', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30, size: 'max' }), (steps) => {
      const before = makeEngine()
      const { engine, clock } = before
      for (const { command, name, owner, isShared, waits, ms } of steps) {
        const holder = engine.locks.info(name)?.holders[0]
        const options = name === 's' ? ['LIMIT', '2'] : isShared ? ['SHARED'] : []
        if (command === 'advance') {
          clock.advance(ms)
          engine.tick(1)
        } else if (command === 'acquire') {
          before.wait('LOCK.ACQUIRE', name, owner, 'PX', ms, ...options, ...(waits ? ['WAIT', '40'] : []))
        } else if (holder !== undefined) {
          const { token } = holder
          if (command === 'release') before.ask('LOCK.RELEASE', name, holder.owner, token)
          else before.ask('LOCK.RENEW', name, holder.owner, token, 'PX', ms)
        }
      }
      const held = heldIn(before)
      for (const effects of [effectsOf(before.commits), lockEffects(engine.locks)]) {
        const after = makeEngine()
        replay(after.engine, effects)
        after.engine.locks.check()
        expect(heldIn(after)).toEqual(held)
        expect(after.engine.locks.tokens.last).toBe(engine.locks.tokens.last)
        for (const { remainingMs, ttlMs } of after.engine.locks.info('a')?.holders ?? []) {
          expect(remainingMs).toBe(ttlMs)
        }
      }
    }),
    { numRuns: 100 },
  )
})
