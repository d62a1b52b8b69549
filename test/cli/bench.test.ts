/** `shardloom bench`, as a user runs it, with measurements too short to mean anything. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, describe, expect, test } from 'vitest'

const run = promisify(execFile)
const MAIN = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url))
const SHORT = ['--seconds', '0.02', '--rounds', '1', '--threads', '2']
const folder = mkdtempSync(join(tmpdir(), 'shardloom-cli-bench-'))

afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function bench(...words: string[]): Promise<{ stdout: string; stderr: string; code: number }> {
  try {
    return { ...(await run(process.execPath, [MAIN, 'bench', ...words], { timeout: 120_000 })), code: 0 }
  } catch (error) {
    return error as { stdout: string; stderr: string; code: number }
  }
}

describe('shardloom bench', { timeout: 120_000 }, () => {
  test('draws a chart of every workload, and writes it as an SVG', async () => {
    const file = join(folder, 'chart.svg')
    const { stdout, stderr, code } = await bench(...SHORT, '--svg', file)
    expect(stderr).toBe('')
    expect(code).toBe(0)
    for (const workload of ['commands', 'reads', 'writes', 'mixed', 'bare']) {
      expect(stdout).toContain(`\n${workload}: `)
    }
    expect(stdout).toMatch(/ {4}1 {2}[█▏▎▍▌▋▊▉ ]{40} .*\/s {2}1\.00 .* µs\n/)
    expect(readFileSync(file, 'utf8')).toMatch(/^<svg xmlns[\s\S]*<\/svg>\n$/)
  })

  test('--json prints one object with every point', async () => {
    const { stdout } = await bench(...SHORT, '--json')
    const report = JSON.parse(stdout)
    expect(report).toMatchObject({ seconds: 0.02, rounds: 1 })
    expect(report.curves).toHaveLength(5)
    for (const { points } of report.curves) {
      expect(points.map(({ threads }: { threads: number }) => threads)).toEqual([1, 2])
      expect(points[0].efficiency).toBe(1)
      for (const point of points) expect(point.perSecond).toBeGreaterThan(0)
    }
  })

  test('a file that cannot be written is told', async () => {
    const { stderr, code } = await bench(...SHORT, '--threads', '1', '--svg', join(folder, 'no', 'chart.svg'))
    expect(code).toBe(1)
    expect(stderr).toMatch(/^shardloom: --svg .*ENOENT/)
  })

  test('options with values that are not allowed are refused', async () => {
    for (const [option, value] of [
      ['seconds', '0'],
      ['seconds', 'long'],
      ['seconds', ''],
      ['rounds', '1.5'],
      ['threads', '0'],
      ['threads', '1000'],
    ] as const) {
      const { stderr, code } = await bench(`--${option}`, value)
      expect(code).toBe(2)
      expect(stderr).toMatch(new RegExp(`^shardloom: --${option} ${value}: allowed is `))
    }
  })

  test('its options are refused for other commands', async () => {
    const { stderr, code } = await run(process.execPath, [MAIN, 'doctor', '--svg', 'x']).catch(
      (error) => error,
    )
    expect(code).toBe(2)
    expect(stderr).toContain('--svg is an option of bench, not of doctor')
  })
})
