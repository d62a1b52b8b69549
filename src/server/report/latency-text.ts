/**
 * The latency of events for people: a graph of one kind, and what may be done about them.
 *
 * A graph has a column per sample and four rows, the oldest at the left, with how long ago below:
 *
 *        #
 *       o|
 *     _o||
 *
 *     3210
 *     ssss
 *
 * Tests: test/server/report/latency-text.test.ts
 * Source: LATENCY GRAPH and LATENCY DOCTOR of Redis 7
 */
import type { LatencyEvent } from './latency-events.ts'

const COLUMNS = 80
const ROWS = 4
/** Within a row, from low to high. */
const LEVELS = '_o#'
const FULL = '|'
const PRODUCT = 'Redis instance'

const DISABLED =
  `I'm sorry, Dave, I can't do that. Latency monitoring is disabled in this ${PRODUCT}. You may use ` +
  '"CONFIG SET latency-monitor-threshold <milliseconds>." in order to enable it. If we weren\'t in a deep ' +
  "space mission I'd suggest to take a look at https://redis.io/topics/latency-monitor.\n"
const NONE =
  `Dave, no latency spike was observed during the lifetime of this ${PRODUCT}, not in the slightest bit. ` +
  'I honestly think you ought to sit down calmly, take a stress pill, and think things over.\n'
const FOUND =
  `Dave, I have observed latency spikes in this ${PRODUCT}. ` +
  "You don't mind talking about it, do you Dave?\n\n"

/** The graph of an event. */
export function latencyGraph({ name, maxMs, samples }: LatencyEvent, nowSecond: number): string {
  const values = samples.map(({ ms }) => ms)
  const [high, low] = [Math.max(...values), Math.min(...values)]
  const parts: string[] = []
  for (let from = 0; from < samples.length; from += COLUMNS) {
    const some = samples.slice(from, from + COLUMNS)
    const columns = some.map(({ ms, second }) => columnOf(ms - low, high - low, agoText(nowSecond - second)))
    const height = Math.max(...columns.map(({ length }) => length))
    const rows = Array.from({ length: height }, (_, row) =>
      columns.map((column) => column[row] ?? ' ').join(''),
    )
    parts.push(rows.map((row) => `${row}\n`).join(''))
  }
  const head = `${name} - high ${high} ms, low ${low} ms (all time high ${maxMs} ms)\n`
  return `${head}${'-'.repeat(COLUMNS)}\n${parts.join('\n')}`
}

/** A sample from top to bottom: its bar, a gap, its label. */
function columnOf(value: number, valueMax: number, label: string): string {
  const steps = ROWS * LEVELS.length
  const step = valueMax === 0 ? 0 : Math.min(steps - 1, Math.floor((value * steps) / valueMax))
  let column = ''
  for (let row = ROWS - 1; row >= 0; row--) {
    const above = step - row * LEVELS.length
    column += above < 0 ? ' ' : (LEVELS[above] ?? FULL)
  }
  return `${column} ${label}`
}

function agoText(seconds: number): string {
  if (seconds < 60) return `${seconds}s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`
}

/** What LATENCY DOCTOR needs to know besides events. */
export interface LatencySettings {
  readonly thresholdMs: number
  readonly slowlogUs: number
  readonly nowSecond: number
}

/** What LATENCY DOCTOR says. */
export function latencyAdvice(events: readonly LatencyEvent[], settings: LatencySettings): string {
  const found = events.filter(({ samples }) => samples.length > 0)
  if (found.length === 0) return settings.thresholdMs === 0 ? DISABLED : NONE
  const lines = found.map((event, i) => `${i + 1}. ${eventText(event, settings.nowSecond)}\n`)
  const advices = advicesOf(found, settings).map((advice) => `- ${advice}\n`)
  return `${FOUND}${lines.join('')}\nI have a few advices for you:\n\n${advices.join('')}`
}

function eventText({ name, maxMs, samples }: LatencyEvent, nowSecond: number): string {
  const { length } = samples
  const average = Math.floor(samples.reduce((sum, { ms }) => sum + ms, 0) / length)
  const deviation = Math.floor(samples.reduce((sum, { ms }) => sum + Math.abs(ms - average), 0) / length)
  const period = Math.max(1, nowSecond - samples[0]!.second) / length
  return (
    `${name}: ${length} latency spikes (average ${average}ms, mean deviation ${deviation}ms, period ` +
    `${period.toFixed(2)} sec). Worst all time event ${maxMs}ms.`
  )
}

function advicesOf(
  events: readonly LatencyEvent[],
  { thresholdMs, slowlogUs }: LatencySettings,
): readonly string[] {
  const has = (name: string): boolean => events.some((event) => event.name === name)
  const advices: string[] = []
  if (has('command')) {
    if (slowlogUs < 0 || slowlogUs > thresholdMs * 1000) {
      advices.push(
        'There are latency issues with potentially slow commands you are using. Try to enable the Slow Log ' +
          `feature using the command 'CONFIG SET slowlog-log-slower-than ${thresholdMs * 1000}'. If it is ` +
          'disabled slow commands cannot be logged for you.',
      )
    }
    advices.push(
      'Check your Slow Log to understand what are the commands you are running which are too slow to ' +
        'execute. SLOWLOG GET shows them.',
      'Keys of one shard wait for each other: a command that walks a very large object holds up all other ' +
        'keys of its shard. Fragment such objects into several smaller ones, or use more shards.',
    )
  }
  if (has('fast-command')) {
    advices.push(
      'Commands that are fast took long: their thread was busy with something else, or had no processor. ' +
        'INFO threads shows how busy each of them is; look for other programs on this machine as well.',
    )
  }
  return advices
}
