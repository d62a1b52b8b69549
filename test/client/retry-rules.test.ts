import { expect, test } from 'vitest'
import { profileOf } from '../../src/client/retry-rules.ts'
import { commandTable } from '../../src/keyspace/commands/index.ts'

const ruleOf = (...argv: string[]) => profileOf(argv).rule
const kindOf = (...argv: string[]) => profileOf(argv).kind

test('every command of the table that may write is never sent again, but for those that are known', () => {
  const again = commandTable.rows.filter((row) => {
    const argv = row.name.split('|').concat(Array.from({ length: Math.abs(row.arity) }, () => '1'))
    return row.flags.includes('write') && profileOf(argv.slice(0, Math.abs(row.arity))).rule !== 'never'
  })
  expect(again.map(({ name }) => name)).toEqual(['lock.renew', 'sem.renew'])
})

test('every command of the table that only reads is sent again', () => {
  const never = commandTable.rows.filter((row) => {
    const argv = row.name.split('|').concat(Array.from({ length: Math.abs(row.arity) }, () => '1'))
    return row.flags.includes('readonly') && profileOf(argv.slice(0, Math.abs(row.arity))).rule !== 'read'
  })
  expect(never.map(({ name }) => name)).toEqual([])
})

test('SET is sent again only with a revision that sees to it', () => {
  expect(ruleOf('SET', 'k', 'v')).toBe('never')
  expect(ruleOf('SET', 'k', 'v', 'NX')).toBe('never')
  expect(ruleOf('SET', 'k', 'v', 'PX', '100', 'IFREV', '7')).toBe('once')
  expect(ruleOf('set', 'k', 'v', 'ifrev', '7')).toBe('once')
  expect(ruleOf('SET', 'k', 'v', 'IFREV', '0')).toBe('never')
  expect(ruleOf('SET', 'ifrev', '7')).toBe('never')
})

test('what the table does not know is never sent again, but for what only looks at the server', () => {
  expect(ruleOf('GEOADD', 'k', '1', '2', 'x')).toBe('never')
  expect(ruleOf('EVAL', 'return 1', '0')).toBe('never')
  expect(ruleOf('PUBLISH', 'c', 'm')).toBe('never')
  expect(ruleOf('ping')).toBe('read')
  expect(ruleOf('INFO', 'server')).toBe('read')
})

test('commands that wait, or belong to a connection, are told from others', () => {
  expect(kindOf('GET', 'k')).toBe('plain')
  expect(kindOf('BLPOP', 'k', '0')).toBe('blocking')
  expect(kindOf('LOCK.ACQUIRE', 'l', 'me', 'PX', '100')).toBe('blocking')
  expect(kindOf('WAIT', '1', '0')).toBe('blocking')
  expect(kindOf('XREAD', 'BLOCK', '0', 'STREAMS', 's', '$')).toBe('blocking')
  expect(kindOf('XREAD', 'STREAMS', 's', '0')).toBe('plain')
  for (const name of ['SUBSCRIBE', 'MULTI', 'SELECT', 'RESET', 'MONITOR', 'WATCHREV', 'hello']) {
    expect(kindOf(name, 'x')).toBe('session')
  }
  expect(kindOf('CLIENT', 'REPLY', 'OFF')).toBe('session')
  expect(kindOf('CLIENT', 'LIST')).toBe('plain')
})
