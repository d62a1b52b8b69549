/**
 * What is shown, as text: the live table, the line per second, and the report at the end. Nothing here
 * writes.
 *
 * Tests: test/examples/supervised-pipeline.test.ts
 */
import type { Proof } from './proof.ts'
import { type LogEvent, RESTART_KINDS, type RestartCounts } from './restart-log.ts'

/** A subsystem at a moment. */
export interface SubsystemRow {
  readonly name: string
  readonly phase: string
  readonly thread: number | undefined
  readonly version: number | undefined
  readonly restarts: number
  readonly restartsLeft: number
  readonly calls: number
  readonly waitingCalls: number
  readonly memoryBytes: number | undefined
  readonly lastError: string
}

/** The pipeline at a moment. */
export interface Moment {
  readonly elapsedMs: number
  readonly rows: readonly SubsystemRow[]
  readonly accepted: number
  readonly written: number
  /** In the last second. */
  readonly perSecond: number
  /** Undefined: the scheduler does not answer. */
  readonly open: number | undefined
  readonly full: number
  readonly broken: number
}

/** How a run ended. */
export interface RunReport {
  readonly proof: Proof
  readonly restarts: ReadonlyMap<string, RestartCounts>
  readonly retries: Readonly<Record<string, number>>
  /** Results that were written already when a retry brought them. */
  readonly alreadyWritten: number
  readonly closedMs: number
  readonly cut: number
}

const HEADS = ['subsystem', 'phase', 'thread', 'version', 'restarts', 'left', 'calls', 'waiting', 'memory']
const EVENTS_SHOWN = 8
const MIB = 1024 * 1024
const IDS_SHOWN = 5

/** The table with the newest events below it; no line is wider than `width`. */
export function renderTable(moment: Moment, events: readonly LogEvent[], width: number): string[] {
  const cells = moment.rows.map((row) => [
    row.name,
    row.phase,
    text(row.thread),
    row.version === undefined ? '-' : `v${row.version}`,
    text(row.restarts),
    text(row.restartsLeft),
    text(row.calls),
    text(row.waitingCalls),
    row.memoryBytes === undefined ? '-' : `${(row.memoryBytes / MIB).toFixed(1)} MB`,
    row.lastError,
  ])
  const newest = events.slice(-EVENTS_SHOWN).map(renderEvent)
  const lines = [summaryOf(moment), '', ...columns([[...HEADS, 'last error'], ...cells]), '', ...newest]
  return lines.map((line) => line.slice(0, width))
}

/** The same in one line, where there is no terminal. */
export function renderLine(moment: Moment): string {
  const states = moment.rows.map(({ name, phase, restarts }) => `${name} ${phase}/${restarts}`)
  return `${summaryOf(moment)} | ${states.join(', ')}`
}

export function renderEvent({ atMs, text: what }: LogEvent): string {
  return `${seconds(atMs)}  ${what}`
}

/** What is said when everything is over. */
export function renderReport({
  proof,
  restarts,
  retries,
  alreadyWritten,
  closedMs,
  cut,
}: RunReport): string[] {
  const kinds = [...RESTART_KINDS, 'reloads'] as const
  const counts = [...restarts].map(([name, of]) => [name, ...kinds.map((kind) => text(of[kind]))])
  const policies = Object.entries(retries).map(([policy, count]) => `${policy} ${count}`)
  const versions = Object.entries(proof.byVersion).map(([version, count]) => `${version} ${count}`)
  return [
    ...columns([['restarts', ...kinds], ...counts]),
    '',
    `retries by policy: ${policies.join(', ')}; found written already: ${alreadyWritten}`,
    `closed in ${closedMs.toFixed(0)} ms, ${cut === 0 ? 'nothing was cut' : `${cut} cut`}`,
    `accepted ${proof.accepted} (202), refused ${proof.refused} (429), unanswered ${proof.unanswered}` +
      ` (${proof.unansweredWritten} of them written); by version: ${versions.join(', ') || 'none'}`,
    ...verdictOf(proof),
  ]
}

function verdictOf(proof: Proof): string[] {
  if (proof.isRight) {
    return [`PROVED: all ${proof.accepted} accepted jobs are written, each once, each with the right result`]
  }
  const { lost, doubled, wrong, uninvited, broken } = proof
  const found = Object.entries({ lost, doubled, wrong, uninvited }).filter(([, ids]) => ids.length > 0)
  const lists = found.map(([what, ids]) => {
    const more = ids.length > IDS_SHOWN ? ', …' : ''
    return `  ${what}: ${ids.length} (${ids.slice(0, IDS_SHOWN).join(', ')}${more})`
  })
  return ['NOT PROVED:', ...lists, ...(broken > 0 ? [`  broken lines: ${broken}`] : [])]
}

function summaryOf({ elapsedMs, accepted, written, perSecond, open, full, broken }: Moment): string {
  const counts = `accepted ${accepted}  written ${written}  ${perSecond.toFixed(0)}/s  open ${text(open)}`
  return `${seconds(elapsedMs)}  ${counts}  429s ${full}  no answer ${broken}`
}

/** Names to the left, figures to the right, the last column as it is. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)))
  const isText = (i: number): boolean => i === 0 || rows[0]![i] === 'phase' || rows[0]![i] === 'last error'
  return rows.map((row) =>
    row
      .map((cell, i) => (isText(i) ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join('  ')
      .trimEnd(),
  )
}

function text(value: number | undefined): string {
  return value === undefined ? '-' : String(value)
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1).padStart(5)} s`
}
