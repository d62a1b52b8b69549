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

export const broken = defineSubsystem(
  visits({
    version: 2,
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
