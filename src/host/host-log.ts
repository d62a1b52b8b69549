/**
 * The log of a process that serves: JSON, one object a line, or lines for people.
 *
 * It is written synchronously, by the main thread alone, since what it says of an end must be there when the
 * process has ended; it is for events and not for commands, so that it is never hot. A file can be opened
 * anew, as whoever rotates logs asks for. A log that cannot be written stops nothing: that is told on
 * standard error, once.
 *
 * Secrets are not given to it. Should one be, under one of the usual names, it is hidden: a second net.
 *
 * Tests: test/host/host-log.test.ts
 */
import { createRequire } from 'node:module'
import { destination, type Logger, pino, stdSerializers, stdTimeFunctions } from 'pino'
import type { ParameterValues } from '../server/parameters/index.ts'
import { unusableFile } from './unusable-file.ts'

/** How much a line matters. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'fatal'

/** Redis' words for what is logged, in pino's. */
const LEVELS: Readonly<Record<ParameterValues['logLevel'], string>> = {
  debug: 'trace',
  verbose: 'debug',
  notice: 'info',
  warning: 'warn',
}
const SECRETS = ['password', 'passwords', 'pass', 'requirepass', 'secret', 'token', 'auth', 'masterauth']
const STANDARD_ERROR = 2

/** How a log is written. */
export interface HostLogOptions {
  /** Empty: standard error. */
  readonly file: string
  readonly format: ParameterValues['logFormat']
  readonly level: ParameterValues['logLevel']
  /** Whether standard error is a terminal. */
  readonly isTerminal: boolean
  /** Told once when it cannot be written. */
  readonly onFailure: (text: string) => void
}

/** A log. */
export class HostLog {
  readonly #logger: Logger
  readonly #destination: ReturnType<typeof destination>
  readonly #hasFile: boolean

  private constructor(logger: Logger, out: ReturnType<typeof destination>, hasFile: boolean) {
    this.#logger = logger
    this.#hasFile = hasFile
    this.#destination = out
  }

  /** Opens it. @throws SHL_CONFIGURATION_FILE */
  static open({ file, format, level, isTerminal, onFailure }: HostLogOptions): HostLog {
    let out: ReturnType<typeof destination>
    try {
      out = destination({ dest: file === '' ? STANDARD_ERROR : file, sync: true, append: true })
    } catch (error) {
      throw unusableFile(file, error, 'choose another with --logfile')
    }
    let hasFailed = false
    out.on('error', (error: Error) => {
      if (!hasFailed) onFailure(`the log cannot be written: ${error.message}`)
      hasFailed = true
    })
    const isPretty = format === 'pretty' || (format === 'auto' && isTerminal && file === '')
    const options = {
      level: LEVELS[level],
      base: { pid: process.pid },
      timestamp: stdTimeFunctions.isoTime,
      serializers: { error: stdSerializers.err },
      redact: { paths: SECRETS.flatMap((name) => [name, `*.${name}`]), censor: '(hidden)' },
      formatters: { level: (label: string) => ({ level: label }) },
    }
    const stream = isPretty ? prettyStream(out, isTerminal && file === '') : out
    return new HostLog(pino(options, stream), out, file !== '')
  }

  /** Says what has happened, in a few words, and with what. */
  write(level: LogLevel, event: string, details: object = {}): void {
    this.#logger[level](details, event)
  }

  /** Whether a line of this level is written. */
  isWritten(level: LogLevel): boolean {
    return this.#logger.isLevelEnabled(level)
  }

  setLevel(level: ParameterValues['logLevel']): void {
    this.#logger.level = LEVELS[level]
  }

  /** Opens its file anew: somebody has moved it away. */
  reopen(): void {
    if (this.#hasFile) this.#destination.reopen()
  }
}

/** Loaded only where somebody reads: who ships JSON needs none of it. */
function prettyStream(out: ReturnType<typeof destination>, hasColors: boolean): NodeJS.WritableStream {
  const require = createRequire(import.meta.url)
  const pretty = require('pino-pretty') as typeof import('pino-pretty')
  return pretty({
    destination: out,
    sync: true,
    colorize: hasColors,
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'pid',
  })
}
