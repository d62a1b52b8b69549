/**
 * Brings a directory to the format of this version.
 *
 * There is one format so far, so there is nothing to do but to say so. The next one adds a step here, from
 * the format before it to itself, and a directory goes through all steps that it needs. A format that is
 * newer than this version is refused: only the version that has written it knows what is in it.
 *
 * Tests: test/keyspace/durability/offline/upgrade-directory.test.ts
 */
import { assert, type Disk, ShardloomError } from '../../../base/index.ts'
import { FORMAT_VERSION, type Manifest } from '../manifest.ts'
import { manifestOf, rawManifest } from './verify-directory.ts'

/** Makes the next format of a directory that nobody else has open. */
export type UpgradeStep = (disk: Disk, dir: string) => Promise<void>

/** By the format that a step begins with. */
const STEPS: ReadonlyMap<number, UpgradeStep> = new Map()

/** What was done. */
export interface UpgradeReport {
  readonly manifest: Manifest
  /** Formats that were left behind. */
  readonly from: readonly number[]
}

/** Upgrades a directory. @throws SHL_DIRECTORY_UNKNOWN when it is none, or newer than this version */
export async function upgradeDirectory(
  disk: Disk,
  dir: string,
  steps: ReadonlyMap<number, UpgradeStep> = STEPS,
): Promise<UpgradeReport> {
  const from: number[] = []
  for (;;) {
    const { format } = await rawManifest(disk, dir)
    // What names no format is explained by whoever reads it as a whole.
    if (typeof format !== 'number' || !Number.isInteger(format) || format === FORMAT_VERSION)
      return { manifest: await manifestOf(disk, dir), from }
    const step = steps.get(format)
    if (step === undefined) {
      const which = format > FORMAT_VERSION ? 'newer than' : 'unknown to'
      const reason = `its format ${format} is ${which} this version, which has format ${FORMAT_VERSION}`
      throw new ShardloomError('SHL_DIRECTORY_UNKNOWN', { dir, reason })
    }
    assert(!from.includes(format), 'a step leaves its format behind')
    await step(disk, dir)
    from.push(format)
  }
}
