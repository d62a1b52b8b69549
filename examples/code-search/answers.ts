/**
 * Shows answers: hits as `path:line  text` on standard output, one query or a prompt after the other.
 *
 * Tests: test/examples/code-search.test.ts
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { createInterface } from 'node:readline'
import { type Hit, search } from './rank.ts'
import type { SearchIndex } from './search-index.ts'

const TEXT_LENGTH_MAX = 120

/** A hit with the text of its line. */
export interface ShownHit extends Hit {
  readonly text: string
}

/** Answers queries from one index, about the files of one folder. */
export class Answers {
  readonly #index: SearchIndex
  readonly #folder: string
  readonly #limit: number

  constructor(index: SearchIndex, folder: string, limit: number) {
    this.#index = index
    this.#folder = folder
    this.#limit = limit
  }

  find(query: string): ShownHit[] {
    return search(this.#index, query, this.#limit).map((hit) => ({ ...hit, text: this.#textOf(hit) }))
  }

  /** Prints the hits; what was asked and how long it took goes to standard error. */
  print(query: string): void {
    const startMs = performance.now()
    const hits = this.find(query)
    const tookMs = (performance.now() - startMs).toFixed(1)
    process.stderr.write(`\n"${query}": ${hits.length === 0 ? 'nothing' : hits.length} in ${tookMs} ms\n`)
    for (const { path, line, text } of hits) process.stdout.write(`${path}:${line}  ${text}\n`)
  }

  /** Answers line after line until the input ends. */
  async prompt(): Promise<void> {
    const lines = createInterface({ input: process.stdin, output: process.stderr, prompt: '\nsearch> ' })
    process.stderr.write('\nType words to look for; an empty line or Ctrl-D ends.\n')
    lines.prompt()
    for await (const line of lines) {
      if (line.trim() === '') break
      this.print(line.trim())
      lines.prompt()
    }
    lines.close()
  }

  /** The hit's line, without what would upset a terminal, cut around the end. */
  #textOf({ path, line }: Hit): string {
    let text: string
    try {
      text = readFileSync(join(this.#folder, path), 'utf8').split('\n')[line - 1] ?? ''
    } catch {
      return '(the file is gone)'
    }
    const clean = text.trim().replace(/\p{Cc}+/gu, ' ')
    return clean.length > TEXT_LENGTH_MAX ? `${clean.slice(0, TEXT_LENGTH_MAX)}…` : clean
  }
}
