/**
 * The chaos program, with several seeds, each in a process of its own that has to end by itself.
 *
 * One seed: `SHL_SEED=7 npx vitest run test/chaos`. More of them, for five minutes: `npm run test:soak`. The
 * seed decides what is done, not when threads run, so a failure may need several runs to be seen again.
 */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const PROGRAM = fileURLToPath(new URL('./chaos-program.mjs', import.meta.url))
const SECONDS = 2
const DEADLINE_MS = 45_000
const SOAK_MS = 300_000
const SEEDS = [1, 2, 3, 5, 8, 13]

/** Runs one seed to its end; `code` is null when it had to be killed. */
function run(seed: number): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const options = { timeout: DEADLINE_MS, killSignal: 'SIGKILL' as const }
    const child = spawn(process.execPath, [PROGRAM, String(seed), String(SECONDS)], options)
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, output }))
  })
}

async function expectSound(seed: number): Promise<void> {
  const { code, output } = await run(seed)
  const again = `again: SHL_SEED=${seed} npx vitest run test/chaos`
  expect(code, `seed ${seed}, ${again}\n${output}`).toBe(0)
  expect(output).toMatch(/: \d+ outcomes, closed: /)
  expect(output).not.toContain('PROBLEM')
}

function seeds(): number[] {
  const chosen = process.env['SHL_SEED']
  if (chosen !== undefined) return [Number(chosen)]
  return [...SEEDS, 1000 + (Date.now() % 1_000_000)]
}

test.each(seeds())('whatever happens settles, and the process ends: seed %i', expectSound)

test.runIf(process.env['SHL_SOAK'] !== undefined)('and with many more seeds', async () => {
  const end = Date.now() + SOAK_MS
  for (let seed = 100; Date.now() < end; seed += 2)
    await Promise.all([expectSound(seed), expectSound(seed + 1)])
})
