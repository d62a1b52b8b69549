/**
 * What MEMORY DOCTOR says. Tests: test/server/report/memory-text.test.ts
 * Source: MEMORY DOCTOR of Redis 7
 */

const SMALL_BYTES = 5 * 1024 * 1024
const CLIENT_BYTES = 200 * 1024
const FULL_PART = 0.95
const SPARSE_RATIO = 1.4
const PEAK_RATIO = 1.5

const EMPTY =
  "Hi Sam, this instance is empty or is using very little memory, my issues detector can't be used in " +
  'these conditions. Please, leave for your mission on Earth and fill it with some data. The new Sam and I ' +
  'will be back to our programming as soon as I finished rebooting.\n'
const WELL =
  "Hi Sam, I can't find any memory issue in your instance. I can only account for what occurs on this base.\n"

/** What the memory of a server is judged by, in bytes. */
export interface MemoryFacts {
  readonly used: number
  readonly peak: number
  /** Shared memory that strings and key tables have reserved, and what of it they use. */
  readonly reserved: number
  readonly reservedUsed: number
  readonly ceiling: number
  readonly canEvict: boolean
  readonly clients: number
  readonly clientBytes: number
}

/** The text. */
export function memoryAdvice(facts: MemoryFacts): string {
  if (facts.used < SMALL_BYTES) return EMPTY
  const found: string[] = []
  if (facts.ceiling > 0 && facts.used > facts.ceiling * FULL_PART && !facts.canEvict) {
    found.push(
      ' * Full: more than 95 % of maxmemory is used, and maxmemory-policy is noeviction: writes are ' +
        'refused at the ceiling. Raise maxmemory, or choose a policy that throws keys out.',
    )
  }
  if (facts.reservedUsed > SMALL_BYTES && facts.reserved > facts.reservedUsed * SPARSE_RATIO) {
    found.push(
      ' * Sparse: key tables have reserved more than 1.4 times the memory that their keys take. After many ' +
        'keys were removed they are moved together in the background; what is free is used for new ones.',
    )
  }
  if (facts.peak > facts.used * PEAK_RATIO) {
    found.push(
      ' * Peak memory: in the past this instance used more than 150% of the memory that it uses now. ' +
        'What was reserved then is kept for keys to come.',
    )
  }
  if (facts.clients > 0 && facts.clientBytes / facts.clients > CLIENT_BYTES) {
    found.push(
      ' * Big client buffers: on average more than 200K per client wait to be read or run. CLIENT LIST ' +
        'shows whose (qbuf, omem); client-output-buffer-limit bounds them.',
    )
  }
  if (found.length === 0) return WELL
  return `Sam, I detected a few issues in this instance memory implants:\n\n${found.join('\n\n')}\n`
}
