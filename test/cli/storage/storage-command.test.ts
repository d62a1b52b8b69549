/**
 * The commands on files, as somebody would use them: transcripts of whole afternoons, arguments that are
 * refused, and the program itself.
 */
import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, describe, expect, test } from 'vitest'
import {
  commit,
  concluded,
  craft,
  decided,
  flip,
  offsetsIn,
  prepared,
  type Step,
  segmentPath,
  walk,
} from '../../keyspace/durability/offline/crafted-directory.ts'
import { expectGolden } from '../../support/golden.ts'
import { run } from './captured-output.ts'

const MAIN = fileURLToPath(new URL('../../../dist/src/cli/main.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'shardloom-files-'))

afterAll(() => rmSync(folder, { recursive: true, force: true }))

const c = (...revisions: number[]): Step[] =>
  revisions.map((revision) => commit(revision, `user:${revision}`))

/** Runs commands and writes down what was said; `FOLDER` stands for where the directories are. */
class Transcript {
  #text = ''

  note(text: string): void {
    this.#text += `${this.#text === '' ? '' : '\n'}# ${text}\n`
  }

  async run(command: string, answer?: string): Promise<void> {
    const words = command.split(' ').map((word) => (/^[a-z]+[/]/.test(word) ? join(folder, word) : word))
    const { code, all } = await run(words, answer === undefined ? {} : { answer })
    this.#text += `\n$ shardloom ${command}\n${all}${code === 0 ? '' : `(exit code ${code})\n`}`
  }

  get text(): string {
    return (
      this.#text
        .replaceAll(folder, 'FOLDER')
        .replaceAll('\\', '/')
        .replaceAll(/made (?!2026-01-31)[\d\-T:.Z]+/g, 'made NOW')
        .replaceAll(/damaged-[\d\-TZ]+/g, 'damaged-NOW')
        .replaceAll(/^ +\d+ {2}(?=[2-])/gm, '    OFFSET  ')
        // How much a copy says of its syncs depends on the disk.
        .replaceAll(/(records?), [\d.]+ (?:bytes|KiB)/g, '$1, SIZE')
        .replaceAll(/(segments?), [\d.]+ (?:bytes|KiB)/g, '$1, SIZE')
    )
  }
}

function expectTranscript(name: string, { text }: Transcript): void {
  expectGolden(fileURLToPath(new URL(`./transcripts/${name}.txt`, import.meta.url)), text)
}

test('a day on which all is well', async () => {
  const t = new Transcript()
  await craft(join(folder, 'well/data'), [
    [
      ...c(1, 2),
      prepared(4, 'all'),
      decided(4),
      concluded(4),
      ...walk(4, ['user:1', 'user:2', 'all']),
      ...c(6),
    ],
    [...c(3), prepared(4, 'every'), concluded(4), ...c(5, 7)],
  ])
  t.note('What is there.')
  await t.run('verify well/data')
  await t.run('inspect log well/data --shard 0')
  await t.run('inspect log well/data --key every --json')
  await t.run('upgrade well/data')
  t.note('A backup, and what can be made of it.')
  await t.run('backup well/data well/copy')
  await t.run('verify well/copy')
  await t.run('restore well/copy well/then --to-revision 5')
  await t.run('inspect log well/then --kind commit,prepared')
  await t.run('restore well/copy well/early --to-time 2026-02-01T00:00:02Z')
  await t.run('inspect log well/early --limit 2 --from 1')
  t.note('What is refused.')
  await t.run('backup well/data well/copy')
  await t.run('restore well/copy well/never --to-revision 0')
  expectTranscript('well', t)
})

test('a day on which something is damaged', async () => {
  const t = new Transcript()
  const dir = await craft(join(folder, 'ill/data'), [
    [...c(1, 2), prepared(4, 'all'), decided(4), concluded(4), ...c(6)],
    [...c(3), prepared(4, 'every'), concluded(4), ...c(5, 7)],
  ])
  const path = segmentPath(dir, 0, 1)
  flip(path, ((await offsetsIn(path))[2] as number) + 40)
  t.note('The payload of revision 2 in shard 0 is damaged.')
  await t.run('verify ill/data')
  await t.run('inspect log ill/data')
  await t.run('backup ill/data ill/copy')
  await t.run('repair ill/data', 'no')
  await t.run('repair ill/data', 'repair')
  await t.run('verify ill/data')
  await t.run('repair ill/data')
  t.note('A snapshot is behind the damage.')
  const other = await craft(join(folder, 'ill/other'), [[...c(1, 2), ...walk(2, ['user:1']), ...c(3)]])
  flip(segmentPath(other, 0, 1), 300)
  await t.run('repair ill/other --yes')
  await t.run('verify ill/other')
  t.note('A tail.')
  const tail = await craft(join(folder, 'ill/tail'), [c(1, 2)])
  writeFileSync(segmentPath(tail, 0, 1), readFileSync(segmentPath(tail, 0, 1)).subarray(0, -50))
  await t.run('verify ill/tail')
  expectTranscript('ill', t)
})

test('the commands of the guide do what it says', async () => {
  const guide = readFileSync(new URL('../../../docs/guides/operations.md', import.meta.url), 'utf8')
  const blocks = [...guide.matchAll(/^```sh\n(.*?)^```/gms)].map((match) => match[1] as string)
  const lines = blocks.flatMap((block) => block.split('\n')).filter((line) => line !== '')
  expect(lines.length).toBeGreaterThanOrEqual(9)
  await craft(join(folder, 'guide', 'data'), [[...c(7, 4711, 50_000)], c(8)])
  for (const line of lines) {
    const [program, ...words] = line.split(' ').map((word) => word.replaceAll("'", ''))
    const paths = words.map((word) =>
      /^(?:data|backups|restored|then|exactly)/.test(word) ? join(folder, 'guide', word) : word,
    )
    const { code, err } = await run(paths)
    expect([program, line, code, err]).toEqual(['shardloom', line, 0, ''])
  }
  const { out } = await run([
    'inspect',
    'log',
    join(folder, 'guide', 'exactly'),
    '--kind',
    'commit',
    '--json',
  ])
  expect(
    out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).revision),
  ).toEqual([7, 4711, 8])
})

describe('what is not allowed', () => {
  test.each([
    [['verify'], 'verify takes 1 word\n'],
    [['verify', 'a', 'b'], 'verify takes 1 word\n'],
    [['verify', 'a', '--yes'], "Unknown option '--yes'"],
    [['inspect', 'keys', 'a'], 'inspect keys: only `inspect log` is known'],
    [['inspect', 'log', 'a', '--kind', 'commit,nope'], '--kind nope: allowed is segment, commit'],
    [['inspect', 'log', 'a', '--limit', '-1'], "Option '--limit' argument is ambiguous"],
    [['inspect', 'log', 'a', '--from', '1.5'], '--from 1.5: allowed is a whole number'],
    [['repair', 'a', '--shard', 'x'], '--shard x: allowed is a whole number'],
    [['restore', 'a', 'b', '--to-time', 'yesterday'], '--to-time yesterday: allowed is a time in ISO 8601'],
    [['restore', 'a', 'b', '--to-time', '1'], '--to-time 1: allowed is a time in ISO 8601'],
    [['restore', 'a', 'b', '--to-time', '17000000000'], 'or milliseconds since 1970, of 12 digits or more'],
    [['restore', 'a', 'b', '--to-time', '2026-02-30'], '--to-time 2026-02-30: allowed is'],
    [['restore', 'a', 'b', '--to-time', 'Sat, 31 Jan 2026'], '--to-time Sat, 31 Jan 2026: allowed is'],
    [['restore', 'a', 'b', '--to-time', '2026-01-31 12:00'], '--to-time 2026-01-31 12:00: allowed is'],
    [['restore', 'a', 'b', '--to-time', '2026-01-31T25:00Z'], '--to-time 2026-01-31T25:00Z: allowed is'],
    [['inspect', 'log', 'a.log', '--shard', '0'], '--shard 0: a.log is a segment, which is of one shard'],
    [['restore', 'a', 'b', '--to-time', '2026-01-01', '--to-revision', '1'], 'not both'],
  ])('%j', async (words, text) => {
    const { code, out, err } = await run(words)
    expect([code, out]).toEqual([2, ''])
    expect(err).toContain(`shardloom: `)
    expect(err).toContain(text)
    expect(err).toContain('usage: shardloom ')
  })

  test('what is no directory is told, by every command', async () => {
    const nowhere = join(folder, 'nowhere')
    for (const words of [
      ['verify', nowhere],
      ['inspect', 'log', nowhere],
      ['repair', nowhere],
      ['backup', nowhere, join(folder, 'x')],
      ['restore', nowhere, join(folder, 'x')],
      ['upgrade', nowhere],
    ]) {
      const { code, err } = await run(words)
      expect([words[0], code]).toEqual([words[0], 2])
      expect(err).toMatch(
        /^shardloom: .*directory cannot be opened: dir=.*nowhere: it does not exist; choose/,
      )
    }
  })

  test('each command explains itself', async () => {
    for (const name of ['verify', 'inspect', 'repair', 'backup', 'restore', 'upgrade']) {
      const { code, out } = await run([name, '--help'])
      expect([code, out.startsWith(`usage: shardloom ${name} `)]).toEqual([0, true])
    }
  })

  test('help and refusal name the same kinds: those that are ever printed', async () => {
    const [, helped] = /only these: (.*)/.exec((await run(['inspect', '--help'])).out) ?? []
    const { err } = await run(['inspect', 'log', 'a', '--kind', 'sealed'])
    expect(err).toContain(`shardloom: --kind sealed: allowed is ${helped}\n`)
  })
})

describe('the program', () => {
  test('ends with the exit code, and prints to the right stream', async () => {
    const dir = await craft(join(folder, 'program'), [c(1, 2)])
    const { stdout } = await promisify(execFile)(process.execPath, [MAIN, 'verify', dir])
    expect(stdout).toMatch(/\nfine: every record is as it was written\n$/)
    flip(segmentPath(dir, 0, 1), 200)
    const failed = await promisify(execFile)(process.execPath, [MAIN, 'verify', dir]).catch((error) => error)
    expect([failed.code, failed.stderr]).toEqual([2, ''])
    expect(failed.stdout).toContain('\ndamage: ')
  })

  test('does not mind when its output is not read to the end', async () => {
    const dir = await craft(join(folder, 'pipe'), [Array.from({ length: 3 }, () => c(1)).flat()])
    const child = spawn(process.execPath, [MAIN, 'inspect', 'log', dir], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child.stdout.destroy()
    let err = ''
    child.stderr.on('data', (data) => {
      err += data
    })
    const code = await new Promise((resolve) => child.on('close', resolve))
    expect([code, err]).toEqual([0, ''])
  })

  test('asks on a terminal or through a pipe, and takes silence for no', async () => {
    const repair = async (dir: string, typed: string): Promise<[number | null, string]> => {
      const child = spawn(process.execPath, [MAIN, 'repair', dir], { stdio: ['pipe', 'pipe', 'pipe'] })
      let said = ''
      child.stdout.on('data', (data) => {
        said += data
      })
      child.stderr.on('data', (data) => {
        said += data
      })
      child.stdin.end(typed)
      return [await new Promise((resolve) => child.on('close', resolve)), said]
    }
    const dir = await craft(join(folder, 'asked'), [c(1, 2, 3)])
    flip(segmentPath(dir, 0, 1), 300)
    expect(await repair(dir, '')).toEqual([1, expect.stringContaining('nothing was changed')])
    expect(await repair(dir, 'repair\n')).toEqual([0, expect.stringContaining('repaired; what was damaged')])
    expect(await repair(dir, '')).toEqual([0, expect.stringContaining('nothing to repair')])
  })
})
