/**
 * Every benchmark runs, small, so that none rots: what it prints is the contract, how fast it is is not
 * looked at.
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'

const run = promisify(execFile)
const MAIN = fileURLToPath(new URL('../../dist/bench/main.js', import.meta.url))
/** A process for each row: most of what a small benchmark costs is the start of its process. */
const ROWS = [
  ['ask-awake', 'ask-asleep', 'ask-256', 'tell', 'counter', 'spawn', 'loop-delay', 'message-size', 'startup'],
  ['restart', 'supervised-message', 'subsystems', 'tasks', 'codec', 'get-sync', 'set-memory', 'set-fsync'],
  ['commands', 'resp', 'ycsb', 'memory-per-key', 'shard-scaling', 'transactions'],
  ['expiry', 'slot-move', 'recovery', 'snapshot-effect'],
]

async function bench(...words: string[]): Promise<{ stdout: string; stderr: string }> {
  return run(process.execPath, [MAIN, ...words], { timeout: 110_000 })
}

describe('the benchmarks', () => {
  test('are listed with their questions', async () => {
    const { stderr } = await bench()
    for (const name of ROWS.flat()) expect(stderr).toContain(`  ${name} `)
  })

  test.each(ROWS)(
    '%s … print figures for Shardloom and its peers',
    { timeout: 120_000 },
    async (...names) => {
      const { stdout, stderr } = await bench(...names, '--small', '--json')
      // A Redis may be missing; whatever else is missing is a mistake.
      for (const line of stderr.trimEnd().split('\n')) expect(line).toMatch(/^$|^skipped: .*redis-server/)
      const all = JSON.parse(stdout) as Record<string, unknown>[]
      for (const name of names) {
        const figures = all.filter((figure) => figure['question'] === name)
        expect(figures.length, name).toBeGreaterThan(1)
        expect(
          figures.some((figure) => figure['subject'] === 'shardloom'),
          name,
        ).toBe(true)
      }
      for (const figure of all) {
        expect(Object.keys(figure).sort()).toEqual(
          ['question', 'subject', 'metric', 'unit', 'median', 'min', 'max', 'rounds'].sort(),
        )
        expect(names).toContain(figure['question'])
        for (const key of ['median', 'min', 'max']) expect(figure[key]).toSatisfy(Number.isFinite)
      }
    },
  )

  test('an unknown name and a bad number of rounds or keys are refused', async () => {
    await expect(bench('counter', 'nothing')).rejects.toMatchObject({ code: 2 })
    await expect(bench('counter', '--rounds', 'many')).rejects.toMatchObject({ code: 2 })
    await expect(bench('recovery', '--keys', '10')).rejects.toMatchObject({ code: 2 })
  })
})
