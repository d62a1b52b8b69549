/**
 * One shard's engine for tests: a clock that stands still, chance from a seed, and commands as plain words.
 */
import { seededRandom } from '../../src/base/index.ts'
import { commandTable } from '../../src/keyspace/commands/index.ts'
import {
  BLOCKED,
  type Caller,
  type Commit,
  DoubleReply,
  type EngineClock,
  type EngineOptions,
  ErrorReply,
  MapReply,
  NullArrayReply,
  type Reply,
  SetReply,
  ShardEngine,
  StatusReply,
} from '../../src/keyspace/engine/index.ts'

/** Where the clocks of a test engine begin: wall-clock milliseconds. */
export const START_MS = 1_700_000_000_000

/** Both clocks of an engine, moved by hand. */
export class ManualEngineClock implements EngineClock {
  #wallMs = START_MS
  #monotonicMs = 1000

  wallMs(): number {
    return this.#wallMs
  }

  monotonicMs(): number {
    return this.#monotonicMs
  }

  advance(ms: number): void {
    this.#wallMs += ms
    this.#monotonicMs += ms
  }
}

/** What a reply is in plain values: errors and statuses as redis-cli shows them, bytes as a string. */
export type Plain = null | number | bigint | string | readonly Plain[]

/** A waiting command; `reply` is there once it was served or its time was over. */
export interface Waiting {
  reply: Reply | undefined
}

/** An engine with what a test needs of it. */
export interface TestEngine {
  readonly engine: ShardEngine
  readonly clock: ManualEngineClock
  /** Everything that was committed, in order; empty it as you like. */
  readonly commits: Commit[]
  /** Who `run`, `ask` and `wait` are; change `db` to select another database. */
  caller: Caller
  /** Runs a command to its end; one that would wait does not. */
  run(...argv: (string | number | Uint8Array)[]): Reply
  /** The same, as plain values. */
  ask(...argv: (string | number | Uint8Array)[]): Plain
  /** Runs a command that may wait. */
  wait(...argv: (string | number | Uint8Array)[]): Waiting
  /** What the last command logged, as words; bytes as a string. */
  effects(): string[][]
  /** The events of the last command: `event key`. */
  events(): string[]
}

export function makeEngine(options: Partial<EngineOptions> & { readonly seed?: number } = {}): TestEngine {
  const { seed = 1, ...engineOptions } = options
  const clock = new ManualEngineClock()
  let revision = 0
  const engine = new ShardEngine({
    commands: commandTable,
    clock,
    random: seededRandom(seed),
    nextRevision: () => ++revision,
    ...engineOptions,
  })
  const commits: Commit[] = []
  engine.onCommit = (commit) => commits.push(commit)
  let before = 0
  const test: TestEngine = {
    engine,
    clock,
    commits,
    caller: { id: 'test', resp: 3, db: 0 },
    run(...argv) {
      before = commits.length
      return engine.execute(test.caller, argv.map(argument)) as Reply
    },
    ask: (...argv) => plain(test.run(...argv)),
    wait(...argv) {
      before = commits.length
      const waiting: Waiting = { reply: undefined }
      const reply = engine.execute(test.caller, argv.map(argument), {
        resolve: (late) => {
          waiting.reply = late
        },
      })
      if (reply !== BLOCKED) waiting.reply = reply
      return waiting
    },
    effects: () =>
      commits.slice(before).flatMap((commit) => commit.effects.map(({ argv }) => argv.map(latin1))),
    events: () =>
      commits.slice(before).flatMap((commit) => commit.changes.map(({ event, key }) => `${event} ${key}`)),
  }
  return test
}

export function plain(reply: Reply): Plain {
  if (reply instanceof StatusReply) return reply.text
  if (reply instanceof ErrorReply) return `(error) ${reply.text}`
  if (reply instanceof DoubleReply) return reply.value
  if (reply instanceof MapReply) return reply.flat.map(plain)
  if (reply instanceof SetReply) return reply.members.map(plain)
  if (reply instanceof NullArrayReply) return null
  if (reply instanceof Uint8Array) return latin1(reply)
  if (Array.isArray(reply)) return (reply as readonly Reply[]).map(plain)
  return reply as Plain
}

function argument(word: string | number | Uint8Array): string | Uint8Array {
  return typeof word === 'number' ? String(word) : word
}

function latin1(bytes: string | Uint8Array): string {
  return typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('latin1')
}
