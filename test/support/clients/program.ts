/**
 * Programs that tests run against a server: to their end, or for as long as a test listens to them.
 *
 * A program that the machine lacks is installed on Debian by root, once and within a deadline; else the tests
 * that need it are skipped with a line that says how to install it.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

const INSTALL_MS = 60_000
const RUN_MS = 20_000

/** How a program ended, and what it said. */
export interface Outcome {
  /** Null: a signal ended it. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** What is given to a program. */
export interface ProgramOptions {
  readonly input?: string | Uint8Array
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

/** Runs a program to its end. */
export function run(
  command: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<Outcome> {
  const program = new Program(command, args, options)
  program.child.stdin?.end(options.input ?? '')
  return program.ended
}

/** A program that a test listens to while it runs. Its end comes at the latest after twenty seconds. */
export class Program {
  readonly child: ChildProcess
  readonly ended: Promise<Outcome>
  stdout = ''
  stderr = ''
  readonly #waiting = new Set<() => void>()

  constructor(command: string, args: readonly string[], { cwd, env }: ProgramOptions = {}) {
    this.child = spawn(command, args, { cwd, env: { ...process.env, ...env }, timeout: RUN_MS })
    this.child.stdin?.on('error', () => undefined)
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text
      for (const look of [...this.#waiting]) look()
    })
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
    })
    this.ended = new Promise((resolve, reject) => {
      this.child.on('error', reject)
      this.child.on('close', (code) => {
        resolve({ code, stdout: this.stdout, stderr: this.stderr })
        for (const look of [...this.#waiting]) look()
      })
    })
  }

  /** Waits until it has printed what `pattern` matches; throws when it ends before. */
  async printed(pattern: RegExp): Promise<string> {
    let isOver = false
    void this.ended.then(() => {
      isOver = true
    })
    for (;;) {
      const found = pattern.exec(this.stdout)
      if (found !== null) return found[0]
      if (isOver) throw new Error(`it ended without ${pattern}: ${this.stdout}${this.stderr}`)
      await new Promise<void>((resolve) => {
        const look = (): void => {
          this.#waiting.delete(look)
          resolve()
        }
        this.#waiting.add(look)
      })
    }
  }

  /** Ends it. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Outcome> {
    this.child.kill(signal)
    return this.ended
  }
}

/**
 * Whether a program of Debian is here, or could be installed. `probe`: a command line that succeeds where it
 * is.
 */
export function isAvailable(probe: readonly string[], packages: readonly string[]): boolean {
  if (succeeds(probe)) return true
  if (process.getuid?.() === 0 && existsSync('/etc/debian_version')) {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    const words = ['install', '-y', '--no-install-recommends', ...packages]
    spawnSync('apt-get', words, { stdio: 'ignore', timeout: INSTALL_MS, env })
    if (succeeds(probe)) return true
  }
  const how = `apt-get install ${packages.join(' ')} (Debian, Ubuntu)`
  process.stderr.write(`skipped: tests of clients need \`${probe.join(' ')}\` to work: ${how}\n`)
  return false
}

function succeeds([command, ...args]: readonly string[]): boolean {
  return command !== undefined && spawnSync(command, args, { stdio: 'ignore' }).status === 0
}
