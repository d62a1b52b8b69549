/**
 * Runs the program that prints a key: a client of a vault, or of a service that decrypts.
 *
 * What it prints is shown nowhere. Its errors are, since they say what is wrong with the vault; if they hold
 * what it has printed, that is taken out of them. It has no input, so it cannot wait for somebody, and is
 * killed, with what it has started, when it takes too long.
 *
 * Tests: test/storage/key-command.test.ts
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { type Clock, ShardloomError } from '../base/index.ts'

/** A line for the shell; or a program and its arguments, without one. */
export type KeyCommand = string | readonly string[]

export const COMMAND_MS = 30_000
const OUTPUT_BYTES_MAX = 4096
const ERRORS_SHOWN_MAX = 1000
/** What may be a key, or most of one: a shell that traces prints what it runs. */
const KEY_LIKE = /[\w+/-]{32,}=*/g
const IS_WINDOWS = process.platform === 'win32'

/** What a command prints. `source` names it in an error. @throws SHL_KEY_UNAVAILABLE */
export function runKeyCommand(
  command: KeyCommand,
  source: string,
  clock: Clock,
  deadlineMs: number = COMMAND_MS,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const output = new Output()
    const errors = new Output()
    let isOver = false
    const end = (reason?: string, cause?: unknown): void => {
      if (isOver) return
      isOver = true
      timer.cancel()
      if (reason === undefined) return resolve(output.bytes)
      const said = shown(errors.bytes, output.bytes)
      const details = { source, reason: said === '' ? reason : `${reason}: ${said}` }
      reject(new ShardloomError('SHL_KEY_UNAVAILABLE', details, { cause }))
    }
    const child = start(command)
    const timer = clock.after(deadlineMs, () => {
      killAll(child)
      end(`the command took longer than ${deadlineMs} ms`)
    })
    child.stdout?.on('data', (chunk: Buffer) => {
      if (output.add(chunk)) return
      killAll(child)
      end(`the command prints more than ${OUTPUT_BYTES_MAX} bytes`)
    })
    child.stderr?.on('data', (chunk: Buffer) => void errors.add(chunk))
    child.once('error', (error: NodeJS.ErrnoException) => {
      end(`the command cannot be started: ${error.code ?? 'unknown'}`)
    })
    child.once('close', (code, signal) => {
      end(code === 0 ? undefined : `the command ended with ${signal ?? `code ${code}`}`)
    })
  })
}

function start(command: KeyCommand): ChildProcess {
  // In a group of its own: what a shell has started is killed with it.
  const options = { stdio: ['ignore', 'pipe', 'pipe'] as const, windowsHide: true, detached: !IS_WINDOWS }
  if (typeof command === 'string')
    return spawn(command, { ...options, stdio: [...options.stdio], shell: true })
  const [file = '', ...args] = command
  return spawn(file, args, { ...options, stdio: [...options.stdio] })
}

function killAll(child: ChildProcess): void {
  if (child.pid === undefined) return
  try {
    if (IS_WINDOWS) child.kill('SIGKILL')
    else process.kill(-child.pid, 'SIGKILL')
  } catch {
    // It has ended meanwhile.
  }
}

/** The last that it said, in one line, and never the key. */
function shown(errors: Buffer, output: Buffer): string {
  const secret = output.toString('latin1').trim()
  const text = errors.toString('latin1')
  const safe = (secret === '' ? text : text.replaceAll(secret, '…')).replaceAll(KEY_LIKE, '…')
  return safe
    .replaceAll(/[^\x20-\x7e…]+/g, ' ')
    .trim()
    .slice(-ERRORS_SHOWN_MAX)
}

/** The first bytes of a stream. */
class Output {
  bytes: Buffer = Buffer.alloc(0)

  /** False when there is no room for all of them. */
  add(chunk: Buffer): boolean {
    const room = OUTPUT_BYTES_MAX - this.bytes.length
    this.bytes = Buffer.concat([this.bytes, chunk.subarray(0, room)])
    return chunk.length <= room
  }
}
