/**
 * An empty project that the packed package is installed into, and the means to run programs in it and away
 * from it.
 *
 * What users get is the tarball, not this clone: a file that `files` forgets, a path that holds only here, or
 * a dependency that is not listed, shows nowhere else.
 *
 * Tests: test/package/package.test.ts
 */
import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

export const ROOT = join(import.meta.dirname, '..', '..')
const FIXTURES = join(ROOT, 'test', 'package', 'fixtures')
/** A program that has not ended by then does not end by itself. */
const PROGRAM_LIMIT_MS = 60_000
const NPM_LIMIT_MS = 180_000

/** How a program ended. */
export interface Ended {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Where programs, files and the network are: a proxy may have a certificate of its own. */
const KEPT = [
  ...['PATH', 'HOME', 'TEMP', 'TMP', 'SystemRoot', 'USERPROFILE', 'APPDATA'],
  ...['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy'],
  ...['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'SSL_CERT_DIR'],
  ...['npm_config_registry', 'npm_config_cache', 'npm_config_cafile'],
]

/** A temporary project with the package installed. */
export class PackageLab {
  readonly folder: string
  /** The files of the tarball, as npm lists them. */
  readonly packed: readonly string[]

  private constructor(folder: string, packed: readonly string[]) {
    this.folder = folder
    this.packed = packed
  }

  /** Packs the clone as it is built, and installs the tarball. */
  static async create(): Promise<PackageLab> {
    const folder = mkdtempSync(join(tmpdir(), 'shardloom-package-'))
    // The scripts would build `dist/` again, below the feet of other tests.
    const pack = await npm(ROOT, ['pack', '--ignore-scripts', '--json', '--pack-destination', folder])
    const [{ filename, files }] = JSON.parse(pack.stdout) as [{ filename: string; files: { path: string }[] }]
    writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n')
    await npm(folder, ['install', `./${filename}`, '--no-audit', '--no-fund', '--prefer-offline'])
    return new PackageLab(
      folder,
      files.map((file) => file.path),
    )
  }

  /** Copies a fixture into the project. Returns its folder there. */
  add(fixture: string): string {
    const target = join(this.folder, fixture)
    cpSync(join(FIXTURES, fixture), target, { recursive: true })
    return target
  }

  /** Moves what a bundler wrote to a folder of its own, where no package is found, and runs it there. */
  async runAway(bundle: string, program: string): Promise<Ended> {
    const away = mkdtempSync(join(tmpdir(), 'shardloom-bundle-'))
    try {
      cpSync(bundle, away, { recursive: true })
      writeFileSync(join(away, 'package.json'), '{ "type": "module" }\n')
      rmSync(bundle, { recursive: true })
      return await runNode(away, [join(away, program)])
    } finally {
      rmSync(away, { recursive: true, force: true })
    }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** Runs a program with this Node, and without the settings that the test runner gave its own processes. */
export function runNode(cwd: string, args: readonly string[], limitMs = PROGRAM_LIMIT_MS): Promise<Ended> {
  const env = Object.fromEntries(KEPT.map((name) => [name, process.env[name]]))
  const child = spawn(process.execPath, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk
  })
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk
  })
  const limit = setTimeout(() => {
    stderr += `\nstopped: it did not end within ${limitMs} ms`
    child.kill('SIGKILL')
  }, limitMs)
  return new Promise((resolve) => {
    child.on('close', (exitCode) => {
      clearTimeout(limit)
      resolve({ exitCode, stdout, stderr })
    })
  })
}

/** The JSON that a program printed, once it ended well and by itself. */
export function answerOf({ exitCode, stdout, stderr }: Ended): unknown {
  if (exitCode !== 0) throw new Error(`exit code ${exitCode}\n${stdout}\n${stderr}`)
  return JSON.parse(stdout)
}

/** Runs a tool of this clone, such as a compiler, in a folder. */
export function runTool(cwd: string, path: string, args: readonly string[]): Promise<Ended> {
  return runNode(cwd, [join(ROOT, 'node_modules', path), ...args])
}

/** Reads a JSON file. */
export function readJson(path: string): Record<string, unknown> {
  return JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
}

async function npm(cwd: string, args: readonly string[]): Promise<Ended> {
  const setup = (await import(pathToFileURL(join(ROOT, 'setup.mjs')).href)) as { npmCommand(): string[] }
  const [, cli] = setup.npmCommand()
  if (cli === undefined) throw new Error('npm was not found beside Node: run this through npm')
  const ended = await runNode(cwd, [cli, ...args], NPM_LIMIT_MS)
  if (ended.exitCode !== 0) throw new Error(`npm ${args.join(' ')} failed\n${ended.stdout}\n${ended.stderr}`)
  return ended
}
