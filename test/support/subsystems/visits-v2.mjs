/** The next version of visits: it counts in another unit, and says so. */
import { defineSubsystem } from 'shardloom'
import { visits } from './visits.mjs'

export default defineSubsystem(
  visits({
    version: 2,
    init: (_ctx, args, previous) => ({
      version: 2,
      count: previous?.hundreds === undefined ? (args?.start ?? 0) : previous.hundreds * 100,
      log: [...(previous?.log ?? []), previous === undefined ? 'fresh' : 'migrated'],
      kept: [],
      sick: args?.sick,
    }),
    migrate: (old, { version }) => ({ hundreds: old.count / 100, log: [...old.log, `v${version} to v2`] }),
    snapshot: ({ count, log }) => ({ hundreds: count / 100, log }),
  }),
)

export const unmigrated = defineSubsystem(visits({ version: 2 }))

export const broken = defineSubsystem(
  visits({
    version: 2,
    migrate: (old) => old,
    init: () => {
      throw new Error('v2 cannot start')
    },
  }),
)

/** It is healthy at first, and then it is not. */
export const sickly = defineSubsystem(
  visits({
    version: 1,
    health: (
      (checks) => () =>
        ++checks < 3
    )(0),
  }),
)

export const crashing = defineSubsystem(
  visits({
    version: 1,
    init: (ctx, _args, previous) => {
      setTimeout(() => ctx.fail(new Error('v2 crashes')), 30)
      return { version: 1, count: previous.count, log: previous.log, kept: [] }
    },
  }),
)

/** Its module takes its time. */
export const slow = defineSubsystem(
  visits({
    init: async (_ctx, _args, previous) => {
      await new Promise((resolve) => setTimeout(resolve, 500))
      return { version: 1, count: previous?.count ?? 0, log: [], kept: [] }
    },
  }),
)

/** Its health is the health of somebody who is gone. */
export const asksGone = defineSubsystem(
  visits({
    health: () => {
      throw Object.assign(new Error('somebody else is gone'), { code: 'SHL_ACTOR_NOT_FOUND' })
    },
  }),
)

/** Hands over in a unit of its own, and nothing can go back. */
export const checkpoints = defineSubsystem(
  visits({
    version: 2,
    init: async (ctx, _args, previous) => {
      setTimeout(() => void ctx.checkpoint(), 20)
      return { version: 2, count: previous?.hundreds ?? 0, log: [], kept: [] }
    },
    migrate: (old) => ({ hundreds: old.count / 100 }),
    snapshot: ({ count }) => ({ hundreds: count / 100 }),
  }),
)

/** Hands nothing over. */
export const plain = defineSubsystem(visits({ snapshot: undefined }))
