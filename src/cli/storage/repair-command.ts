/**
 * `shardloom repair`: says what a repair would do and lose, asks, and does it. Exit code 0: repaired, or
 * there was nothing to repair; 1: nobody agreed, and nothing was changed.
 *
 * The directory is locked from before it is read until it is repaired: what was agreed to is what is done.
 * Tests: test/cli/storage/repair-command.test.ts
 */
import type { Clock, Disk } from '../../base/index.ts'
import {
  applyRepair,
  type KeyRing,
  type Loss,
  lockDirectory,
  manifestOf,
  NO_KEYS,
  planRepair,
  type RepairPlan,
  type ShardRepair,
} from '../../keyspace/durability/offline/index.ts'
import { bytesText, countOf, refuseShard, type StorageOutput, timeText, wordText } from './figures.ts'

const AGREED = 'repair'

/** Repairs a directory, if somebody agrees. */
export async function repairCommand(
  disk: Disk,
  clock: Clock,
  dir: string,
  { shard, isAgreed }: { readonly shard: number | undefined; readonly isAgreed: boolean },
  output: StorageOutput,
  keys: KeyRing = NO_KEYS,
): Promise<number> {
  const manifest = await manifestOf(disk, dir)
  if (shard !== undefined && shard >= manifest.shards) return refuseShard(dir, shard, manifest.shards, output)
  const lock = await lockDirectory(dir)
  try {
    const plan = await planRepair(disk, dir, manifest, shard, keys)
    if (plan.shards.length === 0 && plan.decisions.revisions.length === 0) {
      output.out(`${dir}: no damage${shard === undefined ? '' : ` in shard ${shard}`}, nothing to repair\n`)
      return 0
    }
    output.out(planText(plan))
    if (!isAgreed) {
      const answer = await output.ask(`Type ${AGREED} to go on: `)
      if (answer?.trim() !== AGREED) {
        output.err('shardloom: nothing was changed; --yes goes on without a question\n')
        return 1
      }
    }
    const attic = await applyRepair(disk, clock, plan, keys)
    output.out(plan.shards.length > 0 ? `repaired; what was damaged or cut is in ${attic}\n` : 'repaired\n')
    return 0
  } finally {
    await lock.release()
  }
}

/** What a repair would do, for people. */
export function planText({ dir, shards, decisions, forgotten, doubts }: RepairPlan): string {
  const lines = [`${dir}: repair of ${countOf(shards.length, 'shard')}`]
  for (const repair of shards) lines.push('', ...repairLines(repair))
  lines.push('')
  if (decisions.revisions.length > 0) {
    const count = countOf(decisions.revisions.length, 'transaction')
    lines.push(`${count} over several shards will be concluded: another shard has done so`)
  }
  if (forgotten > 0) {
    lines.push(`${countOf(forgotten, 'transaction')} over several shards will be forgotten as a whole`)
  }
  for (const doubt of doubts) lines.push(`not known: ${doubt}`)
  lines.push('Nothing is deleted: what goes is moved to a folder damaged-<time> of the directory.')
  return `${lines.join('\n')}\n`
}

function repairLines({ shard, kind, damage, moved, cut, loss }: ShardRepair): string[] {
  const why =
    damage === undefined
      ? 'fine by itself, but has parts of transactions that are not whole any more'
      : `${damage.file}, offset ${damage.offset}: ${damage.reason}`
  const lines = [`shard ${shard}: ${why}`]
  if (kind === 'head') {
    lines.push(`  a whole snapshot is behind the damage: nothing is lost`)
    lines.push(`  moved away: ${countOf(moved.length, 'segment')} before it`)
    return lines
  }
  if (cut !== undefined) lines.push(`  cut: ${cut.path} at offset ${cut.offset}`)
  if (moved.length > 0) lines.push(`  moved away: ${moved.join(', ')}`)
  return [...lines, ...lossLines(loss)]
}

function lossLines({ bytes, commits, unreadable, revisions, times, keyCount, keys }: Loss): string[] {
  if (bytes === 0) return ['  lost: nothing: what goes is of elsewhere, or a copy of what stays']
  const lines = [`  lost: ${countOf(commits, 'commit')} that can be read, in ${bytesText(bytes)}`]
  if (unreadable > 0)
    lines.push(`    and ${countOf(unreadable, 'record')} of which only the header can be read`)
  if (revisions !== undefined) lines.push(`    revisions ${revisions.first} to ${revisions.last}`)
  if (times !== undefined) lines.push(`    from ${timeText(times.firstMs)} to ${timeText(times.lastMs)}`)
  if (keyCount > 0) {
    const names = keys.map(({ db, key }) => `${db === 0 ? '' : `[${db}] `}${wordText(key)}`)
    const more = keyCount > keys.length ? ` and ${keyCount - keys.length} more` : ''
    lines.push(`    ${countOf(keyCount, 'key')} changed: ${names.join(', ')}${more}`)
  }
  return lines
}
