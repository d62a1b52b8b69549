/** Names of Redis in rules: those that are only there, none that are here, and nothing else. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { absentCommands, isAbsentCommand } from '../../../src/server/acl/absent-commands.ts'
import { CommandRules } from '../../../src/server/acl/command-rules.ts'
import { serverCommands } from '../../../src/server/commands/table.ts'
import { catalogOf } from '../../../src/server/thread/server-thread.ts'

const catalog = catalogOf(serverCommands)

function fixture(version: string): Record<string, unknown> {
  const url = new URL(`../../fixtures/redis-${version}-commands.json`, import.meta.url)
  return JSON.parse(readFileSync(url, 'utf8')) as Record<string, unknown>
}

test('every command of Redis 7 is here or in the list, and none in both', () => {
  const groups = Object.values(fixture('7.2')).filter((one) => Array.isArray(one)) as string[][]
  const names = new Set([...Object.keys(fixture('7.0')), ...groups.flat()])
  const missing = [...names].filter((name) => catalog.get(name) === undefined)
  expect([...absentCommands()].sort()).toEqual(missing.sort())
})

test('rules with their names are kept as they were written, and allow nothing', () => {
  const rules = new CommandRules(catalog)
  const given = [
    '+xadd',
    '+XGROUP|CREATE',
    '-eval',
    '+bitfield|get',
    '+function|load',
    '-script|help',
    '+get',
  ]
  for (const rule of given) expect(rules.apply(rule)).toBeUndefined()
  const kept = '+xadd +xgroup|create -eval +bitfield|get +function|load -script|help +get'
  expect(rules.toString()).toBe(`-@all ${kept}`)
  const allowed = catalog.all.filter((info) => rules.allows(info, [info.name]))
  expect(allowed.map(({ name }) => name)).toEqual(['get'])
  rules.setAll(true)
  expect(rules.apply('-eval')).toBeUndefined()
  expect(rules.isAll).toBe(true)
  expect(rules.apply('+xgroup|create')).toBeUndefined()
  expect(rules.apply('-xgroup')).toBeUndefined()
  expect(rules.toString()).toBe('+@all -eval -xgroup')
})

test('names that Redis has not either are refused', () => {
  const rules = new CommandRules(catalog)
  for (const rule of ['+xnothing', '-evall', '+xgroup|nothing', '+nothing|get', '+function|nothing']) {
    expect(rules.apply(rule)).toBe('unknown')
  }
  expect(rules.apply('+xgroup|create|x')).toBe('argumentOfSubcommand')
  expect(rules.apply('+bitfield|')).toBe('syntax')
  expect(rules.toString()).toBe('-@all')
  expect(isAbsentCommand('get')).toBe(false)
})
