/**
 * What the keyspace benchmarks ask for: keys, values, and the order in which keys are met.
 *
 * All of it is drawn from seeds, so that every subject does the same work in every round, and a check value
 * can say so.
 */

/** A key of 16 bytes. */
export function keyOf(i: number): string {
  return `key:${String(i).padStart(12, '0')}`
}

/** A value of so many ASCII characters, another one for each number. */
export function textOf(i: number, length = 64): string {
  const text = `value ${i} `
  return text.repeat(Math.ceil(length / text.length)).slice(0, length)
}

/** A value of so many characters that do not repeat, for whoever compresses; another one for each number. */
export function noiseOf(i: number, length = 64): string {
  let mix = Math.imul(i + 1, 0x9e3779b1)
  let text = ''
  while (text.length < length) {
    mix = Math.imul(mix ^ (mix >>> 15), 0x2c1b3c6d) + 0x6d2b79f5
    text += ((mix ^ (mix >>> 12)) >>> 0).toString(36)
  }
  return text.slice(0, length)
}

/** Draws in [0, 1), the same for the same seed: SplitMix32. */
export function draws(seed: number): () => number {
  let mix = seed >>> 0
  return () => {
    mix = (mix + 0x9e3779b9) | 0
    let z = mix ^ (mix >>> 16)
    z = Math.imul(z, 0x21f0aaad)
    z ^= z >>> 15
    z = Math.imul(z, 0x735a2d97)
    return ((z ^ (z >>> 15)) >>> 0) / 2 ** 32
  }
}

/** Numbers below `count`, each as likely as any other. */
export function uniform(count: number, length: number, seed: number): Uint32Array {
  const draw = draws(seed)
  return new Uint32Array(length).map(() => Math.floor(draw() * count))
}

const THETA = 0.99

/**
 * Numbers below `count` of which few are met often: a Zipfian distribution with 0.99, as in YCSB. The popular
 * ones are spread over all numbers.
 *
 * Source: Gray et al., "Quickly Generating Billion-Record Synthetic Databases"; YCSB's ZipfianGenerator.
 */
export function zipfian(count: number, length: number, seed: number): Uint32Array {
  const draw = draws(seed)
  const zeta = zetaOf(count)
  const alpha = 1 / (1 - THETA)
  const eta = (1 - (2 / count) ** (1 - THETA)) / (1 - zetaOf(2) / zeta)
  const rank = (): number => {
    const u = draw()
    const scaled = u * zeta
    if (scaled < 1) return 0
    if (scaled < 1 + 0.5 ** THETA) return 1
    return Math.min(count - 1, Math.floor(count * (eta * u - eta + 1) ** alpha))
  }
  return new Uint32Array(length).map(() => Math.imul(rank() + 1, 0x9e3779b1) >>> 0).map((n) => n % count)
}

function zetaOf(count: number): number {
  let sum = 0
  for (let i = 1; i <= count; i++) sum += 1 / i ** THETA
  return sum
}

/** Does `count` things, `atOnce` at a time, each with its number; how many a second. */
export async function inLanes(
  atOnce: number,
  count: number,
  run: (i: number, lane: number) => Promise<unknown>,
): Promise<number> {
  let next = 0
  const lane = async (_: unknown, number: number): Promise<void> => {
    while (next < count) await run(next++, number)
  }
  const startMs = performance.now()
  await Promise.all(Array.from({ length: atOnce }, lane))
  return count / ((performance.now() - startMs) / 1000)
}

/** The value below which the given part of them lies. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN
}
