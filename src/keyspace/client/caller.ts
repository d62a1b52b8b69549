/**
 * How the typed faces run commands: arguments of users in, plain values out.
 * Tests: test/keyspace/keyspace.race.test.ts
 */
import { invalidOption } from '../../base/index.ts'
import {
  type Argument,
  argumentOf,
  arrayOfBytes,
  bytesOfText,
  DoubleReply,
  MapReply,
  type Reply,
  SetReply,
  textOfBytes,
} from '../engine/index.ts'
import type { CallOptions } from './client-parts.ts'
import type { CommandClient } from './command-client.ts'
import type { Convert } from './key-command.ts'

/** What a user may give as a key, a field, a member or a value: text is stored as UTF-8, numbers as text. */
export type KeyspaceInput = string | Uint8Array | number | bigint

/** Runs commands for a face. */
export class CommandCaller {
  readonly client: CommandClient
  readonly #options: CallOptions

  /** `level` is the durability that is asked for, by number; 0: that of the keyspace. */
  constructor(client: CommandClient, db = 0, level = 0) {
    this.client = client
    this.#options = { db, level }
  }

  /** The reply as it came. @throws ShardloomError when it is an error */
  run(argv: readonly KeyspaceInput[], options: Omit<CallOptions, 'db'> = {}): Promise<Reply> {
    return this.#send(argv, { ...this.#options, ...options }, asItCame)
  }

  /** What `convert` makes of the reply. @throws ShardloomError when it is an error */
  as<T>(argv: readonly KeyspaceInput[], convert: Convert<T>): Promise<T> {
    return this.#send(argv, this.#options, convert)
  }

  integer(...argv: KeyspaceInput[]): Promise<number> {
    return this.as(argv, Number)
  }

  // The same with arguments as a list: there may be more than a call takes.

  integerOf(argv: readonly KeyspaceInput[]): Promise<number> {
    return this.as(argv, Number)
  }

  doneOf(argv: readonly KeyspaceInput[]): Promise<void> {
    return this.as(argv, nothing)
  }

  maybeTextsOf(argv: readonly KeyspaceInput[]): Promise<(string | undefined)[]> {
    return this.as(argv, maybeTextsOf)
  }

  boolean(...argv: KeyspaceInput[]): Promise<boolean> {
    return this.as(argv, isOne)
  }

  done(...argv: KeyspaceInput[]): Promise<void> {
    return this.as(argv, nothing)
  }

  text(...argv: KeyspaceInput[]): Promise<string | undefined> {
    return this.as(argv, textOf)
  }

  texts(...argv: KeyspaceInput[]): Promise<string[]> {
    return this.as(argv, textsOf)
  }

  maybeTexts(...argv: KeyspaceInput[]): Promise<(string | undefined)[]> {
    return this.as(argv, maybeTextsOf)
  }

  number(...argv: KeyspaceInput[]): Promise<number | undefined> {
    return this.as(argv, numberOf)
  }

  /** Whatever is wrong with the arguments rejects the promise, too. */
  #send<T>(argv: readonly KeyspaceInput[], options: CallOptions, convert: Convert<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.client.call(toArguments(argv), options, convert, resolve, reject)
    })
  }
}

function asItCame(reply: Reply): Reply {
  return reply
}

function isOne(reply: Reply): boolean {
  return reply === 1
}

function nothing(): void {}

function maybeTextsOf(reply: Reply): (string | undefined)[] {
  return itemsOf(reply).map(textOf)
}

function toArguments(argv: readonly KeyspaceInput[]): Argument[] {
  const args: Argument[] = []
  for (let i = 0; i < argv.length; i++) args.push(toArgument(argv[i]!))
  return args
}

/** @throws SHL_OPTION_INVALID for what is neither text, bytes nor a number */
export function toArgument(input: KeyspaceInput): Argument {
  if (typeof input === 'string') return bytesOfText(input)
  if (typeof input === 'number' || typeof input === 'bigint') return String(input)
  if (input instanceof Uint8Array) return argumentOf(input)
  return invalidOption('key or value', typeof input, 'a string, a Uint8Array, a number or a bigint')
}

export function textOf(reply: Reply): string | undefined {
  if (reply === null) return undefined
  if (typeof reply === 'string' || reply instanceof Uint8Array) return textOfBytes(reply)
  return typeof reply === 'number' || typeof reply === 'bigint' ? String(reply) : undefined
}

export function bufferOf(reply: Reply): Uint8Array | undefined {
  return typeof reply === 'string' || reply instanceof Uint8Array ? arrayOfBytes(reply) : undefined
}

export function numberOf(reply: Reply): number | undefined {
  if (typeof reply === 'number') return reply
  if (reply instanceof DoubleReply) return reply.value
  if (typeof reply === 'string') return Number(reply)
  return typeof reply === 'bigint' ? Number(reply) : undefined
}

/** The items of an array, a set, or a map laid flat. */
export function itemsOf(reply: Reply): readonly Reply[] {
  if (Array.isArray(reply)) return reply as readonly Reply[]
  if (reply instanceof SetReply) return reply.members
  return reply instanceof MapReply ? reply.flat : []
}

/** Arguments, and behind them the names and values of an object. */
export function withEntries(
  argv: KeyspaceInput[],
  entries: Readonly<Record<string, KeyspaceInput>>,
): KeyspaceInput[] {
  for (const name of Object.keys(entries)) argv.push(name, entries[name] as KeyspaceInput)
  return argv
}

/** Fields and values as an object. */
export function recordOf(reply: Reply): Record<string, string> {
  const items = itemsOf(reply)
  const record: Record<string, string> = {}
  for (let i = 0; i + 1 < items.length; i += 2) {
    const field = textOf(items[i] as Reply) ?? ''
    const value = textOf(items[i + 1] as Reply) ?? ''
    // An assignment would change what the object inherits from.
    if (field === '__proto__') {
      Object.defineProperty(record, field, { value, writable: true, enumerable: true, configurable: true })
    } else record[field] = value
  }
  return record
}

export function textsOf(reply: Reply): string[] {
  return itemsOf(reply).map((item) => textOf(item) ?? '')
}

/** Pairs laid flat, or in arrays of two, as entries. */
export function pairsOf(reply: Reply): [Reply, Reply][] {
  const items = itemsOf(reply)
  if (Array.isArray(items[0])) return items.map((pair) => pair as [Reply, Reply])
  const pairs: [Reply, Reply][] = []
  for (let i = 0; i + 1 < items.length; i += 2) pairs.push([items[i] as Reply, items[i + 1] as Reply])
  return pairs
}
