/**
 * `shardloom backup` and `shardloom restore`: both make a directory from another one, as of a revision.
 *
 * A backup goes as far as it can, and may be made while the owner runs; a restore may stop earlier.
 * Tests: test/cli/storage/copy-command.test.ts
 */
import type { Clock, Disk } from '../../base/index.ts'
import { type CopyCut, copyDirectory } from '../../keyspace/durability/offline/index.ts'
import { bytesText, countOf, ProgressBar, type StorageOutput } from './figures.ts'

/** Copies, verifies, and says what was copied. */
export async function copyCommand(
  disk: Disk,
  clock: Clock,
  {
    what,
    from,
    to,
    cut,
  }: { readonly what: string; readonly from: string; readonly to: string; readonly cut: CopyCut },
  isJson: boolean,
  output: StorageOutput,
): Promise<number> {
  const bar = new ProgressBar(output, what)
  const report = await copyDirectory(from, to, { disk, clock, cut, onProgress: bar.show }).finally(() =>
    bar.clear(),
  )
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
