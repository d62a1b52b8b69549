/** What people read of configuration: the help, the check, the page. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { checkText, configurationPage, serveHelp } from '../../src/host/describe-configuration.ts'
import { loadConfiguration } from '../../src/host/load-configuration.ts'
import { PARAMETERS } from '../../src/server/parameters/index.ts'
import { filesOf } from '../support/configuration.ts'

const PAGE = join(import.meta.dirname, '..', '..', 'docs', 'reference', 'configuration.md')

test('the help has every flag, in lines that fit', () => {
  const help = serveHelp()
  for (const { name, effect } of PARAMETERS) {
    if (effect !== 'none') expect(help).toContain(`\n  --${name} `)
  }
  for (const line of help.split('\n')) expect(line.length).toBeLessThanOrEqual(110)
})

test('the check shows what would be used and where it comes from, and no secret', () => {
  const argv = ['--requirepass', 'geheim', '--user', 'alice on >geheim', '--maxmemory', '1gb', '--dir', '/d']
  const configuration = loadConfiguration({ argv, env: { SHARDLOOM_PORT: '7000' }, files: filesOf({}) })
  const text = checkText(configuration)
  expect(text).not.toContain('geheim')
  expect(text).toContain('requirepass = "(hidden)"  # flag --requirepass')
  expect(text).toContain('port = 7000  # variable SHARDLOOM_PORT')
  expect(text).toContain('maxmemory = "1gb"  # flag --maxmemory')
  expect(text).toContain('durability = "os"  # follows from others')
  expect(text).toContain('timeout = 0  # default')
})

test('what the check prints is a file of ours that says the same', () => {
  const first = loadConfiguration({
    argv: ['--maxmemory', '1gb', '--unixsocketperm', '700'],
    env: {},
    files: filesOf({}),
  })
  const files = filesOf({ 'shardloom.toml': checkText(first) })
  const second = loadConfiguration({ argv: [], env: {}, files })
  expect(second.store.snapshot().values).toEqual(first.store.snapshot().values)
})

test('docs/reference/configuration.md lists every parameter, and nothing else', () => {
  if (process.env['UPDATE']) {
    mkdirSync(dirname(PAGE), { recursive: true })
    writeFileSync(PAGE, configurationPage())
  }
  expect(readFileSync(PAGE, 'utf8')).toBe(configurationPage())
})
