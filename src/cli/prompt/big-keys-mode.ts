/**
 * `--bigkeys` and `--memkeys`: the largest key of each type, and sums, by looking at every key.
 *
 * Keys are scanned a piece at a time, and each piece is asked for its types and sizes in one go, so that the
 * server has no long command and we do not wait for each key. What is large is counted in the elements of a
 * collection and the bytes of a string, or in memory.
 *
 * Tests: test/cli/prompt/modes.test.ts
 */

import type { RespValue } from '../../server/resp/index.ts'
import { integerOf, textOf } from '../connection/reading.ts'
import { type CliContext, pause } from './context.ts'
import { quoted } from './quote.ts'
import { scanKeys } from './scan-mode.ts'

const TYPES: Readonly<Record<string, { readonly command: string; readonly unit: string }>> = {
  string: { command: 'STRLEN', unit: 'bytes' },
  list: { command: 'LLEN', unit: 'items' },
  hash: { command: 'HLEN', unit: 'fields' },
  set: { command: 'SCARD', unit: 'members' },
  zset: { command: 'ZCARD', unit: 'members' },
  stream: { command: 'XLEN', unit: 'entries' },
}
const PIECE = 100

/** What is known of one type. */
interface TypeSum {
  readonly unit: string
  keys: number
  size: number
  biggest: number
  biggestKey: string
}

/** Looks at all keys; exit code 1 when the server would not let us. */
export async function bigKeysMode({ options, streams, session, clock, write }: CliContext): Promise<number> {
  const isMemory = options.mode === 'memkeys'
  const what = isMemory ? 'by memory' : 'by elements'
  const total = integerOf(await session.call(['DBSIZE'])) ?? 0
  const sums = new Map<string, TypeSum>()
  let seen = 0
  let keyBytes = 0
  write(`# Scanning the entire keyspace to find the biggest keys ${what}, and averages per type.\n\n`)
  const failure = await scanKeys(session, { ...options, count: options.count ?? PIECE }, async (replies) => {
    const keys = replies.map((reply) => textOf(reply) ?? '')
    const types = await Promise.all(keys.map((key) => session.call(['TYPE', key])))
    const sizes = await Promise.all(keys.map((key, i) => session.call(sizeCommand(key, types[i], isMemory))))
    for (const [index, key] of keys.entries()) {
      const type = textOf(types[index]) ?? 'none'
      // It was deleted in between.
      if (type === 'none') continue
      seen++
      keyBytes += key.length
      const size = integerOf(sizes[index]) ?? 0
      const sum = sums.get(type) ?? newSum(type, isMemory)
      sums.set(type, sum)
      sum.keys++
      sum.size += size
      if (size <= sum.biggest) continue
      Object.assign(sum, { biggest: size, biggestKey: key })
      const percent = ((100 * Math.min(seen, total)) / Math.max(total, 1)).toFixed(2).padStart(5, '0')
      write(`[${percent}%] Biggest ${type} found so far ${quoted(key)} with ${size} ${sum.unit}\n`)
    }
    if (options.intervalMs !== undefined) await pause(clock, options.intervalMs)
    return !streams.isClosed()
  })
  if (failure !== undefined) {
    streams.err(`${failure}\n`)
    return 1
  }
  write(summary(sums, seen, keyBytes))
  return 0
}

function sizeCommand(key: string, type: RespValue | undefined, isMemory: boolean): readonly string[] {
  if (isMemory) return ['MEMORY', 'USAGE', key]
  return [TYPES[textOf(type) ?? '']?.command ?? 'STRLEN', key]
}

function newSum(type: string, isMemory: boolean): TypeSum {
  const unit = isMemory ? 'bytes' : (TYPES[type]?.unit ?? 'items')
  return { unit, keys: 0, size: 0, biggest: -1, biggestKey: '' }
}

function summary(sums: ReadonlyMap<string, TypeSum>, seen: number, keyBytes: number): string {
  const average = (sum: number, count: number): string => (sum / Math.max(count, 1)).toFixed(2)
  const biggest = [...sums].map(
    ([type, { biggestKey, biggest: size, unit }]) =>
      `Biggest ${type} found ${quoted(biggestKey)} has ${size} ${unit}\n`,
  )
  const rows = [...sums].map(([type, { keys, size, unit }]) => {
    const part = ((100 * keys) / Math.max(seen, 1)).toFixed(2).padStart(5, '0')
    return `${keys} ${type}s with ${size} ${unit} (${part}% of keys, avg size ${average(size, keys)})\n`
  })
  return (
    `\n-------- summary -------\n\nSampled ${seen} keys in the keyspace!\n` +
    `Total key length in bytes is ${keyBytes} (avg len ${average(keyBytes, seen)})\n\n` +
    `${biggest.join('')}${biggest.length > 0 ? '\n' : ''}${rows.join('')}`
  )
}
