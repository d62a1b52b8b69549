/**
 * `shardloom verify`: prints what `verifyDirectory` finds. Exit code 0: fine; 1: a tail; 2: damage.
 *
 * Tests: test/cli/storage/verify-command.test.ts
 */
import type { Disk } from '../../base/index.ts'
import {
  type KeyRing,
  NO_KEYS,
  type ShardReport,
  type VerifyReport,
  verifyDirectory,
} from '../../keyspace/durability/offline/index.ts'
import { bytesText, countOf, ProgressBar, type StorageOutput, timeText } from './figures.ts'

const EXIT_CODES = { fine: 0, tail: 1, damage: 2 } as const

/** Verifies a directory and says what was found. */
export async function verifyCommand(
  disk: Disk,
  dir: string,
  isJson: boolean,
  output: StorageOutput,
  keys: KeyRing = NO_KEYS,
): Promise<number> {
  const bar = new ProgressBar(output, 'verifying')
  const report = await verifyDirectory(disk, dir, bar.show, keys).finally(() => bar.clear())
  output.out(isJson ? `${JSON.stringify(report)}\n` : verifyText(report))
  return EXIT_CODES[report.verdict]
}

/** The report, for people. */
export function verifyText({ dir, manifest, copyOf, shards, verdict }: VerifyReport): string {
  const lines = [
    `${dir}: format ${manifest.format}, ${countOf(manifest.shards, 'shard')}, made ${manifest.createdAt}`,
  ]
  if (copyOf !== undefined) lines.push(`a copy, as of revision ${copyOf.revision}, ${copyOf.at}`)
  for (const shard of shards) lines.push('', ...shardLines(shard))
  const verdicts = {
    fine: 'fine: every record is as it was written',
    tail:
      'a tail: opening cuts it. It was being written when the process or the machine stopped, or it is\n' +
      'being written now. As far as a crash goes, nothing that was acknowledged at fsync is lost',
    damage:
      `damage: the directory cannot be opened. Restore a backup, or see what can be saved:\n` +
      `shardloom repair ${dir}`,
  }
  return `${[...lines, '', verdicts[verdict]].join('\n')}\n`
}

function shardLines({
  shard,
  segments,
  bytes,
  keys,
  records,
  first,
  last,
  snapshot,
  tail,
  damages,
  inDoubt,
}: ShardReport): string[] {
  const line = (name: string, text: string): string => `  ${name.padEnd(10)}${text}`
  const lines = [`shard ${shard}`, line('files', `${countOf(segments, 'segment')}, ${bytesText(bytes)}`)]
  const ids = Object.keys(keys).sort()
  if (ids.some((id) => id !== 'none')) {
    const texts = ids.map(
      (id) => `${countOf(keys[id] ?? 0, 'segment')} ${id === 'none' ? 'in the clear' : `of ${id}`}`,
    )
    lines.push(line('keys', texts.join(', ')))
  }
  const kinds = Object.entries(records).map(([kind, count]) => `${count} ${kind}`)
  if (kinds.length > 0) lines.push(line('records', kinds.join(', ')))
  if (first !== undefined) lines.push(line('from', `revision ${first.revision}, ${timeText(first.atMs)}`))
  if (last !== undefined) lines.push(line('to', `revision ${last.revision}, ${timeText(last.atMs)}`))
  if (snapshot !== undefined) {
    const { keys, revision, atMs } = snapshot
    lines.push(line('snapshot', `${countOf(keys, 'key')}, revision ${revision}, ${timeText(atMs)}`))
  }
  if (inDoubt.decided > 0) {
    lines.push(
      line('in doubt', `${countOf(inDoubt.decided, 'part')} of transactions that opening will conclude`),
    )
  }
  if (inDoubt.forgotten > 0) {
    const parts = countOf(inDoubt.forgotten, 'part')
    lines.push(line('in doubt', `${parts} of transactions that were never decided, which opening forgets`))
  }
  if (tail !== undefined) {
    const { path, offset, lostBytes, reason } = tail
    lines.push(line('tail', `${path}, offset ${offset}, ${bytesText(lostBytes)}: ${reason}`))
  }
  for (const { file, offset, reason } of damages)
    lines.push(line('damage', `${file}, offset ${offset}: ${reason}`))
  return lines
}
