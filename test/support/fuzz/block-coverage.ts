/**
 * Which parts of some sources have run: V8's own precise block coverage, asked for in this process.
 *
 * V8 counts how often each block ran and tells, when asked, of the functions that ran since it was asked
 * last, as nested ranges of characters. A character that runs for the first time is new coverage.
 *
 * V8 counts blocks only in functions that are compiled while it watches: start before they are first called.
 *
 * Cost: about a millisecond each time it is asked, whatever has run: so it is asked after a batch of inputs,
 * and after single ones only when the batch has reached something new.
 */
import { type Profiler, Session } from 'node:inspector'
import { setFlagsFromString } from 'node:v8'

/**
 * Optimized code does not count calls, and a function that was not called is not told of; a function that is
 * forgotten and compiled again is told of from its beginning.
 */
const FLAGS = ['opt', 'maglev', 'flush-bytecode']
const START = { callCount: true, detailed: true }
/** Sources are not longer than this. */
const SOURCE_CHARS_MAX = 1 << 18

/** Watches the scripts whose address ends as one of those given. */
export class BlockCoverage {
  readonly #session = new Session()
  readonly #endings: readonly string[]
  /** A mark for each character that has ever run, by script. */
  readonly #reached = new Map<string, Uint8Array>()

  constructor(endings: readonly string[]) {
    this.#endings = endings
  }

  /** Characters that have ever run. */
  get reachedChars(): number {
    let count = 0
    for (const reached of this.#reached.values()) for (const mark of reached) count += mark
    return count
  }

  start(): void {
    for (const flag of FLAGS) setFlagsFromString(`--no-${flag}`)
    this.#session.connect()
    this.#session.post('Profiler.enable')
    this.#session.post('Profiler.startPreciseCoverage', START)
    this.#ask()
  }

  stop(): void {
    for (const flag of FLAGS) setFlagsFromString(`--${flag}`)
    this.#session.post('Profiler.stopPreciseCoverage')
    this.#session.post('Profiler.disable')
    this.#session.disconnect()
  }

  /** Forgets what was reached. */
  clear(): void {
    this.#ask()
    this.#reached.clear()
  }

  /** Whether anything ran for the first time since the last question. It counts as reached from then on. */
  hasNew(): boolean {
    return this.#compare(true)
  }

  /** The same, and it may be new again. */
  peekNew(): boolean {
    return this.#compare(false)
  }

  #compare(isKept: boolean): boolean {
    let isNew = false
    for (const { url, functions } of this.#ask()) {
      if (!this.#endings.some((ending) => url.endsWith(ending))) continue
      let reached = this.#reached.get(url)
      if (reached === undefined) {
        reached = new Uint8Array(SOURCE_CHARS_MAX)
        this.#reached.set(url, reached)
      }
      for (const { ranges } of functions) if (this.#mark(ranges, reached, isKept)) isNew = true
    }
    return isNew
  }

  /** Whether a function ran where it has not run before. */
  #mark(ranges: readonly Profiler.CoverageRange[], reached: Uint8Array, isKept: boolean): boolean {
    let isNew = false
    for (const [from, to] of stretchesThatRan(ranges)) {
      const first = reached.indexOf(0, from)
      if (first < 0 || first >= to) continue
      isNew = true
      if (isKept) reached.fill(1, from, to)
    }
    return isNew
  }

  #ask(): Profiler.ScriptCoverage[] {
    let found: Profiler.ScriptCoverage[] = []
    // A session within its own thread answers before `post` returns.
    this.#session.post('Profiler.takePreciseCoverage', (error, answer) => {
      if (error !== null) throw error
      found = answer.result
    })
    return found
  }
}

/** Nested ranges, each before those within it, as stretches of characters that ran. */
function stretchesThatRan(ranges: readonly Profiler.CoverageRange[]): [from: number, to: number][] {
  const stretches: [number, number][] = []
  const open: Profiler.CoverageRange[] = []
  let at = 0
  const upTo = (offset: number): void => {
    const count = open.at(-1)?.count ?? 0
    if (count > 0 && offset > at) stretches.push([at, offset])
    at = Math.max(at, offset)
  }
  for (const range of ranges) {
    while (open.length > 0 && open.at(-1)!.endOffset <= range.startOffset) {
      upTo(open.at(-1)!.endOffset)
      open.pop()
    }
    upTo(range.startOffset)
    open.push(range)
  }
  while (open.length > 0) {
    upTo(open.at(-1)!.endOffset)
    open.pop()
  }
  return stretches
}
