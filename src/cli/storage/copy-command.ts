/**
 * `shardloom backup` and `shardloom restore`: both make a directory from another one, as of a revision.
 *
 * A backup goes as far as it can, and may be made while the owner runs; a restore may stop earlier. One that
 * is to go further than the directory does goes as far as it can, too, and says so.
 *
 * Tests: test/cli/storage/copy-command.test.ts
 */
import type { Clock, Disk } from '../../base/index.ts'
import {
  type CopyCut,
  type CopyOptions,
  type CopyReport,
  copyDirectory,
} from '../../keyspace/durability/offline/index.ts'
import { checkApart } from './copy-target.ts'
import { bytesText, countOf, ProgressBar, type StorageOutput } from './figures.ts'

/** What is copied to where, up to which point, and with what keys. */
interface CopyCall extends Pick<CopyOptions, 'keys' | 'target'> {
  readonly what: string
  readonly from: string
  readonly to: string
  readonly cut: CopyCut
}

/** Copies, verifies, and says what was copied. */
export async function copyCommand(
  disk: Disk,
  clock: Clock,
  { what, from, to, cut, keys, target }: CopyCall,
  isJson: boolean,
  output: StorageOutput,
): Promise<number> {
  await checkApart(from, to)
  const bar = new ProgressBar(output, what)
  const options = { disk, clock, cut, onProgress: bar.show, ...(keys && { keys }), ...(target && { target }) }
  const report = await copyDirectory(from, to, options).finally(() => bar.clear())
  const end = endBefore(report, cut)
  if (end !== undefined) output.err(`shardloom: ${from} ends before that: at ${end}\n`)
  if (isJson) {
    output.out(`${JSON.stringify(report)}\n`)
    return 0
  }
  const { revision, at } = report.manifest.copyOf
  output.out(`${what} of ${from}, as of revision ${revision}, ${at}\n`)
  for (const { shard, records, bytes } of report.shards) {
    output.out(`  shard ${shard}  ${countOf(records, 'record')}, ${bytesText(bytes)}\n`)
  }
  output.out(`verified: ${to}\n`)
  return 0
}

/** Where a directory ends, when that is before the point that was asked for. */
function endBefore(
  { manifest, isAll }: CopyReport,
  { toRevision = 0, toMs = 0 }: CopyCut,
): string | undefined {
  const { revision, at } = manifest.copyOf
  const isBefore = isAll && (revision < toRevision || Date.parse(at) < toMs)
  return isBefore ? `revision ${revision}, ${at}` : undefined
}
