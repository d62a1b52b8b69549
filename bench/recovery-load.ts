/**
 * The writes of the question `recovery`, and what they leave: the same for every subject.
 *
 *     log        each key once
 *     snapshot   each key once, then a snapshot
 *     both       each key once, then a snapshot, then half of them once more
 *
 * Values are characters at random, since Redis compresses what repeats in an RDB file.
 */
import { inLanes, keyOf, noiseOf } from './loads.ts'

/** What is in the files. */
export type RecoveryShape = 'log' | 'snapshot' | 'both'

export const RECOVERY_SHAPES: readonly RecoveryShape[] = ['log', 'snapshot', 'both']
/** Keys between two that are read back. */
export const READ_STEP = 97
/** A snapshot is made when it is asked for, and not otherwise. */
/** What files are encrypted with, where they are. */
export const RECOVERY_KEY = { encryption: { key: '5e'.repeat(32) } } as const
export const RECOVERY_FILES = { snapshotBytes: 2 ** 50, snapshotEveryMs: 0 } as const
const AT_ONCE = 1000

/** Where it is written. */
export interface RecoveryStore {
  set(key: string, value: string): Promise<unknown>
  snapshot(): Promise<unknown>
}

/** Does the writes. */
export async function fill(store: RecoveryStore, shape: RecoveryShape, keys: number): Promise<void> {
  await inLanes(AT_ONCE, keys, (i) => store.set(keyOf(i), noiseOf(i)))
  if (shape !== 'log') await store.snapshot()
  await inLanes(AT_ONCE, againOf(shape, keys), (i) => store.set(keyOf(againAt(i)), againText(againAt(i))))
}

/** How many keys are set once more behind a snapshot: the even ones. */
export function againOf(shape: RecoveryShape, keys: number): number {
  return shape === 'both' ? Math.floor(keys / 2) : 0
}

/** The number of the key that is set as the `i`th once more. */
export function againAt(i: number): number {
  return 2 * i
}

/** What a key is set to once more. */
export function againText(key: number): string {
  return noiseOf(key + 500_000_000)
}

/** What a key must hold in the end. */
export function expectedText(shape: RecoveryShape, keys: number, key: number): string {
  return key % 2 === 0 && key / 2 < againOf(shape, keys) ? againText(key) : noiseOf(key)
}

/** Reads some keys back: how many are as they should be. */
export async function countRight(
  shape: RecoveryShape,
  keys: number,
  get: (key: string) => Promise<string | null | undefined>,
): Promise<number> {
  let right = 0
  for (let i = 0; i < keys; i += READ_STEP) {
    if ((await get(keyOf(i))) === expectedText(shape, keys, i)) right++
  }
  return right
}
