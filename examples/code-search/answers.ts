/**
 * Shows answers: hits as `path:line  text` on standard output, one query or a prompt after the other.
 *
 * Each query is answered twice, here and by an actor on another thread, from the same memory: the answers
 * have to be the same.
 *
 * Tests: test/examples/code-search.test.ts
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { createInterface } from 'node:readline'
import { isDeepStrictEqual } from 'node:util'
import type { ActorRouter } from 'shardloom'
import { type Hit, search } from './rank.ts'
import type { SearchIndex } from './search-index.ts'
import type { searcher } from './searcher.ts'

const TEXT_LENGTH_MAX = 120

/** A hit with the text of its line. */
export interface ShownHit extends Hit {
  readonly text: string
}

/** Searchers on all threads. */
export type SearcherPool = ActorRouter<(typeof searcher)['receive']>

/** Answers queries from one index, about the files of one folder. */
export class Answers {
  readonly #index: SearchIndex
  readonly #pool: SearcherPool
  readonly #folder: string
  readonly #limit: number
  /** Whether both threads have given the same answers so far. */
  areSame = true

  constructor(index: SearchIndex, pool: SearcherPool, folder: string, limit: number) {
    this.#index = index
    this.#pool = pool
    this.#folder = folder
    this.#limit = limit
  }

  /** The hits, and how long each thread took to find them. */
  async find(query: string): Promise<{ hits: ShownHit[]; hereMs: number; thereMs: number }> {
    const startMs = performance.now()
    const hits = search(this.#index, query, this.#limit)
    const hereMs = performance.now() - startMs
    const there = await this.#pool.ask('find', { query, limit: this.#limit })
    const thereMs = performance.now() - startMs - hereMs
    if (!isDeepStrictEqual(hits, there)) this.areSame = false
    return { hits: hits.map((hit) => ({ ...hit, text: this.#textOf(hit) })), hereMs, thereMs }
  }

  /** Prints the hits; what was asked and how long it took goes to standard error. */
  async print(query: string): Promise<void> {
    const { hits, hereMs, thereMs } = await this.find(query)
    const count = hits.length === 0 ? 'nothing' : hits.length
    const times = `${hereMs.toFixed(1)} ms here, ${thereMs.toFixed(1)} ms on another thread`
    process.stderr.write(`\n"${query}": ${count} in ${times}\n`)
    for (const { path, line, text } of hits) process.stdout.write(`${path}:${line}  ${text}\n`)
  }

  /** Answers line after line until the input ends. */
  async prompt(): Promise<void> {
    const lines = createInterface({ input: process.stdin, output: process.stderr, prompt: '\nsearch> ' })
    process.stderr.write('\nType words to look for; an empty line or Ctrl-D ends.\n')
    lines.prompt()
    for await (const line of lines) {
      if (line.trim() === '') break
      await this.print(line.trim())
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
