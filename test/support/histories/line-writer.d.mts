/** The types of line-writer.mjs. */
export function now(): number
export function writeLine(line: object): void
