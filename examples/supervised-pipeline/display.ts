/**
 * Shows a run: a table that is drawn again in place on a terminal, a line per second elsewhere, or JSON.
 *
 * Tests: test/examples/supervised-pipeline.test.ts
 */
import { performance } from 'node:perf_hooks'
import type { Runtime } from 'shardloom'
import type { Load } from './clients.ts'
import type { Pipeline } from './pipeline.ts'
import { type LogEvent, type RestartLog, shortError } from './restart-log.ts'
import { type Moment, type RunReport, renderEvent, renderLine, renderReport, renderTable } from './table.ts'

/** What the drawing needs of `process.stdout`. */
export interface Output {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

/** What is looked at. */
export interface Watched {
  readonly runtime: Runtime
  readonly pipeline: Pipeline
  readonly load: Load
  readonly log: RestartLog
}

const REDRAW_MS = 250
const LINE_MS = 1000
const ASK_MS = 200
const WIDTH_DEFAULT = 120
const CLEAR_LINE = '\u001B[K'
const CLEAR_BELOW = '\u001B[J'

/** Draws until it is stopped. */
export class Display {
  readonly #watched: Watched
  readonly #output: Output
  readonly #asJson: boolean
  #timer: NodeJS.Timeout | undefined
  #drawn = 0
  #open: number | undefined
  /** When how much had been written, of the last second. */
  #marks: { atMs: number; written: number }[] = []

  constructor(watched: Watched, asJson: boolean, output: Output = process.stdout) {
    this.#watched = watched
    this.#output = output
    this.#asJson = asJson
  }

  start(): void {
    if (!this.#isLive) this.#watched.log.onEvent = (event) => this.#tell(event)
    this.#timer = setInterval(() => this.#draw(), this.#isLive ? REDRAW_MS : LINE_MS)
  }

  /** Draws what is, a last time. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#watched.log.onEvent = () => undefined
    await this.#askScheduler()
    this.#draw(false)
  }

  report(report: RunReport): void {
    const restarts = Object.fromEntries(report.restarts)
    if (this.#asJson) this.#json('report', { ...report, restarts })
    else this.#output.write(`\n${renderReport(report).join('\n')}\n`)
  }

  get #isLive(): boolean {
    return this.#output.isTTY === true && !this.#asJson
  }

  #tell(event: LogEvent): void {
    if (this.#asJson) this.#json('event', event)
    else this.#output.write(`${renderEvent(event)}\n`)
  }

  /** Nothing here waits for what may hang: the scheduler's answer is for the next drawing. */
  #draw(isAsking = true): void {
    if (isAsking) void this.#askScheduler()
    const moment = this.#moment()
    if (this.#asJson) this.#json('moment', moment)
    else if (!this.#isLive) this.#output.write(`${renderLine(moment)}\n`)
    else {
      const { columns = WIDTH_DEFAULT } = this.#output
      const lines = renderTable(moment, this.#watched.log.events, columns - 1)
      const up = this.#drawn === 0 ? '' : `\u001B[${this.#drawn}A`
      this.#output.write(`${up}\r${lines.map((line) => `${line}${CLEAR_LINE}\n`).join('')}${CLEAR_BELOW}`)
      this.#drawn = lines.length
    }
  }

  async #askScheduler(): Promise<void> {
    const { scheduler } = this.#watched.pipeline
    try {
      const { open } = await scheduler.with({ timeoutMs: ASK_MS }).stats()
      this.#open = open
    } catch {
      this.#open = undefined // It is down, or hangs, and is shown as not known.
    }
  }

  #moment(): Moment {
    const { runtime, pipeline, load, log } = this.#watched
    const atMs = performance.now()
    const written = runtime.counter('pipeline_written').value()
    this.#marks = [
      ...this.#marks.filter((mark) => atMs - mark.atMs <= LINE_MS + REDRAW_MS),
      { atMs, written },
    ]
    const [first] = this.#marks
    const spanMs = atMs - (first?.atMs ?? atMs)
    const { threads } = runtime.inspect()
    const rows = [...pipeline.subsystems.values()].map((subsystem) => {
      const view = subsystem.view()
      const memory = threads.find(({ id }) => id === view.thread)?.memory
      return {
        name: view.name,
        phase: view.phase,
        thread: view.thread,
        version: view.version,
        restarts: view.restarts,
        restartsLeft: view.restartsLeft,
        calls: view.calls,
        waitingCalls: view.waitingCalls,
        memoryBytes: memory && memory.heapBytes + memory.externalBytes,
        lastError: shortError(view.lastError),
      }
    })
    return {
      elapsedMs: log.elapsedMs,
      rows,
      accepted: load.counts.accepted,
      written,
      perSecond: spanMs === 0 ? 0 : ((written - (first?.written ?? 0)) * 1000) / spanMs,
      open: this.#open,
      full: load.counts.full,
      broken: load.counts.broken + load.counts.unavailable,
    }
  }

  #json(type: string, value: object): void {
    this.#output.write(`${JSON.stringify({ type, ...value })}\n`)
  }
}
