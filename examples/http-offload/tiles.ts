/**
 * Rendered tiles, kept in the keyspace for a while: each is rendered once, however many ask for it at a time
 * and on whatever thread.
 *
 * What is there is read from shared memory without a message. Of those who find nothing, one renders and the
 * others wait for it. If that one's client goes away its work is given up, and the next one who waits
 * renders.
 *
 * Tests: test/examples/http-keyspace.test.ts
 */
import type { Keyspace } from 'shardloom'
import type { Tile } from './mandelbrot.ts'

/** Renders a tile, here or elsewhere; undefined when it was cancelled. */
export type Render = (size: number, signal: AbortSignal) => Promise<Tile | undefined>

/** Where an answer came from: it was there, it was made for this request, or for another one just then. */
export type TileSource = 'hit' | 'miss' | 'shared'

/** A tile as it is sent. */
export interface TileAnswer {
  readonly text: string
  readonly source: TileSource
}

/** Tiles of a site, rendered once. */
export class TileCache {
  readonly #keyspace: Keyspace
  readonly #render: Render
  readonly #ttlMs: number

  constructor(keyspace: Keyspace, render: Render, ttlMs: number) {
    this.#keyspace = keyspace
    this.#render = render
    this.#ttlMs = ttlMs
  }

  async get(size: number, signal: AbortSignal): Promise<TileAnswer> {
    const key = `tile:${size}`
    const known = this.#keyspace.getSync(key)
    if (known !== undefined) return { text: known, source: 'hit' }
    let source: TileSource = 'shared'
    const compute = async (context: { readonly signal: AbortSignal }): Promise<string> => {
      source = 'miss'
      return renderText(this.#render, size, context.signal)
    }
    const text = await this.#keyspace.getOrCompute(key, compute, { ttl: this.#ttlMs, signal })
    return { text, source }
  }
}

/** A tile as JSON. Throws when it was cancelled. */
export async function renderText(render: Render, size: number, signal: AbortSignal): Promise<string> {
  const tile = await render(size, signal)
  signal.throwIfAborted()
  return JSON.stringify(tile ?? null)
}
