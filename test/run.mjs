/**
 * `npm test`: sets the clone up, then runs every check there is, and says in its last line how many passed.
 *
 * Checks are the type check, Biome, and all that Vitest finds below `test/`. The examples and the benchmarks
 * with their small sizes are tests like others. Everything runs to its end even after a failure, since a
 * person wants to see all that is wrong. The last line is `N passed, N failed`, and the exit code is 0 only
 * when something ran and nothing failed. Arguments go to Vitest: `npm test -- test/memory`.
 *
 * `--soak` (`npm run test:soak`) runs the tests alone, with SHL_SOAK=1, which makes stress and race tests run
 * for minutes in place of moments. The whole is bounded: SOAK_LIMIT_MS.
 */
import { execFile, spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { BuildError, requireNode, SetupError, setUp } from '../setup.mjs'

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
const MODULES = join(ROOT, 'node_modules')
const SOAK_LIMIT_MS = 60 * 60_000

const isSoak = process.argv.includes('--soak')
const vitestArgs = process.argv.slice(2).filter((argument) => argument !== '--soak')
const totals = { passed: 0, failed: 0 }

let isSetUp = true
try {
  requireNode()
  process.stdout.write(`Node ${process.versions.node} on ${process.platform} ${process.arch}\n`)
  await setUp()
} catch (error) {
  record('set-up', false, error instanceof SetupError ? error.message : error.stack)
  // Tests on sources may still run when the build fails; nothing runs without packages, or on an old Node.
  isSetUp = error instanceof BuildError
}

if (isSetUp && !isSoak) {
  await Promise.all([
    check('types', [join(MODULES, 'typescript', 'bin', 'tsc'), '-p', join(ROOT, 'test')]),
    check('biome', [join(MODULES, '@biomejs', 'biome', 'bin', 'biome'), 'check', '--error-on-warnings']),
  ])
}
if (isSetUp) await runVitest()

process.stdout.write(`${totals.passed} passed, ${totals.failed} failed\n`)
process.exitCode = totals.failed === 0 && totals.passed > 0 ? 0 : 1

/** Runs one tool and counts it as one check. Its output is shown only when it has something to say. */
async function check(name, args) {
  const options = { cwd: ROOT, maxBuffer: Number.POSITIVE_INFINITY }
  const ended = await promisify(execFile)(process.execPath, args, options).catch((error) => error)
  record(name, !(ended instanceof Error), `${ended.stdout}${ended.stderr}`)
}

function record(name, isPassed, output) {
  totals[isPassed ? 'passed' : 'failed']++
  process.stdout.write(isPassed ? `ok      ${name}\n` : `${output}\nFAILED  ${name}\n`)
}

/** Runs Vitest and adds its counts. A run that ends without a report counts as one failure. */
async function runVitest() {
  const cache = join(MODULES, '.cache', 'shardloom')
  mkdirSync(cache, { recursive: true })
  const report = join(cache, `vitest-${process.pid}.json`)
  const args = ['run', ...vitestArgs, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const exitCode = await runToEnd([join(MODULES, 'vitest', 'vitest.mjs'), ...args])
  const counted = { passed: 0, failed: 0 }
  try {
    Object.assign(counted, countTests(JSON.parse(readFileSync(report, 'utf8'))))
    rmSync(report, { force: true })
  } catch (error) {
    process.stdout.write(`Vitest left no report: ${error.message}\n`)
  }
  // Errors outside of any test, and runs that found no test, show in the exit code only.
  if (exitCode !== 0 && counted.failed === 0) counted.failed = 1
  totals.passed += counted.passed
  totals.failed += counted.failed
}

/** Counts tests; a file that could not be loaded has none of its own and counts as one that failed. */
function countTests(report) {
  const broken = report.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  )
  return { passed: report.numPassedTests, failed: report.numFailedTests + broken.length }
}

function runToEnd(args) {
  const env = isSoak ? { ...process.env, SHL_SOAK: '1' } : process.env
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: 'inherit', env })
  const limit = isSoak ? setTimeout(stopSoak, SOAK_LIMIT_MS, child) : undefined
  return new Promise((resolve) => {
    child.on('error', () => resolve(1))
    child.on('close', (code) => {
      clearTimeout(limit)
      resolve(code ?? 1)
    })
  })
}

function stopSoak(child) {
  process.stdout.write(`soak: stopped after ${SOAK_LIMIT_MS / 60_000} minutes\n`)
  child.kill()
}
