/**
 * Randomness, injected: a seeded generator whose every draw can be replayed.
 *
 * xoshiro128** of Blackman and Vigna (https://prng.di.unimi.it/): 128 bits of state, good enough for
 * schedules, jitter and placement, and no secret: never use it for keys or tokens. Seeds are spread by
 * SplitMix32.
 *
 * Tests: test/base/random.test.ts
 */

/** A source of draws. */
export interface Random {
  /** A number in [0, 1). */
  next(): number
  /** An integer in [0, count). */
  below(count: number): number
}

/** A generator that repeats the same draws for the same seed. */
export function seededRandom(seed: number): Random {
  let mix = seed >>> 0
  const word = (): number => {
    mix = (mix + 0x9e3779b9) | 0
    let z = mix ^ (mix >>> 16)
    z = Math.imul(z, 0x21f0aaad)
    z ^= z >>> 15
    z = Math.imul(z, 0x735a2d97)
    return z ^ (z >>> 15)
  }
  let a = word()
  let b = word()
  let c = word()
  let d = word()
  const draw = (): number => {
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9)
    const t = b << 9
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= t
    d = rotate(d, 11)
    return result >>> 0
  }
  return {
    next: () => draw() / 2 ** 32,
    below: (count) => Math.floor((draw() / 2 ** 32) * count),
  }
}

function rotate(x: number, bits: number): number {
  return (x << bits) | (x >>> (32 - bits))
}
