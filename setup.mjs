/**
 * Makes a clone runnable: checks Node, installs what the lock file names, builds `dist/` when it is stale.
 *
 * `npm start`, `npm test` and `npm run bench` begin here, so that a fresh clone needs nothing but Node and
 * npm. It is plain JavaScript without dependencies, because it runs before any are installed, and it says
 * nothing when there is nothing to do. What it says goes to standard error: standard output belongs to the
 * program.
 *
 * Fresh means: `node_modules/.package-lock.json`, which npm writes last, agrees with `package-lock.json`; and
 * `dist/.build.json` holds the hash of every input and is younger than every output. Contents are compared,
 * not times, because a checkout touches files that it does not change. Cost when fresh: about 30 ms.
 *
 * Usage: node setup.mjs [--rebuild]
 * Tests: test/package/setup.test.ts
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundle, listFiles } from './bundle.mjs'

const ROOT = dirname(fileURLToPath(import.meta.url))
const DIST = join(ROOT, 'dist')
const STAMP = join(DIST, '.build.json')
const LOCK = join(ROOT, '.setup-lock')
const LOCK_POLL_MS = 200
/** Folders that the compiler turns into `dist/`. */
const SOURCE_FOLDERS = ['src', 'workers', 'examples', 'bench']
/** Other files that decide what `dist/` holds. */
const SOURCE_FILES = ['tsconfig.json', 'package.json', 'package-lock.json', 'setup.mjs', 'bundle.mjs']
const OUTPUT_ENDINGS = ['.js', '.js.map', '.d.ts', '.d.ts.map']

/** A step that failed for a reason that was already told; no stack is wanted. */
export class SetupError extends Error {}

/** The packages are there, and the compiler refused the sources. */
export class BuildError extends SetupError {}

/** Brings the clone up to date. Throws `SetupError` when that is not possible. */
export async function setUp({ rebuild = false } = {}) {
  requireNode()
  if (isInstalled() && !rebuild && isBuilt()) return
  takeLock()
  try {
    if (!isInstalled()) install()
    if (rebuild || !isBuilt()) await build()
  } finally {
    rmSync(LOCK, { force: true })
  }
}

/** Throws unless this Node is one that `engines.node` allows. */
export function requireNode(version = process.versions.node) {
  const allowed = readJson(join(ROOT, 'package.json')).engines.node
  if (allowsVersion(allowed, version)) return
  throw new SetupError(
    `Node ${version} is too old or untested: shardloom needs ${allowed} (https://nodejs.org)`,
  )
}

/** Whether `version` is in a range made of `^a.b.c` and `>=a.b.c` joined by `||`: all that `engines` uses. */
export function allowsVersion(range, version) {
  const actual = version.split('-')[0].split('.').map(Number)
  return range.split('||').some((alternative) => {
    const part = alternative.trim()
    const wanted = part.replace(/^\D+/, '').split('.').map(Number)
    if (part.startsWith('^') && wanted[0] !== actual[0]) return false
    for (let i = 0; i < 3; i++) if (wanted[i] !== actual[i]) return actual[i] > wanted[i]
    return true
  })
}

/**
 * How to run npm: a command and its first arguments. npm tells its scripts where it lives; that copy is the
 * one to use, since it needs no shell on Windows and no search path anywhere.
 */
export function npmCommand() {
  const cli = process.env.npm_execpath
  if (cli && /npm-cli\.c?js$/.test(cli)) return [process.execPath, cli]
  const folder = dirname(process.execPath)
  for (const modules of [join(folder, 'node_modules'), join(folder, '..', 'lib', 'node_modules')]) {
    const beside = join(modules, 'npm', 'bin', 'npm-cli.js')
    if (existsSync(beside)) return [process.execPath, beside]
  }
  return ['npm']
}

/** Runs npm and waits. Its output goes where `stdio` says. */
export function runNpm(args, options) {
  const [command, ...first] = npmCommand()
  const shell = command === 'npm' && process.platform === 'win32'
  return spawnSync(command, [...first, ...args], { shell, ...options })
}

function isInstalled() {
  const wanted = readJson(join(ROOT, 'package-lock.json')).packages
  let found
  try {
    found = readJson(join(ROOT, 'node_modules', '.package-lock.json')).packages
  } catch {
    return false // Never installed, or an install that was cut short.
  }
  return Object.keys(wanted).every((path) => {
    if (path === '' || !isForThisMachine(wanted[path])) return true
    const here = found[path]
    if (!here) return wanted[path].optional === true && !wanted[path].cpu
    return here.version === wanted[path].version && existsSync(join(ROOT, path, 'package.json'))
  })
}

/** Packages with binaries come one per platform. npm leaves out the others; so does the comparison. */
function isForThisMachine({ os, cpu, libc }) {
  if (libc && process.platform === 'linux') return false // Which C library this is takes long to ask.
  return (!os || os.includes(process.platform)) && (!cpu || cpu.includes(process.arch))
}

function install() {
  const startedAt = process.hrtime.bigint()
  say('installing the packages of package-lock.json (npm ci) …')
  // Install scripts stay off: no package here needs its own, and it is one thing less that can fail.
  const args = ['ci', '--include=dev', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  const { status, error } = runNpm(args, { cwd: ROOT, stdio: ['ignore', 2, 2] })
  if (error) throw new SetupError(`npm cannot be started: ${error.message}`)
  if (status !== 0) throw new SetupError(`npm ci failed with exit code ${status}; its output is above`)
  say(`installed in ${secondsSince(startedAt)} s`)
}

function isBuilt() {
  if (!existsSync(STAMP)) return false
  const builtAtMs = statSync(STAMP).mtimeMs
  const { hash, outputs } = readJson(STAMP)
  // A file that is younger: somebody ran the compiler by hand, and what it left is not bundled.
  if (listFiles(DIST).some((file) => statSync(file).mtimeMs > builtAtMs)) return false
  // The hash first: a stamp of an older build names no outputs.
  return hash === hashFiles(listInputs()) && outputs.every((path) => existsSync(join(DIST, path)))
}

async function build() {
  const startedAt = process.hrtime.bigint()
  say('building dist/ …')
  const inputs = listInputs()
  const hash = hashFiles(inputs)
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
  const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', ROOT], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 2],
    encoding: 'utf8',
  })
  if (status !== 0) throw new BuildError(`the build failed:\n${stdout}`)
  pruneOutputs(inputs)
  await bundle(ROOT, DIST)
  const outputs = listFiles(DIST).map((file) => relative(DIST, file))
  writeFileSync(STAMP, `${JSON.stringify({ hash, outputs })}\n`)
  // A coarse file system clock may round the stamp below its outputs.
  const stampTime = new Date(Date.now() + 1)
  utimesSync(STAMP, stampTime, stampTime)
  say(`built in ${secondsSince(startedAt)} s`)
}

/** Removes outputs whose source is gone: a renamed file must not live on in `dist/`. */
function pruneOutputs(inputs) {
  const wanted = new Set()
  for (const input of inputs) {
    const base = outputOf(input).replace(/\.js$/, '')
    for (const ending of OUTPUT_ENDINGS) wanted.add(base + ending)
  }
  for (const file of listFiles(DIST)) if (!wanted.has(file)) rmSync(file, { force: true })
}

function listInputs() {
  const inputs = SOURCE_FILES.map((name) => join(ROOT, name))
  for (const folder of SOURCE_FOLDERS) inputs.push(...listFiles(join(ROOT, folder)))
  return inputs.filter((file) => existsSync(file))
}

function outputOf(input) {
  return join(DIST, relative(ROOT, input)).replace(/\.ts$/, '.js')
}

function hashFiles(files) {
  const hash = createHash('sha256')
  for (const file of files) {
    // Line endings differ between checkouts, names between platforms: neither changes the output.
    hash.update(`${relative(ROOT, file).split(sep).join('/')}\0`)
    hash.update(readFileSync(file))
  }
  return hash.digest('hex')
}

/** Two set-ups at once would install over each other, so that the second waits for the first. */
function takeLock() {
  for (let isFirst = true; ; isFirst = false) {
    try {
      const file = openSync(LOCK, 'wx')
      writeSync(file, String(process.pid))
      closeSync(file)
      return
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    }
    if (!isLockHeld()) {
      rmSync(LOCK, { force: true })
      continue
    }
    if (isFirst) say('waiting for another set-up of this clone …')
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOCK_POLL_MS)
  }
}

/** Whether the process that wrote the lock still runs. A lock without a number is just being written. */
function isLockHeld() {
  let holder
  try {
    holder = Number(readFileSync(LOCK, 'utf8'))
    if (holder === 0) return statSync(LOCK).mtimeMs > Date.now() - 5000
    process.kill(holder, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'))
}

function secondsSince(startedAt) {
  return (Number(process.hrtime.bigint() - startedAt) / 1e9).toFixed(1)
}

function say(text) {
  process.stderr.write(`shardloom: ${text}\n`)
}

if (process.argv[1] && fileURLToPath(import.meta.url) === realpathSync(process.argv[1])) {
  setUp({ rebuild: process.argv.includes('--rebuild') }).catch((error) => {
    process.stderr.write(`shardloom: ${error instanceof SetupError ? error.message : error.stack}\n`)
    process.exitCode = 1
  })
}
