/**
 * What a job is: a number to be taken apart into its prime factors, under an id that its client has chosen.
 *
 * Every number is a product of two large primes, so that a worker has to try some hundred thousand divisors,
 * and whoever knows the factors can check them at once.
 *
 * Tests: test/examples/supervised-pipeline.test.ts
 */
import { between, type Random } from './random.ts'

/** Exact in a double, and not more than some tens of milliseconds of work. */
export const N_MAX = 10 ** 13
const PRIME_MIN = 400_000
const PRIME_MAX = 2_000_000
const ID_PATTERN = /^[\w-]{1,64}$/

/** A job, as it is accepted. */
export interface Job {
  readonly id: string
  readonly n: number
}

/** A job, as it is written: one line of the output. */
export interface Result extends Job {
  /** The prime factors of `n`, ascending. */
  readonly factors: readonly number[]
  /** The version of the worker that found them. */
  readonly version: number
}

/** A number that is hard enough. */
export function hardNumber(random: Random): number {
  return primeFrom(between(random, PRIME_MIN, PRIME_MAX)) * primeFrom(between(random, PRIME_MIN, PRIME_MAX))
}

export function isJobId(id: unknown): id is string {
  return typeof id === 'string' && ID_PATTERN.test(id)
}

export function isJobNumber(n: unknown): n is number {
  return Number.isSafeInteger(n) && (n as number) >= 2 && (n as number) <= N_MAX
}

function primeFrom(start: number): number {
  for (let n = start | 1; ; n += 2) if (isPrime(BigInt(n))) return n
}

/**
 * Whether a number up to 3.3 × 10²⁴ is prime: Miller–Rabin, whose answer is certain with these bases. Not how
 * the workers find factors, so that one can check the other.
 */
export function isPrime(n: bigint): boolean {
  const bases = [2n, 3n, 5n, 7n, 11n, 13n, 17n, 19n, 23n, 29n, 31n, 37n, 41n]
  if (n < 2n) return false
  for (const base of bases) if (n % base === 0n) return n === base
  let odd = n - 1n
  let twos = 0
  for (; odd % 2n === 0n; odd /= 2n) twos++
  return bases.every((base) => {
    let power = powerOf(base, odd, n)
    if (power === 1n || power === n - 1n) return true
    for (let i = 1; i < twos; i++) {
      power = (power * power) % n
      if (power === n - 1n) return true
    }
    return false
  })
}

function powerOf(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n
  let square = base % modulus
  for (let left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) result = (result * square) % modulus
    square = (square * square) % modulus
  }
  return result
}
