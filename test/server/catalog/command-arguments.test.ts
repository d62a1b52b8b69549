/** Arguments as DOCS tells them, from the notation of rows. Those that Redis has are held against its own. */
import { describe, expect, test } from 'vitest'
import { commandTable } from '../../../src/keyspace/commands/index.ts'
import {
  argumentsOf,
  type CommandArgument,
  CommandCatalog,
  type ServerCommandSpec,
} from '../../../src/server/catalog/index.ts'

const row = (name: string, syntax: string, more: Partial<ServerCommandSpec> = {}): ServerCommandSpec => ({
  ...{ name, arity: -1, flags: [], group: 'server', summary: 'Is tried.', complexity: 'O(1)', syntax },
  since: '1.0.0',
  ...more,
})

/** A tree as one line, as in test/support/redis/command-facts.ts. */
function line({ name, type, token, keySpecIndex, flags, parts = [] }: CommandArgument): string {
  const body =
    type === 'oneof'
      ? `(${parts.map(line).join(' | ')})=${name}`
      : type === 'block'
        ? `{${parts.map(line).join(' ')}}=${name}`
        : type === 'pure-token'
          ? `${token}=${name}`
          : `${name}:${type}`
  const before = token === undefined || type === 'pure-token' ? '' : `${token} `
  const at = keySpecIndex === undefined ? '' : `@${keySpecIndex}`
  return `${before}${body}${at} ${flags.join(',')}`.trimEnd()
}

function read(syntax: string, more: Partial<ServerCommandSpec> = {}): string[] {
  const catalog = new CommandCatalog([], [row('tried', syntax, more)])
  return argumentsOf(catalog.get('tried')!).map(line)
}

describe('arguments of a command', () => {
  test('take the token before them', () => {
    expect(read('[EX seconds]')).toEqual(['EX seconds:integer optional'])
    expect(read('owner PX milliseconds [SHARED]')).toEqual([
      ...['owner:string', 'PX milliseconds:integer', 'SHARED=shared optional'],
    ])
  })

  test('are a block where a token takes several', () => {
    expect(read('[LIMIT offset count]')).toEqual([
      'LIMIT {offset:integer count:integer}=offset_count optional',
    ])
    expect(read('FIELDS numfields field [field ...]')).toEqual([
      'FIELDS {numfields:integer field:string multiple}=fields',
    ])
  })

  test('may be repeated, with their token or without', () => {
    expect(read('[GET pattern [GET pattern ...]]')).toEqual([
      'GET pattern:pattern optional,multiple,multiple_token',
    ])
    expect(read('[WEIGHTS weight [weight ...]]')).toEqual(['WEIGHTS weight:integer optional,multiple'])
    expect(read('score member [score member ...]')).toEqual([
      '{score:double member:string}=score_member multiple',
    ])
  })

  test('are choices, whose names tell what is chosen', () => {
    expect(read('[NX | XX]')).toEqual(['(NX=nx | XX=xx)=condition optional'])
    expect(read('AGGREGATE <SUM | MIN>')).toEqual(['AGGREGATE (SUM=sum | MIN=min)=aggregate'])
    expect(read('<ON | OFF>')).toEqual(['(ON=on | OFF=off)=on_off'])
    expect(read('<LEFT | RIGHT> <LEFT | RIGHT>')).toEqual([
      '(LEFT=left | RIGHT=right)=wherefrom',
      '(LEFT=left | RIGHT=right)=whereto',
    ])
  })

  test('are keys where the key specifications say so, whatever they are called', () => {
    const keys = { first: 2, last: 3 }
    expect(read('word one other more', { keys })).toEqual([
      ...['word:string', 'one:key@0', 'other:key@0', 'more:string'],
    ])
    expect(read('timeout numkeys name [name ...] key', { keys: { keynum: 2 } })).toEqual([
      ...['timeout:double', 'numkeys:integer', 'name:key@0 multiple', 'key:string'],
    ])
  })
})

test('every row of the keyspace has arguments that can be read, and keys where it has keys', () => {
  const catalog = new CommandCatalog(commandTable.rows, [])
  for (const info of catalog.all) {
    const isKey = ({ type, parts }: CommandArgument): boolean => type === 'key' || (parts ?? []).some(isKey)
    expect(argumentsOf(info).some(isKey), info.name).toBe(
      info.keySpecs.some(({ flags }) => flags[0] !== 'not_key'),
    )
    // Read once.
    expect(argumentsOf(info)).toBe(argumentsOf(info))
  }
})
