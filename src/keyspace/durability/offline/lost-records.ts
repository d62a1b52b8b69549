/**
 * What is lost when a log is cut at a place: what is behind it, belongs to this log, and is nowhere else.
 *
 * A file may be there by mistake: one of another directory, or a second copy of a segment under another
 * name. What is in it is put away with the rest, and is no loss. Each record has one place in a log, the
 * number of its segment and its offset; where that stays, or was counted already, it is not counted.
 *
 * Cost: a read of what goes. Tests: test/keyspace/durability/offline/lost-records.test.ts
 */
import {
  findHeaders,
  type LogOwner,
  type LogRecord,
  readSegment,
  type SegmentInfo,
} from '../../../storage/index.ts'
import type { LogPlace } from './log-places.ts'
import type { LogView, ViewedSegment } from './log-view.ts'
import { type Loss, LossTally } from './loss-tally.ts'

/** Adds up what a cut loses. */
export async function lossBehind(
  view: LogView,
  segments: readonly ViewedSegment[],
  cut: LogPlace,
  owner: LogOwner,
): Promise<Loss> {
  const tally = new LossTally()
  /** How far each segment stays, or was counted, by its number. */
  const ends = new Map(
    segments.flatMap(({ number, sizeBytes }) => {
      if (number > cut.number) return []
      return [[number, number === cut.number ? cut.offset : sizeBytes] as const]
    }),
  )
  for (const { number, path, sizeBytes } of segments) {
    if (number < cut.number) continue
    const isCounted = ({ offset }: { readonly offset: number }, segment: SegmentInfo): boolean =>
      !isOf(segment, owner) || offset < (ends.get(segment.number) ?? 0)
    const take = (record: LogRecord, segment: SegmentInfo): void => {
      if (!isCounted(record, segment)) tally.add(record)
    }
    const file = await view.disk.open(path, 'read')
    const { info, mark, reason, resumeOffset } = await readSegment(file, take, { keys: view.keys, path })
    if (info === undefined) {
      // Whose it is cannot be known any more.
      tally.addBytes(sizeBytes)
      continue
    }
    if (!isOf(info, owner)) continue
    if (reason !== undefined) {
      await findHeaders(file, mark, resumeOffset, (header) => {
        if (!isCounted(header, info)) tally.addHeader(header)
      })
    }
    const end = ends.get(info.number) ?? 0
    tally.addBytes(Math.max(0, sizeBytes - end))
    ends.set(info.number, Math.max(end, sizeBytes))
  }
  return tally.loss
}

/** Whether a segment is of a log, under whatever name. */
export function isOf(info: SegmentInfo, { directory, shard }: LogOwner): boolean {
  return info.directory === directory && info.shard === shard
}
