/**
 * Commands of Redis 7 that this server has not: rules of users may name them.
 *
 * Whoever comes from Redis has files of users that do, and a server that refuses the file does not start. A
 * name that Redis does not know either is refused, since it is a mistake.
 *
 * Invariant: no name is in the catalog; one that gets there leaves here.
 * Tests: test/server/acl/absent-commands.test.ts
 */

const PLAIN = [
  'bitcount bitfield bitfield_ro bitop bitpos getbit setbit',
  'pfadd pfcount pfdebug pfmerge pfselftest',
  'geoadd geodist geohash geopos georadius georadius_ro georadiusbymember georadiusbymember_ro geosearch',
  'geosearchstore',
  'xack xadd xautoclaim xclaim xdel xlen xpending xrange xread xreadgroup xrevrange xsetid xtrim',
  'eval eval_ro evalsha evalsha_ro fcall fcall_ro',
  'migrate psync replconf restore-asking sync',
]

/** Those with subcommands; without `help`, the container is known here, and only these are missing. */
const CONTAINERS: Readonly<Record<string, string>> = {
  xgroup: 'create createconsumer delconsumer destroy help setid',
  xinfo: 'consumers groups help stream',
  script: 'debug exists flush help kill load',
}
const PARTS: Readonly<Record<string, string>> = {
  function: 'delete dump help kill list load restore stats',
  module: 'load loadex unload',
  cluster:
    'addslots addslotsrange bumpepoch delslots delslotsrange failover flushslots forget meet replicate ' +
    'reset saveconfig set-config-epoch setslot slaves',
}

function partsOf(containers: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(containers).flatMap(([name, parts]) =>
    parts.split(' ').map((part) => `${name}|${part}`),
  )
}

const ABSENT: ReadonlySet<string> = new Set([
  ...PLAIN.flatMap((names) => names.split(' ')),
  ...Object.keys(CONTAINERS),
  ...partsOf(CONTAINERS),
  ...partsOf(PARTS),
])

/** Whether it is one, by its name in lower case: `xadd`, `xgroup|create`. */
export function isAbsentCommand(name: string): boolean {
  return ABSENT.has(name)
}

/** All of them. */
export function absentCommands(): readonly string[] {
  return [...ABSENT]
}
