/**
 * The CPU-heavy work of this example: a tile of the Mandelbrot set, in plain JavaScript.
 *
 * It asks between rows whether anybody still wants it, which is all that a synchronous loop has to do to be
 * cancelled from another thread.
 *
 * Tests: test/examples/http-offload.test.ts
 */

const ITERATIONS_MAX = 500

/** A rendered tile, summed up. */
export interface Tile {
  readonly size: number
  /** Points that belong to the set. */
  readonly inside: number
  /** A checksum of how fast the others escape. */
  readonly checksum: number
}

/** Renders a tile of `size` × `size` points; undefined when it was cancelled. */
export function renderTile(size: number, isCancelled: () => boolean): Tile | undefined {
  let inside = 0
  let checksum = 0
  for (let y = 0; y < size; y++) {
    if (isCancelled()) return undefined
    const cy = -1.25 + (2.5 * y) / size
    for (let x = 0; x < size; x++) {
      const iterations = escapeTime(-2 + (2.5 * x) / size, cy)
      if (iterations === ITERATIONS_MAX) inside++
      checksum = (Math.imul(checksum, 31) + iterations) >>> 0
    }
  }
  return { size, inside, checksum }
}

function escapeTime(cx: number, cy: number): number {
  let x = 0
  let y = 0
  let iterations = 0
  while (iterations < ITERATIONS_MAX && x * x + y * y <= 4) {
    const next = x * x - y * y + cx
    y = 2 * x * y + cy
    x = next
    iterations++
  }
  return iterations
}
