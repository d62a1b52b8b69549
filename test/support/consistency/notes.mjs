/**
 * What one client writes down, while it happens: what it asked before it asks it, and what it was told when
 * it is told. A listener hears of each line at once, for whoever is to know it when the client is no more:
 * the notes can be made again from the lines alone.
 *
 * Plain JavaScript, because actors on real threads load it.
 */
const OPERATIONS = ['register', 'counter', 'set', 'lock']

/** The notes of a client that has done nothing yet. */
export function emptyNotes(process) {
  return {
    process,
    operations: { register: [], counter: [], set: [], lock: [] },
    transactions: [],
    writes: [],
    reads: [],
    own: [],
    snapshots: [],
    listings: [],
    errors: [],
  }
}

/** Writes the notes of one client. */
export class Notebook {
  constructor(process, onLine) {
    this.notes = emptyNotes(process)
    this.onLine = onLine
    this.indexes = new Map()
    this.count = 0
  }

  add(kind, note) {
    listOf(this.notes, kind).push(note)
    if (this.onLine === undefined) return note
    this.indexes.set(note, this.count)
    this.onLine({ process: this.notes.process, index: this.count++, kind, note })
    return note
  }

  change(note, changes) {
    Object.assign(note, changes)
    const index = this.indexes.get(note)
    if (index !== undefined) this.onLine({ process: this.notes.process, index, changes })
  }

  /** It has turned out that nothing happened. */
  drop(kind, note) {
    const list = listOf(this.notes, kind)
    list.splice(list.indexOf(note), 1)
    const index = this.indexes.get(note)
    if (index !== undefined) this.onLine({ process: this.notes.process, index, kind, isDropped: true })
  }
}

/** The notes of all clients whose lines these are. */
export function notesOf(lines) {
  const books = new Map()
  const noted = new Map()
  for (const { process, index, kind, note, changes, isDropped } of lines) {
    if (!books.has(process)) books.set(process, emptyNotes(process))
    const id = `${process} ${index}`
    if (note !== undefined) {
      listOf(books.get(process), kind).push(note)
      noted.set(id, note)
    } else if (changes !== undefined) Object.assign(noted.get(id), changes)
    else if (isDropped) {
      const list = listOf(books.get(process), kind)
      list.splice(list.indexOf(noted.get(id)), 1)
    }
  }
  return [...books.values()]
}

function listOf(notes, kind) {
  return OPERATIONS.includes(kind) ? notes.operations[kind] : notes[kind]
}
