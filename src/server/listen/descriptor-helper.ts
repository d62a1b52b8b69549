/**
 * Gives a thread a descriptor of its own of a listening socket, by way of a short process.
 *
 * Threads share one table of descriptors. Two handles with the same number would close it twice, and the
 * second close would hit whatever has got the number meanwhile: another client, a log. Node has no `dup`. The
 * kernel makes a copy when a descriptor crosses from process to process (SCM_RIGHTS): so the thread starts a
 * process that inherits the socket and sends it back over the channel of `child_process`, as a handle. What
 * arrives is a new number, with one owner, which closes it once: also when the thread is ended, since Node
 * closes the handles of an environment that goes.
 *
 * The alternatives that lost. `reusePort` (Node 22.12, not 20): a socket of each thread, where connections
 * are spread by a hash, so that 50 of them fall as 30 and 20; those that wait at a thread that stops are
 * reset; two servers share a port without a word; not for Unix sockets. `listen({ fd })` with one number:
 * closes twice. One thread accepts for all: no way to hand the socket on.
 *
 * Cost: 35-70 ms on a thread of its own, while that thread goes on; a copy costs one descriptor.
 * Tests: test/server/listen/listener.test.ts, thread-listener.race.test.ts
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { type Clock, ShardloomError, within } from '../../base/index.ts'
import { HELPER_SOURCE, type HelperAnswer, type HelperOrder, type OpenRequest } from './helper-source.ts'

/** A listening socket that nobody polls, as Node's own modules pass it on. */
export interface SocketHandle {
  readonly fd: number
  close(): void
}

/** A process that takes longer is given up. */
const HELPER_MS = 15_000
/** What the helper may see of the environment: where libraries are, and no secrets. */
const ENVIRONMENT = ['PATH', 'LD_LIBRARY_PATH', 'DYLD_LIBRARY_PATH', 'HOME', 'TMPDIR']
const STDERR_MAX = 500

/** A process that opens sockets, one after the other. */
export class SocketOpener {
  readonly #clock: Clock
  readonly #child: ChildProcess
  readonly #end: HelperEnd

  constructor(clock: Clock) {
    this.#clock = clock
    this.#child = startHelper({ open: true }, [])
    this.#end = endOf(this.#child)
  }

  /** Opens one socket. A code of the operating system when that is refused. @throws SHL_LISTEN_HELPER */
  async open(request: OpenRequest): Promise<{ handle: SocketHandle; port: number } | { code: string }> {
    const answered = new Promise<{ handle: SocketHandle; port: number } | { code: string }>((resolve) => {
      this.#child.once('message', (answer: HelperAnswer, handle: unknown) => {
        if ('opened' in answer && isSocketHandle(handle)) resolve({ handle, port: answer.opened })
        else resolve({ code: 'failed' in answer ? answer.failed : 'EMFILE' })
      })
    })
    this.#child.send(request, (error) => error !== null && this.#end.fail(error.message))
    return within(this.#clock, Promise.race([answered, this.#end.failure]), HELPER_MS, tooLate())
  }

  close(): Promise<void> {
    return this.#end.kill()
  }
}

/**
 * Copies of listening sockets for the thread that calls: `copies` of each, in the order of `descriptors`,
 * which must stay open until `onInherited` has been called.
 *
 * @throws SHL_LISTEN_HELPER when no process can be started, or it fails
 */
export async function copySockets(
  clock: Clock,
  descriptors: readonly number[],
  copies: number,
  onInherited: () => void,
): Promise<SocketHandle[][]> {
  const copied: SocketHandle[][] = descriptors.map(() => [])
  let child: ChildProcess
  try {
    child = startHelper({ lend: descriptors.length, copies }, descriptors)
  } finally {
    onInherited()
  }
  const end = endOf(child)
  const done = new Promise<void>((resolve) => {
    child.on('message', (answer: HelperAnswer, handle: unknown) => {
      if ('done' in answer) resolve()
      else if ('lent' in answer && isSocketHandle(handle)) copied[answer.lent]?.push(handle)
    })
  })
  try {
    await within(clock, Promise.race([done, end.failure]), HELPER_MS, tooLate())
    if (copied.some((handles) => handles.length === 0)) throw helperFailed('too many files are open')
    return copied
  } catch (error) {
    for (const handle of copied.flat()) handle.close()
    throw error
  } finally {
    await end.kill()
  }
}

/** What happens when the helper ends before it should. */
interface HelperEnd {
  /** Rejects when it ends, or cannot be started. */
  readonly failure: Promise<never>
  fail(reason: string): void
  /** Ends it. Resolves when it is gone, and holds no socket any more that others want to listen at. */
  kill(): Promise<void>
}

function endOf(child: ChildProcess): HelperEnd {
  let isExpected = false
  let said = ''
  child.stderr?.setEncoding('utf8')
  child.stderr?.on('data', (text: string) => {
    said = (said + text).slice(0, STDERR_MAX)
  })
  let fail: (reason: string) => void = () => undefined
  const failure = new Promise<never>((_, reject) => {
    fail = (reason) => isExpected || reject(helperFailed(reason))
  })
  // Nobody may wait for it any more.
  failure.catch(() => undefined)
  const gone = new Promise<void>((resolve) => {
    child.on('exit', () => resolve())
    child.on('error', (error) => {
      fail(error.message)
      if (child.pid === undefined) resolve()
    })
  })
  child.on('close', (code, signal) => fail(`it ended: ${signal ?? code} ${said.trim()}`.trimEnd()))
  const kill = (): Promise<void> => {
    isExpected = true
    child.kill('SIGKILL')
    return gone
  }
  return { failure, fail, kill }
}

function startHelper(order: HelperOrder, descriptors: readonly number[]): ChildProcess {
  const env: NodeJS.ProcessEnv = {}
  for (const name of ENVIRONMENT) if (process.env[name] !== undefined) env[name] = process.env[name]
  try {
    return spawn(
      process.execPath,
      ['--input-type=commonjs', '--eval', HELPER_SOURCE, JSON.stringify(order)],
      // The channel must be the fourth: what is inherited comes after it.
      { stdio: ['ignore', 'ignore', 'pipe', 'ipc', ...descriptors], env, windowsHide: true },
    )
  } catch (error) {
    throw helperFailed(error instanceof Error ? error.message : 'it cannot be started')
  }
}

function isSocketHandle(value: unknown): value is SocketHandle {
  return typeof value === 'object' && value !== null && 'fd' in value && 'close' in value
}

function helperFailed(reason: string): ShardloomError {
  return new ShardloomError('SHL_LISTEN_HELPER', { reason })
}

function tooLate(): ShardloomError {
  return helperFailed(`it has not answered within ${HELPER_MS} ms`)
}
