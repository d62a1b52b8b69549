/** The types of notes.mjs. */
import type { ClientNotes } from './workload.mjs'

/** One line of notes: something is noted, or what is noted has changed, or was nothing. */
export interface Line {
  readonly process: number
  readonly index: number
  readonly kind?: string
  readonly note?: object
  readonly changes?: object
  readonly isDropped?: true
}

/** Writes the notes of one client. */
export class Notebook {
  constructor(process: number, onLine?: (line: Line) => void)
  readonly notes: ClientNotes
  /** Notes something; the note, to be changed later. */
  add<T extends object>(kind: string, note: T): T
  change(note: object, changes: object): void
  drop(kind: string, note: object): void
}

export function emptyNotes(process: number): ClientNotes
export function notesOf(lines: Iterable<Line>): ClientNotes[]
