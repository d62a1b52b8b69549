/**
 * How long a command takes: how often it took how long, in bins that grow with the time.
 *
 *     64 ns … 36 min in octaves of eight bins each: a bin is at most an eighth wider than its lower end
 *
 * LATENCY HISTOGRAM tells powers of two, percentiles the upper end of a bin, so that they are never too
 * small. An exact list would grow, and a mean hides what matters. Counts are doubles: 32 bits are full after
 * an hour of a million commands a second.
 *
 * Cost: some 5 ns to count; 2.3 KB for each command that was ever called, per thread.
 * Tests: test/server/report/command-times.test.ts
 * Source: the octaves of HdrHistogram, as Redis uses it; bounds as LATENCY HISTOGRAM of Redis 7 prints them.
 */

const SUB_BITS = 3
const SUBS = 2 ** SUB_BITS
/** The first octave begins at 64 ns. */
const FIRST = 6
const LAST = 40
const BINS = (LAST - FIRST + 1) * SUBS
/** Beyond, nanoseconds do not fit into 31 bits: they are counted by 1024. */
const NARROW_MS = 2000
const KIBI_BITS = 10

/** The times of one command on one thread. */
export class CommandTimes {
  readonly counts: Float64Array = new Float64Array(BINS)

  /** Counts a call; `weight`: so many, of which this is one. */
  add(durationMs: number, weight = 1): void {
    this.counts[binOf(durationMs)]! += weight
  }

  /** Adds what `sparse` has given, here or on another thread. */
  addSparse(sparse: readonly number[]): void {
    for (let i = 0; i + 1 < sparse.length; i += 2) this.counts[sparse[i]!]! += sparse[i + 1]!
  }

  /** Bin, count, bin, count: those that are not empty. */
  sparse(): number[] {
    const found: number[] = []
    this.counts.forEach((count, bin) => {
      if (count > 0) found.push(bin, count)
    })
    return found
  }

  get total(): number {
    return this.counts.reduce((sum, count) => sum + count, 0)
  }

  /** Bounds in microseconds with how many calls took no longer, where that number grows. */
  cumulative(): [boundUs: number, count: number][] {
    const found: [number, number][] = []
    let count = 0
    let bin = 0
    // From one microsecond on, as Redis.
    for (let octave = KIBI_BITS; octave <= LAST + 1; octave++) {
      const before = count
      for (const end = (octave - FIRST) * SUBS; bin < end; bin++) count += this.counts[bin]!
      if (count > before) found.push([boundUs(octave), count])
    }
    return found
  }

  /** Microseconds within which so many per cent of the calls were done; 0: there were none. */
  percentileUs(percent: number): number {
    const { total } = this
    const wanted = Math.max(1, Math.ceil((total * percent) / 100))
    let count = 0
    for (let bin = 0; bin < BINS; bin++) {
      count += this.counts[bin]!
      if (count >= wanted) return upperNs(bin) / 1000
    }
    return 0
  }
}

/** The bin of a time. */
export function binOf(durationMs: number): number {
  const isNarrow = durationMs < NARROW_MS
  const units = (isNarrow ? durationMs * 1e6 : Math.min((durationMs * 1e6) / 1024, 2 ** 31 - 1)) | 0
  const top = 31 - Math.clz32(units | 1)
  const octave = top + (isNarrow ? 0 : KIBI_BITS)
  if (octave < FIRST) return 0
  if (octave > LAST) return BINS - 1
  return (octave - FIRST) * SUBS + ((units >>> (top - SUB_BITS)) & (SUBS - 1))
}

/** The upper end of a bin, in nanoseconds. */
function upperNs(bin: number): number {
  const octave = FIRST + Math.floor(bin / SUBS)
  return (SUBS + (bin % SUBS) + 1) * 2 ** (octave - SUB_BITS) - 1
}

/**
 * What Redis calls the end of an octave: its histogram has 128 bins in each, and names the end of the next.
 */
function boundUs(octave: number): number {
  const ns = 2 ** octave
  return Math.floor((ns + ns / 128 - 1) / 1000)
}
