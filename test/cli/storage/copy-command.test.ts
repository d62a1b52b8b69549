/** `shardloom backup` and `restore` on directories of a real keyspace. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  contentOf,
  flip,
  makeReal,
  openKeyspace,
  segmentPath,
} from '../../keyspace/durability/offline/crafted-directory.ts'
import { run } from './captured-output.ts'

const folder = mkdtempSync(join(tmpdir(), 'shardloom-copy-command-'))
const dir = join(folder, 'data')

beforeAll(() => makeReal(dir))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('a backup is told, verified, and can be restored to the same', async () => {
  const [copy, again] = [join(folder, 'copy'), join(folder, 'again')]
  const { code, out, err } = await run(['backup', dir, copy])
  expect([code, err]).toEqual([0, ''])
  expect(out).toMatch(
    /^backup of .*data, as of revision \d+, 20\S+Z\n {2}shard 0 {2}\d+ records, .*\n {2}shard 1 /,
  )
  expect(out).toMatch(/\nverified: .*copy\n$/)
  expect((await run(['verify', copy])).code).toBe(0)
  const restored = JSON.parse((await run(['restore', copy, again, '--json'])).out)
  expect(restored).toMatchObject({ from: copy, to: again, attempts: 1, shards: [{ shard: 0 }, { shard: 1 }] })
  expect(await contentOf(again)).toEqual(await contentOf(dir))
})

test('a restore stops at a time, at which nothing later had happened', async () => {
  const own = join(folder, 'timed')
  const runtime = await openKeyspace(own)
  await runtime.keyspace.set('a', 'before')
  await runtime.keyspace.set('b', 'before')
  // Times are whole milliseconds: the next write is in another one.
  await new Promise((resolve) => setTimeout(resolve, 20))
  const time = new Date()
  await new Promise((resolve) => setTimeout(resolve, 20))
  await runtime.keyspace.mset({ a: 'after', b: 'after', c: 'after' })
  await runtime.close()
  const to = join(folder, 'then')
  expect((await run(['restore', own, to, '--to-time', time.toISOString()])).code).toBe(0)
  expect(await contentOf(to)).toEqual({ a: 'before', b: 'before' })
})

test('a backup is made while the owner has the directory open', async () => {
  const runtime = await openKeyspace(dir)
  await runtime.keyspace.set('live', '1')
  const to = join(folder, 'live')
  expect((await run(['backup', dir, to])).code).toBe(0)
  await runtime.keyspace.set('live', '2')
  await runtime.close()
  expect((await contentOf(to))['live']).toBe('1')
})

test('what cannot be copied is told with what to do', async () => {
  const to = join(folder, 'copy')
  expect(await run(['backup', dir, to])).toMatchObject({
    code: 2,
    err: expect.stringMatching(/copy needs an empty folder: .* found=.*; choose another one, or empty it\n$/),
  })
  expect(await run(['restore', dir, join(folder, 'early'), '--to-time', '2001-01-01'])).toMatchObject({
    code: 2,
    err: expect.stringMatching(
      /does not go back so far: .* asked=2001-01-01T00:00:00.000Z oldest=revision \d+, of 20/,
    ),
  })
  const bad = join(folder, 'bad')
  await run(['backup', dir, bad])
  flip(segmentPath(bad, 0, 2), 300)
  expect(await run(['backup', bad, join(folder, 'never')])).toMatchObject({
    code: 2,
    err: expect.stringMatching(/^shardloom: .*log is damaged in the middle: file=.* offset=\d+/),
  })
})

test('a point behind the end of the directory is told, and all of it is restored', async () => {
  const whole = await contentOf(dir)
  const asked = [
    ['--to-revision', String(Number.MAX_SAFE_INTEGER)],
    ['--to-time', '2999-01-01T00:00:00+01:00'],
    ['--to-time', String(Date.parse('2999-01-01'))],
  ]
  for (const [i, words] of asked.entries()) {
    const to = join(folder, `behind${i}`)
    const { code, out, err } = await run(['restore', dir, to, ...words])
    const [, revision, at] = /as of revision (\d+), (\S+)\n/.exec(out) ?? []
    expect([code, err]).toEqual([0, `shardloom: ${dir} ends before that: at revision ${revision}, ${at}\n`])
    if (i === 0) expect(await contentOf(to)).toEqual(whole)
    // The end itself is none behind it.
    const exactly = await run(['restore', dir, `${to}-exactly`, '--to-revision', String(revision)])
    expect([exactly.code, exactly.err]).toEqual([0, ''])
  }
})

test('neither is in the other', async () => {
  for (const to of [dir, join(dir, 'in'), folder]) {
    expect(await run(['backup', dir, to])).toMatchObject({
      code: 2,
      err: expect.stringMatching(/the directory that is copied; choose another one/),
    })
  }
})
