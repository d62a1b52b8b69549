/**
 * `shardloom top`: what a server does, live.
 *
 * A loop reads the server, makes a view of it and draws; keys draw at once with what is there. A lost
 * connection is said in the picture and tried again with each interval, so that the view can be left open
 * over a restart.
 *
 * Exit codes: 0 somebody left; 1 the server cannot be reached or gives no INFO; 2 the command line is wrong.
 * Tests: test/cli/top/top-command.test.ts
 */
import { type Clock, systemClock } from '../../base/index.ts'
import {
  ADDRESS_ROWS,
  type AddressOptions,
  addressDefaults,
  type OptionRow,
  optionLines,
  puts,
  readOptions,
  takesSeconds,
} from '../connection/address-options.ts'
import { colourPaint, type Paint, plainPaint, wantsColour } from '../connection/paint.ts'
import { reasonText } from '../connection/reason-text.ts'
import { addressText, greet, RespConnection } from '../connection/resp-connection.ts'
import { type CliStreams, pause } from '../prompt/context.ts'
import { frame, type Size } from './frame.ts'
import { afterKey, type KeyedState } from './keys.ts'
import { CLIENTS_PANEL, ORDERS } from './panels.ts'
import { type Sample, Sampler, TOP_NAME } from './sample.ts'
import { Screen, type ScreenStreams } from './screen.ts'
import { type TopView, viewOf } from './view.ts'

/** What somebody asked for. */
interface TopOptions extends AddressOptions {
  intervalMs: number
  isOnce: boolean
  isJson: boolean
  isHelp: boolean
}

const RATES_MAX = 200
const ONCE_SIZE: Size = { columns: 120, rows: 40 }
const INTERVAL_MIN_SECONDS = 0.1
const INTERVAL_MAX_SECONDS = 3_600

const ROWS: readonly OptionRow<TopOptions>[] = [
  ...ADDRESS_ROWS,
  {
    names: ['-i', '--interval'],
    value: 'SECONDS',
    help: 'between two readings; default 1',
    set: takesSeconds('intervalMs', INTERVAL_MIN_SECONDS, INTERVAL_MAX_SECONDS),
  },
  { names: ['--once'], help: 'prints one picture, after one interval, and ends', set: puts('isOnce', true) },
  { names: ['--json'], help: 'with --once: prints the figures as JSON', set: puts('isJson', true) },
  { names: ['--help'], help: 'prints this', set: puts('isHelp', true) },
]

const USAGE = `usage: shardloom top [options]

Shows what a server does: shards, threads, commands, hot keys, slow commands, locks, clients.

${optionLines(ROWS)}`

/** Runs the words behind `top`; resolves with the exit code. */
export async function topCommand(given: readonly string[], streams: CliStreams): Promise<number> {
  const options: TopOptions = {
    ...addressDefaults(streams.env),
    intervalMs: 1_000,
    isOnce: false,
    isJson: false,
    isHelp: false,
  }
  const refuse = (text: string): number => {
    streams.err(`shardloom top: ${text}\nshardloom top --help says what there is\n`)
    return 2
  }
  const read = readOptions(given, ROWS, options)
  if ('refusal' in read) return refuse(read.refusal)
  if (read.words.length > 0) return refuse(`it takes no words: ${read.words.join(' ')}`)
  if (options.isHelp) {
    streams.output.write(`${USAGE}\n`)
    return 0
  }
  if (options.isJson && !options.isOnce) return refuse('--json goes with --once')
  if (!options.isOnce && (streams.output.isTTY !== true || streams.input.isTTY !== true)) {
    return refuse('there is no terminal: --once prints one picture')
  }
  const server = new Server(options, systemClock())
  try {
    const failure = await server.connect()
    if (failure !== undefined) {
      streams.err(`${failure}\n`)
      return 1
    }
    return options.isOnce ? await once(server, options, streams) : await live(server, options, streams)
  } finally {
    server.close()
  }
}

/** A server that is read again and again. */
class Server {
  readonly clock: Clock
  readonly #options: TopOptions
  #connection: RespConnection | undefined
  #sampler: Sampler | undefined
  #last: Sample | undefined

  constructor(options: TopOptions, clock: Clock) {
    this.#options = options
    this.clock = clock
  }

  /** Connects; otherwise why it could not. */
  async connect(): Promise<string | undefined> {
    try {
      const connection = await RespConnection.connect(this.#options)
      this.#connection = connection
      const { complaints } = await greet(connection, this.#options)
      // It may not be allowed, and nothing depends on it.
      await connection.call(['CLIENT', 'SETNAME', TOP_NAME])
      this.#sampler = new Sampler(connection, () => this.clock.wallMs())
      this.#last = undefined
      return complaints[0]
    } catch (error) {
      return `Could not connect to ${addressText(this.#options)}: ${reasonText(error)}`
    }
  }

  /** A view, or why there is none. */
  async read(wantsClients: boolean): Promise<TopView | string> {
    if (this.#connection?.isLost !== false) {
      const failure = await this.connect()
      if (failure !== undefined) return failure
    }
    const sample = await this.#sampler?.read(wantsClients)
    if (sample === undefined) return 'the connection is lost'
    if (typeof sample === 'string') return sample
    const view = viewOf(sample, this.#last)
    this.#last = sample
    return view
  }

  close(): void {
    this.#connection?.close()
  }
}

function firstState(options: TopOptions): KeyedState {
  return {
    address: addressText(options),
    view: undefined,
    notice: undefined,
    rates: [],
    panel: 0,
    orders: ORDERS,
    offset: 0,
    isZoomed: false,
    isPaused: false,
    intervalMs: options.intervalMs,
    isDone: false,
  }
}

/** The state with a new reading in it. */
function withReading(state: KeyedState, read: TopView | string): KeyedState {
  if (typeof read === 'string') return { ...state, notice: read }
  const rate = read.server.commandsPerSecond
  const rates = rate === undefined ? state.rates : [...state.rates, rate].slice(-RATES_MAX)
  return { ...state, view: read, rates, notice: undefined }
}

/** Two readings, so that there are rates, and one picture. */
async function once(server: Server, options: TopOptions, streams: CliStreams): Promise<number> {
  await server.read(true)
  await pause(server.clock, options.intervalMs)
  const view = await server.read(true)
  if (typeof view === 'string') {
    streams.err(`shardloom top: ${view}\n`)
    return 1
  }
  if (options.isJson) {
    streams.output.write(`${JSON.stringify(view)}\n`)
    return 0
  }
  const isColoured = wantsColour(streams.output.isTTY === true, streams.env)
  const state = withReading(firstState(options), view)
  const lines = frame(state, sizeOf(streams), isColoured ? colourPaint : plainPaint)
  // The last line tells of keys.
  streams.output.write(`${lines.slice(0, -1).join('\n').trimEnd()}\n`)
  return 0
}

function sizeOf({ output }: CliStreams): Size {
  const { columns, rows } = output as { columns?: number; rows?: number }
  return columns === undefined || rows === undefined ? ONCE_SIZE : { columns, rows }
}

/** Draws until somebody leaves. */
async function live(server: Server, options: TopOptions, streams: CliStreams): Promise<number> {
  const paint: Paint = wantsColour(true, streams.env) ? colourPaint : plainPaint
  let state = firstState(options)
  let wake: () => void = () => undefined
  const draw = (): void => screen.draw(frame(state, screen.size, paint))
  const onKey = (key: string): void => {
    const before = state
    state = afterKey(state, key, screen.size.rows - 10)
    draw()
    if (state.isDone || state.intervalMs !== before.intervalMs || (before.isPaused && !state.isPaused)) wake()
  }
  const screen = new Screen(streams as ScreenStreams, onKey, () => draw())
  screen.open()
  try {
    while (!state.isDone) {
      if (!state.isPaused) {
        const wantsClients = state.isZoomed && state.panel === CLIENTS_PANEL
        state = withReading(state, await server.read(wantsClients))
      }
      if (state.isDone) break
      draw()
      await new Promise<void>((resolve) => {
        const timer = server.clock.after(state.intervalMs, resolve)
        wake = () => {
          timer.cancel()
          resolve()
        }
      })
    }
    return 0
  } finally {
    screen.close()
  }
}
