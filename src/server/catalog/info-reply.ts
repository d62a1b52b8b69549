/**
 * The answer of `COMMAND INFO`: ten things about a command, by which clients route and check requests.
 *
 * Tests: test/server/catalog/redis-facts.test.ts
 */
import { MapReply, type Reply, SetReply, StatusReply } from '../../keyspace/engine/index.ts'
import type { CommandCatalog } from './command-catalog.ts'
import type { CommandInfo } from './command-info.ts'
import type { KeySpecification } from './key-specification.ts'

/** What is told of one command, with its subcommands. */
export function infoReply(catalog: CommandCatalog, info: CommandInfo): Reply {
  const subcommands = catalog.subcommandsOf(info.name).map((subcommand) => infoReply(catalog, subcommand))
  return [
    info.name,
    info.arity,
    flagsReply(info.flags),
    info.firstKey,
    info.lastKey,
    info.step,
    flagsReply(info.categories.map((category) => `@${category}`)),
    new SetReply(info.tips),
    new SetReply(info.keySpecs.map(keySpecReply)),
    // An empty set in Redis, too, where an array with nothing in it would be expected.
    subcommands.length === 0 ? new SetReply([]) : subcommands,
  ]
}

/** Short words in no order. */
export function flagsReply(flags: readonly string[]): SetReply {
  return new SetReply(flags.map((flag) => new StatusReply(flag)))
}

function keySpecReply({ flags, notes, begin, find }: KeySpecification): Reply {
  return new MapReply([
    ...(notes === undefined ? [] : ['notes', notes]),
    ...['flags', flagsReply(flags)],
    ...['begin_search', placeReply(begin.type, beginOf(begin))],
    ...['find_keys', placeReply(find.type, findOf(find))],
  ])
}

function placeReply(type: string, flat: readonly Reply[]): Reply {
  return new MapReply(['type', type, 'spec', new MapReply(flat)])
}

function beginOf(begin: KeySpecification['begin']): readonly Reply[] {
  switch (begin.type) {
    case 'index':
      return ['index', begin.index]
    case 'keyword':
      return ['keyword', begin.keyword, 'startfrom', begin.startFrom]
    case 'unknown':
      return []
  }
}

function findOf(find: KeySpecification['find']): readonly Reply[] {
  switch (find.type) {
    case 'range':
      return ['lastkey', find.lastKey, 'keystep', find.step, 'limit', find.limit]
    case 'keynum':
      return ['keynumidx', find.keynumIndex, 'firstkey', find.firstKey, 'keystep', find.step]
    case 'unknown':
      return []
  }
}
