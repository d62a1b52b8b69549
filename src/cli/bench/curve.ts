/**
 * From measurements to curves: medians with their spread, efficiency against linear, and what limits it.
 * Tests: test/cli/bench/curve.test.ts
 */
import type { Sample, Workload } from './scaling.ts'

/** One number of threads under one workload. */
export interface CurvePoint {
  readonly threads: number
  readonly perSecond: number
  readonly min: number
  readonly max: number
  /** Against as many times the rate of one thread as there are threads, up to the number of cores. */
  readonly efficiency: number
  readonly shardBusy: number
  readonly senderBusy: number
  readonly coresUsed: number
  /** Processor time of all threads for each thing done, in µs: it shows what a busy machine hides. */
  readonly processorUs: number
  /** What keeps it below linear. */
  readonly limit: string
}

/** A workload over all numbers of threads. */
export interface Curve {
  readonly workload: Workload
  readonly points: readonly CurvePoint[]
}

/** From here on it counts as linear, and a thread as busy. */
const LINEAR = 0.9
const BUSY = 0.9

/** The curves of all workloads, in the order in which they were measured. */
export function curvesOf(samples: readonly Sample[], cores: number): Curve[] {
  const workloads = [...new Set(samples.map(({ workload }) => workload))]
  const bare = pointsOf(samples, 'bare', cores)
  return workloads.map((workload) => ({
    workload,
    points: pointsOf(samples, workload, cores).map((point) => ({
      ...point,
      limit: limitOf(
        workload,
        point,
        bare.find(({ threads }) => threads === point.threads),
        cores,
      ),
    })),
  }))
}

type Measured = Omit<CurvePoint, 'limit'>

function pointsOf(samples: readonly Sample[], workload: Workload, cores: number): Measured[] {
  const own = samples.filter((sample) => sample.workload === workload)
  const counts = [...new Set(own.map(({ threads }) => threads))].sort((a, b) => a - b)
  let one = 0
  return counts.map((threads) => {
    const here = own.filter((sample) => sample.threads === threads)
    const of = (value: (sample: Sample) => number): number => median(here.map(value))
    const rates = here.map(({ perSecond }) => perSecond)
    const perSecond = median(rates)
    if (one === 0) one = perSecond / threads
    const coresUsed = of((sample) => sample.coresUsed)
    return {
      threads,
      perSecond,
      min: Math.min(...rates),
      max: Math.max(...rates),
      efficiency: perSecond / (one * Math.min(threads, cores)),
      shardBusy: of((sample) => sample.shardBusy),
      senderBusy: of((sample) => sample.senderBusy),
      coresUsed,
      processorUs: of((sample) => (sample.coresUsed * 1e6) / sample.perSecond),
    }
  })
}

/** In words. The bare loop is what the machine gives to anybody. */
export function limitOf(
  workload: Workload,
  point: Measured,
  bare: Measured | undefined,
  cores: number,
): string {
  const { threads, efficiency, shardBusy, senderBusy, coresUsed } = point
  const got = `${coresUsed.toFixed(1)} cores were to be had`
  if (threads === 1) return 'one thread: what the others are compared with'
  if (efficiency >= LINEAR) return threads > cores ? 'the cores: all are in use' : 'nothing: it is linear'
  const machine = bare?.efficiency ?? 1
  if (workload === 'bare') return `the machine: ${got}`
  // Threads that never wait, and yet do not run.
  if (shardBusy >= BUSY && coresUsed < LINEAR * Math.min(threads, cores)) {
    return `the machine: busy with something else, ${got}`
  }
  if (machine < LINEAR && efficiency >= LINEAR * machine) {
    return `the machine: a bare loop reaches ${percent(machine)} of linear`
  }
  if (workload === 'commands') {
    if (senderBusy >= BUSY) return `the thread that sends: it is busy ${percent(senderBusy)} of the time`
    if (threads >= cores && shardBusy >= BUSY) {
      return `the cores: ${threads} threads with shards and the one that sends share ${cores}`
    }
    return `waiting: shards are busy ${percent(shardBusy)} of the time, the sender ${percent(senderBusy)}`
  }
  if (workload === 'reads') return 'memory: all threads read what does not fit their caches'
  const crossing = `${threads - 1} of ${threads} writes go to another thread`
  if (threads > cores) return `the cores: ${threads} threads wait for each other's turn; ${crossing}`
  return `messages: ${crossing}; with one thread none do`
}

function percent(part: number): string {
  return `${Math.round(part * 100)} %`
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] as number
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2
}
