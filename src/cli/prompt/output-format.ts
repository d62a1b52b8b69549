/**
 * In which form replies are printed, and how one is.
 *
 * Some commands answer with text for people, which quotes and escapes would only spoil: those are printed as
 * they are, their errors too, in every form but JSON.
 *
 * Tests: test/cli/prompt/format-flat.test.ts, test/cli/prompt/cli-command.test.ts
 */

import type { RespValue } from '../../server/resp/index.ts'
import type { Paint } from '../connection/paint.ts'
import { formatCsv, formatJson, formatRaw } from './format-flat.ts'
import { formatReply } from './format-reply.ts'

/** `standard` is for people, the others for programs. */
export type OutputForm = 'standard' | 'raw' | 'csv' | 'json' | 'quoted-json'

/** How replies are printed. */
export interface OutputFormat {
  readonly form: OutputForm
  readonly paint: Paint
  /** Between the elements of a raw reply. */
  readonly elementDelimiter: string
  /** Behind a raw reply. */
  readonly replyDelimiter: string
}

/** Commands whose replies are text for people. */
const TEXT_COMMANDS: readonly string[] = [
  ...['INFO', 'LOLWUT', 'MEMORY MALLOC-STATS', 'MEMORY DOCTOR', 'LATENCY DOCTOR', 'LATENCY GRAPH'],
  ...['CLUSTER NODES', 'CLUSTER INFO', 'CLIENT LIST', 'CLIENT INFO', 'DEBUG HTSTATS', 'DEBUG HTSTATS-KEY'],
]

/** A reply as bytes in Latin-1, with what ends it. */
export function printedReply(value: RespValue, argv: readonly string[], format: OutputFormat): string {
  const { form, paint, elementDelimiter, replyDelimiter } = format
  const isJson = form === 'json' || form === 'quoted-json'
  if (isTextCommand(argv) && !isJson) return withNewline(formatRaw(value, elementDelimiter))
  switch (form) {
    case 'standard':
      return formatReply(value, paint)
    case 'raw':
      return formatRaw(value, elementDelimiter) + replyDelimiter
    case 'csv':
      return `${formatCsv(value)}\n`
    case 'json':
    case 'quoted-json':
      return `${formatJson(value, form === 'quoted-json')}\n`
  }
}

function isTextCommand(argv: readonly string[]): boolean {
  const [first = '', second = ''] = argv.map((word) => word.toUpperCase())
  return TEXT_COMMANDS.includes(first) || TEXT_COMMANDS.includes(`${first} ${second}`)
}

function withNewline(text: string): string {
  return text.endsWith('\n') ? text : `${text}\n`
}
