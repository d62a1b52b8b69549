/**
 * `--latency` and `--latency-history`: how long PING takes, from here.
 *
 * On a terminal a line is written over as figures come, until somebody stops it; elsewhere it measures for a
 * while and prints the figures once: least, most, average in milliseconds, and how many.
 *
 * Tests: test/cli/prompt/modes.test.ts
 */
import { type CliContext, LOST_TEXT, pause } from './context.ts'

const BETWEEN_MS = 10
const ONCE_MS = 1_000
const HISTORY_MS = 15_000

/** Measures; exit code 1 when the connection was lost. */
export async function latencyMode({ options, streams, session, clock, write }: CliContext): Promise<number> {
  const isHistory = options.mode === 'latency-history'
  const isLive = streams.output.isTTY === true && options.form === undefined
  const spanMs = options.intervalMs ?? (isHistory ? HISTORY_MS : ONCE_MS)
  let figures = new Figures()
  let startMs = clock.nowMs()
  while (!streams.isClosed()) {
    const sentMs = clock.nowMs()
    if ((await session.call(['PING'])) === undefined) {
      streams.err(LOST_TEXT)
      return 1
    }
    figures.add(clock.nowMs() - sentMs)
    if (isLive) write(`\r\x1b[K${figures.words}`)
    if (clock.nowMs() - startMs >= spanMs && (isHistory || !isLive)) {
      if (isLive) write(` -- ${(spanMs / 1000).toFixed(2)} seconds range\n`)
      else write(`${figures.line(options.form === 'csv' ? ',' : ' ')}\n`)
      if (!isHistory) return 0
      figures = new Figures()
      startMs = clock.nowMs()
    }
    await pause(clock, BETWEEN_MS)
  }
  return 0
}

/** Least, most and average of times, in milliseconds. */
class Figures {
  count = 0
  #least = Number.POSITIVE_INFINITY
  #most = 0
  #sum = 0

  add(ms: number): void {
    this.count++
    this.#least = Math.min(this.#least, ms)
    this.#most = Math.max(this.#most, ms)
    this.#sum += ms
  }

  get least(): string {
    return this.#least.toFixed(2)
  }

  get most(): string {
    return this.#most.toFixed(2)
  }

  get average(): string {
    return (this.#sum / this.count).toFixed(2)
  }

  get words(): string {
    return `min: ${this.least}, max: ${this.most}, avg: ${this.average} (${this.count} samples)`
  }

  line(separator: string): string {
    return [this.least, this.most, this.average, this.count].join(separator)
  }
}
