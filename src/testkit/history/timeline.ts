/**
 * A history as a drawing: one row per process, time to the right, each operation from its call to its return.
 *
 *     process 1  ├ set "a" ┤                          ✗ marks what cannot be placed
 *     process 2               ├ set "b" → ? ┄┄┄┄┄┄┄   ┄ means that it never returned
 *     process 3                  ├ get → "c" ┤✗
 *
 * Distances mean nothing, only the order of the ends does: a drawing to scale would be wide where nothing
 * happens. A process with calls that overlap gets further rows.
 *
 * Tests: test/testkit/history/timeline.test.ts
 */
import { type Operation, operationText } from './operation.ts'

const TEXT_LENGTH_MAX = 32

/** The drawing, line by line. */
export function drawTimeline(
  operations: readonly Operation[],
  marked: ReadonlySet<Operation> = new Set(),
): string {
  const columns = columnsOf(operations)
  const width = Math.max(0, ...columns.values()) + 1
  const rows = rowsOf(operations)
  const nameWidth = Math.max(0, ...rows.map(({ name }) => name.length))
  const lines = rows.map(({ name, operations: inRow }) => {
    let line = ''
    for (const operation of inRow) {
      const from = columns.get(operation.callAt)!
      const to = endOf(operation, columns, width)
      const text = shortText(operation)
      const isOpen = operation.pending === true
      line = line.padEnd(from) + `├ ${text} `.padEnd(to - from, isOpen ? '┄' : '─') + (isOpen ? '┄' : '┤')
      if (marked.has(operation)) line += '✗'
    }
    return `${name.padEnd(nameWidth)}  ${line}`.trimEnd()
  })
  return lines.join('\n')
}

/** A column for each time at which something begins or ends. */
function columnsOf(operations: readonly Operation[]): Map<number, number> {
  const ends = operations.filter(({ pending }) => pending !== true)
  const times = [...operations.map(({ callAt }) => callAt), ...ends.map(({ returnAt }) => returnAt!)]
  const columns = new Map<number, number>()
  let last = -2
  for (const time of [...new Set(times)].sort((a, b) => a - b)) {
    let column = last + 2
    for (const operation of ends) {
      if (operation.returnAt !== time || operation.callAt === time) continue
      column = Math.max(column, columns.get(operation.callAt)! + shortText(operation).length + 3)
    }
    columns.set(time, column)
    last = column
  }
  return columns
}

/** Operations that overlap cannot share a row. */
function rowsOf(operations: readonly Operation[]): { name: string; operations: Operation[] }[] {
  const rows: { name: string; operations: Operation[]; freeAt: number }[] = []
  for (const operation of [...operations].sort((a, b) => a.callAt - b.callAt)) {
    const name = `process ${operation.process}`
    const freeAt = operation.pending === true ? Number.POSITIVE_INFINITY : operation.returnAt!
    const row = rows.find((candidate) => candidate.name === name && candidate.freeAt < operation.callAt)
    if (row === undefined) rows.push({ name, operations: [operation], freeAt })
    else {
      row.operations.push(operation)
      row.freeAt = freeAt
    }
  }
  return rows
}

function endOf(operation: Operation, columns: ReadonlyMap<number, number>, width: number): number {
  const from = columns.get(operation.callAt)!
  const textWidth = shortText(operation).length + 3
  if (operation.pending === true) return Math.max(width, from + textWidth)
  return Math.max(
    columns.get(operation.returnAt!)!,
    from + (operation.returnAt === operation.callAt ? textWidth : 0),
  )
}

function shortText(operation: Operation): string {
  const text = operationText(operation)
  return text.length <= TEXT_LENGTH_MAX ? text : `${text.slice(0, TEXT_LENGTH_MAX - 1)}…`
}
