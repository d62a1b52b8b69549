/** `shardloom inspect log` on a directory of a real keyspace: what is chosen, and how it is shown. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  flip,
  makeReal,
  offsetsIn,
  openKeyspace,
  segmentPath,
} from '../../keyspace/durability/offline/crafted-directory.ts'
import { run } from './captured-output.ts'

const folder = mkdtempSync(join(tmpdir(), 'shardloom-inspect-'))
const dir = join(folder, 'data')

interface Line {
  readonly shard: number
  readonly offset: number
  readonly bytes: number
  readonly revision: number
  readonly kind: string
  readonly commands?: { readonly db: number; readonly words: string[] }[]
}

beforeAll(() => makeReal(dir))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function lines(...options: string[]): Promise<Line[]> {
  const { out } = await run(['inspect', 'log', dir, '--json', ...options])
  return out.split('\n').flatMap((line) => (line === '' ? [] : JSON.parse(line)))
}

test('every record is printed, in the order of its log', async () => {
  const all = await lines()
  for (const shard of [0, 1]) {
    const own = all.filter((line) => line.shard === shard)
    expect(own.map(({ offset }) => offset)).toEqual(await offsetsIn(segmentPath(dir, shard, 2)))
  }
  const { out } = await run(['inspect', 'log', dir])
  // A line for each, one for each file, and one between them.
  expect(out.trimEnd().split('\n')).toHaveLength(all.length + 3)
  expect(out).toMatch(/\d {2}20\S+Z +\d+ {2}commit {10}SET key:3 "value 53"/)
  expect(out).toMatch(/ {2}state {11}key:\d+: \d+ bytes, revision \d+\n/)
})

test('shard, revisions, kinds, keys and a limit choose', async () => {
  const all = await lines()
  const same = async (options: string[], keep: (line: Line) => boolean): Promise<void> => {
    const found = all.filter(keep)
    expect(found.length, options.join(' ')).toBeGreaterThan(0)
    expect(await lines(...options)).toEqual(found)
  }
  const middle = all[Math.floor(all.length / 2)]?.revision as number
  await same(['--shard', '1'], ({ shard }) => shard === 1)
  await same(['--from', `${middle}`], ({ revision }) => revision >= middle)
  await same(['--to', `${middle}`], ({ revision }) => revision <= middle)
  await same(['--kind', 'prepared,concluded'], ({ kind }) => kind === 'prepared' || kind === 'concluded')
  await same(['--kind', 'commit', '--key', 'key:1?'], (line) =>
    Boolean(
      line.commands?.some(({ words }) => line.kind === 'commit' && /^key:1.$/.test(words[1] as string)),
    ),
  )
  expect(await lines('--limit', '7')).toEqual(all.slice(0, 7))
  expect(await lines('--limit', '0')).toEqual([])
})

test('a shard that there is not is an error', async () => {
  expect(await run(['inspect', 'log', dir, '--shard', '2'])).toMatchObject({
    code: 2,
    out: '',
    err: `shardloom: --shard 2: ${dir} has shards 0..1\n`,
  })
})

test('what becomes of slots is told by their runs', async () => {
  const moved = join(folder, 'moved')
  const runtime = await openKeyspace(moved)
  const { keyspace } = runtime
  // Dealt in two halves: these are of shard 0.
  await keyspace.moveSlots([0, 1, 2, 7], 1)
  await runtime.close()
  const { out } = await run(['inspect', 'log', moved, '--kind', 'slots'])
  expect(out).toMatch(/ {2}slots {11}slots 0-2, 7 given to shard 1\n/)
  expect(out).toMatch(/ {2}slots {11}slots 0-2, 7 come from shard 0\n/)
  expect(out).toMatch(/ {2}slots {11}slots 0-2, 7 taken\n/)
  const json = await run(['inspect', 'log', moved, '--kind', 'slots', '--shard', '0', '--json'])
  expect(JSON.parse(json.out.split('\n')[0] as string)).toMatchObject({
    kind: 'slots',
    slots: { type: 'given', shard: 1, slots: [0, 1, 2, 7] },
  })
})

test('a segment is printed alone', async () => {
  const path = segmentPath(dir, 1, 2)
  const { code, out } = await run(['inspect', 'log', path, '--json'])
  expect(code).toBe(0)
  expect(
    out
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line)),
  ).toEqual(await lines('--shard', '1'))
})

test('it ends when nobody reads any more, and that is no error', async () => {
  const { code, out, err } = await run(['inspect', 'log', dir, '--json'], { reads: 3 })
  expect([code, err, out.split('\n').length]).toEqual([0, '', 4])
})

test('what is not text stays off the terminal, and what is long is shortened', async () => {
  const other = join(folder, 'binary')
  const runtime = await openKeyspace(other, 1)
  await runtime.keyspace.set('bin\x1b[0m', Uint8Array.of(0, 255, 10))
  await runtime.keyspace.set('long', 'y'.repeat(100_000))
  await runtime.close()
  const { out } = await run(['inspect', 'log', other, '--kind', 'commit'])
  expect(out).toContain('SET "bin\\x1b[0m" "\\x00\\xff\\x0a"\n')
  expect(out).toMatch(/SET long "y{60}"… \(97\.7 KiB\)\n/)
  expect(out).not.toContain('\x1b')
})

test('damage is told, with what is before it', async () => {
  const path = segmentPath(dir, 0, 2)
  const offset = (await offsetsIn(path))[20] as number
  flip(path, offset + 33)
  const { code, out, err } = await run(['inspect', 'log', dir, '--shard', '0', '--json'])
  flip(path, offset + 33)
  expect([code, out.split('\n').length]).toEqual([2, 21])
  expect(err).toMatch(/^shardloom: damage: .*00000002\.log, offset \d+: the checksum of a record is wrong\n$/)
})
