/**
 * Commands that Redis keeps for old programs: since which version, and what takes their place.
 *
 * Tests: test/server/catalog/docs-reply.test.ts
 * Source: COMMAND DOCS of Redis 7.0.15.
 */

/** Since when, and what instead. */
export interface Deprecation {
  readonly since: string
  readonly instead: string
}

const ranges = (options: string): Deprecation => ({ since: '6.2.0', instead: `\`ZRANGE\` with ${options}` })

/** By name. */
export const DEPRECATIONS: Readonly<Record<string, Deprecation>> = {
  'cluster|slots': { since: '7.0.0', instead: '`CLUSTER SHARDS`' },
  quit: { since: '7.2.0', instead: 'closing the connection' },
  getset: { since: '6.2.0', instead: '`SET` with `GET`' },
  substr: { since: '2.0.0', instead: '`GETRANGE`' },
  hmset: { since: '4.0.0', instead: '`HSET` with several fields' },
  rpoplpush: { since: '6.2.0', instead: '`LMOVE` with `RIGHT` and `LEFT`' },
  brpoplpush: { since: '6.2.0', instead: '`BLMOVE` with `RIGHT` and `LEFT`' },
  zrevrange: ranges('`REV`'),
  zrangebyscore: ranges('`BYSCORE`'),
  zrevrangebyscore: ranges('`REV` and `BYSCORE`'),
  zrangebylex: ranges('`BYLEX`'),
  zrevrangebylex: ranges('`REV` and `BYLEX`'),
}
