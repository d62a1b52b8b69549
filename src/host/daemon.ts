/**
 * The process that serves: a runtime, its keyspace and a server, from a configuration, until its end.
 *
 *     load → log → pid file → runtime and recovery → server → READY … drain → close → exit code
 *
 * The end is asked for by SIGTERM, SIGINT, or a client's SHUTDOWN. It has one deadline, `shutdown-timeout`:
 * of it clients get `drain-timeout-ms` for what is under way, and the runtime the rest, in which logs are
 * synced and shards stop. A signal that comes a second or more after that ends the process at once; one that
 * comes sooner is the same, since `timeout`, npx and Ctrl-C send two. One that comes before it is ready ends
 * it at once: nothing was promised to anybody by then. SIGHUP opens logs anew and has the server read its
 * files again.
 *
 * Invariant: the pid file is gone when the process ends, also at once.
 *
 * Exit codes: 0 all has ended as it should; 1 it could not start, or something had to be cut off; 128 and the
 * number of the signal, when a signal has ended it at once.
 *
 * Tests: test/host/daemon.race.test.ts
 */
import { closeSync, writeSync } from 'node:fs'
import { type Clock, orLate, ShardloomError, systemClock, toError } from '../base/index.ts'
import { createRuntime, type RespServer, type ServeOptions, type ServingRuntime } from '../server/index.ts'
import type { ParameterStore, Rewritten } from '../server/parameters/index.ts'
import { foreignData } from './foreign-data.ts'
import { HostLog } from './host-log.ts'
import type { Configuration } from './load-configuration.ts'
import { writePidFile } from './pid-file.ts'
import { logRecovery, logRuntimeEvent } from './runtime-log.ts'
import { runtimeOptions } from './runtime-options.ts'

/** What a process is, as the daemon uses it. */
export interface DaemonProcess {
  /** Standard error. */
  err(text: string): void
  readonly isTerminal: boolean
  /** Ends the process at once. */
  exit(code: number): void
  /** Takes over a signal, or what nobody has caught; what is returned gives it back. */
  on(event: DaemonEvent, listener: (what: unknown) => void): () => void
}

/** What comes to a process from outside. */
export type DaemonEvent =
  | 'SIGTERM'
  | 'SIGINT'
  | 'SIGHUP'
  | 'uncaughtException'
  | 'unhandledRejection'
  | 'warning'

/** What CONFIG REWRITE does. */
interface RewriteHook {
  /** Writes the present values into the file that was read; undefined: there is none. */
  readonly rewriteConfig: ((rewritten: Rewritten) => void) | undefined
}

const SIGNAL_CODES = { SIGINT: 130, SIGTERM: 143 } as const
/** Beyond the deadline, before the process is ended although something still runs. */
const LAST_MS = 2000
/** Of the deadline, that clients may take. */
const DRAIN_SHARE = 0.6
/** Beyond the drain, for servers that have ended it to say so. */
const ANSWER_MS = 500
/** The longest deadline that a runtime takes. */
const TIMEOUT_MAX_MS = 2 ** 31 - 1
const FOREVER_MS = 2 ** 45
/** Signals within this time of the first are one. */
const SAME_SIGNAL_MS = 1000

/** Errors of what it was told, that are found when it begins. */
const OF_CONFIGURATION: ReadonlySet<string> = new Set([
  'SHL_ACL_FILE',
  'SHL_OPTION_INVALID',
  'SHL_OPTION_UNKNOWN',
])

/** Serves until the end; the exit code. */
export async function runDaemon(configuration: Configuration, host: DaemonProcess): Promise<number> {
  let log: HostLog
  const { store, warnings } = configuration
  try {
    log = HostLog.open({
      file: store.get('logFile'),
      format: store.get('logFormat'),
      level: store.get('logLevel'),
      isTerminal: host.isTerminal,
      onFailure: (text) => host.err(`shardloom: ${text}\n`),
    })
  } catch (error) {
    host.err(`shardloom: ${toError(error).message}\n`)
    return 1
  }
  const dir = store.get('dir')
  const foreign = dir && foreignData(dir, store.text('dbfilename') ?? '', store.text('appenddirname') ?? '')
  for (const text of [...warnings, ...(foreign ? [foreign] : [])]) log.write('warn', text)
  return await new Daemon(configuration, host, log).run()
}

class Daemon {
  readonly #configuration: Configuration
  readonly #store: ParameterStore
  readonly #host: DaemonProcess
  readonly #log: HostLog
  readonly #clock: Clock = systemClock()
  /** A shard that could not end its log as it should: what it holds may not be on the disk. */
  #hasFailedHook = false
  readonly #forget: (() => void)[] = []
  #state: 'starting' | 'serving' | 'stopping' = 'starting'
  #server: RespServer | undefined
  #askForEnd: (reason: string) => void = () => undefined
  /** When the end was first asked for. */
  #askedMs: number | undefined
  #removePidFile: () => void = () => undefined

  constructor(configuration: Configuration, host: DaemonProcess, log: HostLog) {
    this.#configuration = configuration
    this.#store = configuration.store
    this.#host = host
    this.#log = log
  }

  async run(): Promise<number> {
    const ended = new Promise<string>((resolve) => {
      this.#askForEnd = (reason) => {
        this.#askedMs ??= this.#clock.nowMs()
        resolve(reason)
      }
    })
    // What serves are other threads: this one has nothing to do, and must not end for that.
    const alive = this.#clock.after(FOREVER_MS, () => undefined)
    this.#listen()
    let runtime: ServingRuntime | undefined
    try {
      // After signals are heard: one that nobody hears would leave it.
      if (!this.#writePidFile()) return 1
      const startMs = this.#clock.nowMs()
      runtime = await this.#startRuntime()
      this.#server = await runtime.serve(this.#serveOptions())
      this.#state = 'serving'
      this.#tellReady(runtime, this.#clock.nowMs() - startMs)
      const reason = await ended
      this.#state = 'stopping'
      return await this.#stop(runtime, this.#server, reason)
    } catch (error) {
      // An error of ours says what to do, and where it came from tells nobody anything.
      const details = error instanceof ShardloomError ? { code: error.code } : { error }
      this.#log.write('fatal', toError(error).message, details)
      await runtime?.close().catch(() => undefined)
      if (this.#store.get('logFile') !== '') this.#host.err(`shardloom: ${toError(error).message}\n`)
      return error instanceof ShardloomError && OF_CONFIGURATION.has(error.code) ? 2 : 1
    } finally {
      alive.cancel()
      this.#removePidFile()
      for (const forget of this.#forget) forget()
    }
  }

  #writePidFile(): boolean {
    const file = this.#store.get('pidFile')
    if (file === '') return true
    try {
      this.#removePidFile = writePidFile(file)
      return true
    } catch (error) {
      this.#host.err(`shardloom: ${toError(error).message}\n`)
      return false
    }
  }

  /** Ends the process at once. */
  #exit(code: number): void {
    this.#removePidFile()
    this.#host.exit(code)
  }

  #startRuntime(): Promise<ServingRuntime> {
    const options = runtimeOptions(this.#store, this.#configuration.encryptionKey)
    const { keyspace } = options
    return createRuntime({
      ...options,
      keyspace:
        keyspace.dir === undefined
          ? keyspace
          : { ...keyspace, onRecovery: logRecovery(this.#log, this.#clock) },
      onEvent: (event) => {
        if (event.type === 'hook_failed' && this.#state === 'stopping') this.#hasFailedHook = true
        logRuntimeEvent(this.#log, event)
      },
    })
  }

  #serveOptions(): ServeOptions & RewriteHook {
    const { file } = this.#configuration
    return {
      parameters: this.#store,
      onLog: (level, event, details) => this.#log.write(level, event, details),
      onShutdown: () => this.#askForEnd('SHUTDOWN of a client'),
      configFile: file?.path,
      rewriteConfig: file === undefined ? undefined : (rewritten) => file.rewrite(rewritten),
    }
  }

  #listen(): void {
    const { on } = this.#host
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      // Kept to the last: the second of two may come when all has ended, and would be told as how it did.
      on(signal, () => this.#takeSignal(signal))
    }
    this.#forget.push(on('SIGHUP', () => void this.#reload()))
    for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
      this.#forget.push(
        on(event, (error) => {
          this.#log.write('fatal', 'nobody has caught an error', { error: toError(error) })
          this.#exit(1)
        }),
      )
    }
    this.#forget.push(
      this.#store.onChange(['logLevel'], () => this.#log.setLevel(this.#store.get('logLevel'))),
    )
  }

  #takeSignal(signal: keyof typeof SIGNAL_CODES): void {
    if (this.#state === 'serving') {
      // The next one finds it stopping, even before this one is noticed.
      this.#state = 'stopping'
      this.#askForEnd(signal)
      return
    }
    if (this.#askedMs !== undefined && this.#clock.nowMs() - this.#askedMs < SAME_SIGNAL_MS) return
    this.#log.write('warn', `ended at once by ${signal}`, { state: this.#state })
    this.#exit(SIGNAL_CODES[signal])
  }

  async #reload(): Promise<void> {
    try {
      this.#log.reopen()
      this.#log.write('info', 'the log is opened anew')
      await this.#server?.reload()
      this.#log.write('info', 'files of users and of TLS are read again')
    } catch (error) {
      this.#log.write('error', `what was before stays: ${toError(error).message}`)
    }
  }

  #tellReady(runtime: ServingRuntime, startMs: number): void {
    const places = this.#server?.addresses ?? []
    const { keyspace } = runtime
    const dir = this.#store.get('dir')
    const details = {
      listening: places,
      shards: keyspace.client.memory.shardCount,
      threads: runtime.sharedThreads.length,
      durability: this.#store.get('durability'),
      ...(dir !== '' && { dir }),
      startMs: Math.round(startMs),
    }
    const line = `ready: listening at ${places.join(', ')}`
    this.#log.write('info', line, details)
    for (const note of this.#server?.notes ?? []) this.#log.write('info', note)
    const isSeen = this.#store.get('logFile') === '' && this.#log.isWritten('info')
    if (!isSeen) this.#host.err(`shardloom: ${line}\n`)
    const fd = this.#store.get('readyFd')
    if (fd >= 0) this.#tellFd(fd)
  }

  #tellFd(fd: number): void {
    try {
      writeSync(fd, 'READY=1\n')
      // Our own streams stay.
      if (fd > 2) closeSync(fd)
    } catch (error) {
      this.#log.write('warn', `ready-fd ${fd}: ${toError(error).message}`)
    }
  }

  async #stop(runtime: ServingRuntime, server: RespServer, reason: string): Promise<number> {
    const deadlineMs = Math.min(Math.max(1, this.#store.get('shutdownTimeout') * 1000), TIMEOUT_MAX_MS)
    // What does not drain is cut off while there is time left to end what runs.
    const drainMs = Math.min(this.#store.get('drainTimeoutMs'), Math.ceil(deadlineMs * DRAIN_SHARE))
    const startMs = this.#clock.nowMs()
    const last = this.#clock.after(deadlineMs + LAST_MS, () => {
      this.#log.write('error', 'something does not end: the process does')
      this.#exit(1)
    })
    this.#log.write('info', `stopping: ${reason}`, { drainMs, deadlineMs })
    try {
      // A thread that hangs must not take the time of the others.
      await orLate(this.#clock, server.close({ timeoutMs: drainMs }), drainMs + ANSWER_MS, undefined)
      const leftMs = Math.max(1, deadlineMs - (this.#clock.nowMs() - startMs))
      const { cut, lostThreads } = await runtime.close({ timeoutMs: Math.ceil(leftMs) })
      const isClean = cut.length === 0 && lostThreads.length === 0 && !this.#hasFailedHook
      const tookMs = Math.round(this.#clock.nowMs() - startMs)
      if (this.#hasFailedHook)
        this.#log.write('error', 'stopped, and something failed: see above', { tookMs })
      else if (isClean) this.#log.write('info', 'stopped', { tookMs })
      else this.#log.write('error', 'stopped, and had to cut something off', { tookMs, cut, lostThreads })
      return isClean ? 0 : 1
    } finally {
      last.cancel()
    }
  }
}
