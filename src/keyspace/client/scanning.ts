/**
 * Walks over keys and members in steps, as async iterators.
 * Tests: test/keyspace/faces.race.test.ts
 */
import type { Reply } from '../engine/index.ts'
import { type CommandCaller, itemsOf, type KeyspaceInput, textOf } from './caller.ts'

/** Which, and how many at a time. */
export interface ScanOptions {
  /** A glob pattern, as in Redis. */
  readonly match?: string
  /** About how many one step looks at. Default 100. */
  readonly count?: number
}

const COUNT = 100

/** The items of every step. */
export async function* scanItems(
  caller: CommandCaller,
  head: readonly KeyspaceInput[],
  { match, count = COUNT }: ScanOptions,
  tail: readonly KeyspaceInput[] = [],
): AsyncGenerator<readonly Reply[]> {
  let cursor = '0'
  do {
    const options = match === undefined ? [] : ['MATCH', match]
    const reply = itemsOf(await caller.run([...head, cursor, ...options, 'COUNT', count, ...tail]))
    cursor = textOf(reply[0] ?? null) ?? '0'
    yield itemsOf(reply[1] ?? null)
  } while (cursor !== '0')
}

export async function* scanTexts(
  caller: CommandCaller,
  head: readonly KeyspaceInput[],
  options: ScanOptions,
  tail: readonly KeyspaceInput[] = [],
): AsyncGenerator<string> {
  for await (const items of scanItems(caller, head, options, tail)) {
    for (const item of items) yield textOf(item) ?? ''
  }
}

export async function* scanPairs(
  caller: CommandCaller,
  command: string,
  key: KeyspaceInput,
  options: ScanOptions,
): AsyncGenerator<[string, string]> {
  for await (const items of scanItems(caller, [command, key], options)) {
    for (let i = 0; i + 1 < items.length; i += 2) {
      yield [textOf(items[i] ?? null) ?? '', textOf(items[i + 1] ?? null) ?? '']
    }
  }
}
