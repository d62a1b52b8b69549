/**
 * The commands that make a key: those of Redis, and ours where members expire.
 *
 * Not RESTORE, though it is one command a key: its payload is our own format, which no other server reads,
 * and a large value would hold up its shard for as long as it takes.
 *
 * Each part of a key sets the time of the key again: it is there from the first part on, so that an import
 * that ends early leaves no key that lives for ever, and a time that has passed leaves nothing of a later
 * part.
 *
 * Cost: an array per command. Tests: test/keyspace/portable/entry-commands.test.ts
 */
import { type ByteString, formatScoreShortest } from '../engine/index.ts'
import { type Command, wordOf } from './command-run.ts'
import { PART_BYTES_MAX, PART_MEMBERS_MAX, type PortableEntry, type PortableValue } from './portable-entry.ts'

/** What becomes of a key that is there already. */
export type IfExists = 'error' | 'replace' | 'skip'

export interface EntryCommandOptions {
  /** `replace`: its old value goes. `skip` and `error`: ask `guard` first. */
  readonly ifExists: IfExists
  /** Whether the times of members are set, for which Redis has no commands up to 7.2. Default: yes. */
  readonly memberTimes?: boolean
}

/** What is to be run for an entry. */
export interface EntryCommands {
  /** See `guardOf`. */
  readonly guard: Command | undefined
  /** In this order. Each has 512 members at most, or 128 KiB of text and one member. */
  readonly commands: readonly Command[]
}

type Word = string | Uint8Array

/** What is asked before a key is made: other than 0 means that it is there. Undefined: nothing. */
export function guardOf(
  { part, key }: PortableEntry,
  { ifExists }: EntryCommandOptions,
): Command | undefined {
  return part === 0 && ifExists !== 'replace' ? ['EXISTS', wordOf(key)] : undefined
}

/** The commands of one entry. Those of the other parts of its key come before and after it. */
export function commandsOf(entry: PortableEntry, options: EntryCommandOptions): EntryCommands {
  const { value, expireAt, part } = entry
  const key = wordOf(entry.key)
  const guard = guardOf(entry, options)
  if (value.type === 'string') {
    const time = expireAt === 0 ? [] : ['PXAT', String(expireAt)]
    return { guard, commands: [['SET', key, wordOf(value.text), ...time]] }
  }
  const commands: Command[] = part === 0 && options.ifExists === 'replace' ? [['DEL', key]] : []
  addMembers(commands, key, value)
  if (options.memberTimes ?? true) addTimes(commands, key, value)
  if (expireAt !== 0) commands.push(['PEXPIREAT', key, String(expireAt)])
  return { guard, commands }
}

function addMembers(commands: Command[], key: Word, value: PortableValue): void {
  switch (value.type) {
    case 'string':
      return
    case 'list':
      addInRuns(commands, ['RPUSH', key], value.elements, (element) => [element])
      return
    case 'set':
      addInRuns(commands, ['SADD', key], value.members, (member) => [member])
      return
    case 'hash':
      addInRuns(commands, ['HSET', key], value.fields, (field, i) => [field, value.values[i]!])
      return
    case 'zset':
      addInRuns(commands, ['ZADD', key], value.members, (member, i) => {
        return [formatScoreShortest(value.scores[i]!), member]
      })
  }
}

const TIME_COMMANDS = {
  set: ['SPEXPIREAT', 'MEMBERS'],
  hash: ['HPEXPIREAT', 'FIELDS'],
  zset: ['ZPEXPIREAT', 'MEMBERS'],
} as const

/** Members with the same time share commands. */
function addTimes(commands: Command[], key: Word, value: PortableValue): void {
  if (value.type === 'string' || value.type === 'list' || value.times === undefined) return
  const names = value.type === 'hash' ? value.fields : value.members
  const byTime = new Map<number, ByteString[]>()
  for (const [i, time] of value.times.entries()) {
    if (time === 0) continue
    const same = byTime.get(time)
    if (same === undefined) byTime.set(time, [names[i]!])
    else same.push(names[i]!)
  }
  const [command, word] = TIME_COMMANDS[value.type]
  for (const [time, members] of byTime) {
    const from = commands.length
    addInRuns(commands, [], members, (member) => [member])
    for (let i = from; i < commands.length; i++) {
      const run = commands[i]!
      commands[i] = [command, key, String(time), word, String(run.length), ...run]
    }
  }
}

/** Adds commands that begin alike, of as many members as one may have. */
function addInRuns(
  commands: Command[],
  start: readonly Word[],
  names: readonly ByteString[],
  textsOf: (name: ByteString, index: number) => readonly ByteString[],
): void {
  let words = [...start]
  let members = 0
  let bytes = 0
  for (const [i, name] of names.entries()) {
    if (members >= PART_MEMBERS_MAX || bytes >= PART_BYTES_MAX) {
      commands.push(words)
      words = [...start]
      members = 0
      bytes = 0
    }
    for (const text of textsOf(name, i)) {
      words.push(wordOf(text))
      bytes += text.length
    }
    members++
  }
  if (members > 0) commands.push(words)
}
