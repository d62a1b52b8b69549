/**
 * Watchers of a keyspace that dies and lives again, and what must hold of what they were told: revisions
 * grow, one revision is one thing for all of them, and nothing that was acknowledged is left out between two
 * things that they were told.
 */
import type { Operation } from '../../../src/testkit/index.ts'
import type { AnyKeyspace } from '../consistency/workload.mjs'
import type { Life } from './lives.ts'

/** What a watcher was told, as text, and when. */
export interface WatchedItem {
  readonly revision: number
  readonly changes: readonly string[]
  readonly at: number
}

/** One watcher, in one life. */
export interface Watched {
  /** Whose place it has taken. */
  readonly before: Watched | undefined
  readonly items: WatchedItem[]
  /** It is in force, or was refused. */
  readonly ready: Promise<void>
  /** Since then everything is seen; undefined: it was refused. */
  readyAt: number | undefined
  /** Why it ended. */
  failure: string | undefined
  /** Everything up to here was given. */
  revision: number
}

interface Item {
  readonly revision: number
  readonly changes: readonly { readonly key: string; readonly event: string; readonly value?: unknown }[]
}

interface Watching {
  watch(
    pattern: string,
    options: object,
  ): AsyncIterable<Item> & { readonly ready: Promise<number>; readonly revision: number }
}

/**
 * One watcher goes on where the last one was; another one looks back to where the first one was, to compare.
 */
export function watchLife(keyspace: AnyKeyspace, lives: readonly Life[], now: () => number): Watched[] {
  const all = lives.flatMap(({ watched }) => watched)
  const last = all.findLast(({ readyAt }) => readyAt !== undefined)
  const first = all.find(({ items }) => items.length > 0)
  const begin = (before: Watched | undefined, since: number | undefined): Watched =>
    watchOnce(keyspace as Watching, now, before, since)
  const made = [begin(last, last?.revision)]
  if (first !== undefined) made.push(begin(first, first.items[0]!.revision - 1))
  // Who finds that too much is gone begins anew.
  else made.push(begin(undefined, undefined))
  return made
}

function watchOnce(
  keyspace: Watching,
  now: () => number,
  before: Watched | undefined,
  since: number | undefined,
): Watched {
  const options = since === undefined ? { values: true } : { values: true, since }
  const watch = keyspace.watch('*', options)
  const watched: Watched = {
    before,
    items: [],
    readyAt: undefined,
    failure: undefined,
    revision: since ?? 0,
    ready: watch.ready.then(
      () => {
        watched.readyAt = now()
      },
      () => undefined,
    ),
  }
  const read = async (): Promise<void> => {
    for await (const { revision, changes } of watch) {
      const told = changes.map(({ key, event, value }) => `${event} ${key} ${String(value ?? '')}`.trim())
      watched.items.push({ revision, changes: told, at: now() })
      watched.revision = Math.max(revision, watch.revision)
    }
  }
  read().catch((error: { readonly code?: string }) => {
    watched.failure = error.code ?? String(error)
  })
  return watched
}

/** What is wrong with what watchers were told. */
export function judgeWatched(lives: readonly Life[]): string[] {
  const all = lives.flatMap(({ watched }) => watched)
  return [...all.flatMap(judgeOrder), ...judgeSame(lives), ...all.flatMap((one) => judgeGaps(one, lives))]
}

function judgeOrder({ items }: Watched): string[] {
  return items.flatMap(({ revision }, i) =>
    i > 0 && items[i - 1]!.revision >= revision ? [`watch: ${revision} after ${items[i - 1]!.revision}`] : [],
  )
}

/** One revision is one thing, whoever is told of it, and in which life. */
function judgeSame(lives: readonly Life[]): string[] {
  const known = new Map<number, { readonly text: string; readonly life: number }>()
  return lives.flatMap(({ watched }, life) =>
    watched.flatMap(({ items }) =>
      items.flatMap(({ revision, changes }) => {
        const text = [...changes].sort().join('; ')
        const before = known.get(revision)
        if (before === undefined) known.set(revision, { text, life })
        if (before === undefined || before.text === text) return []
        return [
          `watch: revision ${revision} is "${before.text}" in life ${before.life}, "${text}" in ${life}`,
        ]
      }),
    ),
  )
}

/** A watcher and those before it, as one that was never interrupted, miss nothing. */
function judgeGaps(watched: Watched, lives: readonly Life[]): string[] {
  const chain: Watched[] = []
  for (let one: Watched | undefined = watched; one !== undefined; one = one.before) chain.unshift(one)
  const readyAt = chain[0]?.readyAt
  if (readyAt === undefined) return []
  const seen = new Set(chain.flatMap(({ items }) => items.flatMap(({ changes }) => changes)))
  const sets = lives.flatMap(({ notes }) => notes.flatMap(({ operations }) => operations.register))
  const written = sets.flatMap((operation) => setOf(operation))
  const until = Math.max(...written.filter(({ text }) => seen.has(text)).map(({ callAt }) => callAt))
  return written
    .filter(({ text, callAt, returnAt }) => callAt > readyAt && returnAt < until && !seen.has(text))
    .map(({ text, callAt, returnAt }) => `watch: nobody was told of "${text}", ${callAt} to ${returnAt}`)
}

function setOf({ key, call, callAt, returnAt, pending }: Operation): {
  readonly text: string
  readonly callAt: number
  readonly returnAt: number
}[] {
  const { type, value } = call as { readonly type: string; readonly value?: unknown }
  if (type !== 'set') return []
  const at = pending === true ? Number.POSITIVE_INFINITY : returnAt!
  return [{ text: `set ${key} ${String(value)}`, callAt, returnAt: at }]
}
