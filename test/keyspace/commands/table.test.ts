/** The command table as a whole: what every row says, how requests are found, and where their keys stand. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { commandTable } from '../../../src/keyspace/commands/index.ts'
import { type CommandSpec, ErrorReply } from '../../../src/keyspace/engine/index.ts'
import { serverCommands } from '../../../src/server/commands/table.ts'
import { expectGolden } from '../../support/golden.ts'
import { type RedisGroups, renderCommandPage } from '../../support/tidy/command-page.ts'

/** PING and ECHO are the keyspace's, too. */
const ownRows = serverCommands.filter(({ name }) => commandTable.get(name) === undefined)

const ROOT = join(import.meta.dirname, '..', '..', '..')

const found = (line: string): string => {
  const spec = commandTable.find(line.split(' '))
  return spec instanceof ErrorReply ? spec.text : spec.name
}

test('every row is found by its place', () => {
  for (const spec of commandTable.rows) expect(commandTable.rows[commandTable.rowOf(spec)]).toBe(spec)
})

test('every row says what it is', () => {
  for (const { name, arity, flags, summary, complexity, since, differs } of commandTable.rows) {
    expect(name).toMatch(/^[a-z.]+(?:_ro)?(?:\|[a-z]+)?$/)
    expect(arity, name).not.toBe(0)
    expect(summary, name).toMatch(/^[A-Z].*\.$/)
    expect(complexity, name).toMatch(/^(?:O\(|That of )/)
    expect(since, name).toMatch(/^(?:Shardloom )?\d+\.\d+\.\d+$/)
    expect(differs ?? 'So.', name).toMatch(/\.$/)
    // What is refused for want of memory writes, and nothing both reads only and writes.
    if (flags.includes('denyoom')) expect(flags, name).toContain('write')
    expect(flags.includes('readonly') && flags.includes('write'), name).toBe(false)
    expect(new Set(flags).size, name).toBe(flags.length)
  }
})

describe('requests', () => {
  test('are found in any case, subcommands by both words', () => {
    expect(['get a', 'GET a', 'gEt a', 'OBJECT encoding a', 'object ENCODING a'].map(found)).toEqual([
      ...['get', 'get', 'get', 'object|encoding', 'object|encoding'],
    ])
  })

  test('of a wrong count are refused', () => {
    expect(['get', 'get a b', 'object', 'object encoding'].map(found)).toEqual([
      "ERR wrong number of arguments for 'get' command",
      "ERR wrong number of arguments for 'get' command",
      "ERR wrong number of arguments for 'object' command",
      "ERR wrong number of arguments for 'object|encoding' command",
    ])
  })

  test('that are unknown are shown up to some 128 bytes, without line breaks', () => {
    expect(found('nope a b')).toBe("ERR unknown command 'nope', with args beginning with: 'a' 'b' ")
    expect(found('object nope')).toBe("ERR unknown subcommand 'nope'. Try OBJECT HELP.")
    expect(found(`${'n'.repeat(200)} ${'a'.repeat(126)} b c\r\n`)).toBe(
      `ERR unknown command '${'n'.repeat(128)}', with args beginning with: '${'a'.repeat(126)}' `,
    )
    expect(found('no a\r\nb')).toBe("ERR unknown command 'no', with args beginning with: 'a  b' ")
  })
})

describe('keys', () => {
  const keys = (line: string): string => {
    const argv = line.split(' ')
    const uses = commandTable.keysOf(commandTable.find(argv) as CommandSpec, argv)
    return uses.map(({ index, isWritten, db = '' }) => argv[index] + (isWritten ? '!' : '') + db).join(' ')
  }

  test.each([
    ['PING', ''],
    ['GET a', 'a'],
    ['SET a v', 'a!'],
    ['DEL a b c', 'a! b! c!'],
    ['MSET a 1 b 2', 'a! b!'],
    ['SINTERSTORE a b c', 'a! b c'],
    ['SMOVE a b m', 'a! b!'],
    ['COPY a b REPLACE', 'a b!'],
    ['COPY a b DB 3 REPLACE', 'a b!3'],
    ['COPY a b DB 99', 'a b!'],
    ['MOVE a 3', 'a! a!3'],
    ['FENCED l 1 COPY a b DB 3', 'l a b!3'],
    ['ZUNIONSTORE a 2 b c WEIGHTS 1 2', 'a! b c'],
    ['ZINTERCARD 2 a b', 'a b'],
    ['LMPOP 2 a b LEFT', 'a! b!'],
    ['BLMPOP 0 1 a LEFT', 'a!'],
    ['BLPOP a b 0', 'a! b!'],
    ['SORT a LIMIT 0 1 STORE b', 'a b!'],
    ['OBJECT ENCODING a', 'a'],
  ])('of %s are %s', (line, expected) => {
    expect(keys(line)).toBe(expected)
  })

  test('of pairs that are not whole are none, so that no shard sets a part of them', () => {
    expect(keys('MSET a 1 b')).toBe('')
    expect(keys('MSETNX a 1 b')).toBe('')
  })
})

test('docs/reference/commands.md lists every command, and what Redis 7.2 has besides', () => {
  const path = join(ROOT, 'test', 'fixtures', 'redis-7.2-commands.json')
  const redis = JSON.parse(readFileSync(path, 'utf8')) as RedisGroups
  const page = renderCommandPage(commandTable.rows, redis, ownRows)
  expectGolden(join(ROOT, 'docs', 'reference', 'commands.md'), page)
})
