/**
 * A command over several shards that is a sum of commands over one: each shard runs its part, in one hop.
 * Tests: test/keyspace/transaction.race.test.ts
 */
import { commandTable } from '../commands/index.ts'
import { type Argument, byteString, type CommandSpec, ErrorReply, OK, type Reply } from '../engine/index.ts'
import { hashSlotOf } from '../hash-slot.ts'
import type { KeyspaceMemory } from '../shared/keyspace-memory.ts'
import { RequestWriter } from '../wire/index.ts'
import type { PlannedCommand, TransactionPlan } from './transaction-plan.ts'

/** One shard's part. */
export interface CommandPart {
  readonly batch: Uint8Array
  /** Which keys of the command it has, by their place. */
  readonly places: readonly number[]
}

/** A command that each shard runs a part of. */
export interface SplitCommand {
  readonly rule: NonNullable<CommandSpec['split']>
  readonly isWrite: boolean
  /** By shard. */
  readonly parts: ReadonlyMap<number, CommandPart>
}

/** The parts of a transaction that is one such command; undefined: it is not. */
export function splitOf(
  commands: readonly PlannedCommand[],
  plan: TransactionPlan,
  memory: KeyspaceMemory,
): SplitCommand | undefined {
  const [only] = commands
  if (commands.length !== 1 || only === undefined || only.spec instanceof ErrorReply) return undefined
  const { spec } = only
  const { split: rule, flags } = spec
  if (rule === undefined) return undefined
  const isWrite = flags.includes('write')
  if (!flags.includes('all_shards')) {
    return { rule, isWrite, parts: splitByKeys(only, spec, (slot) => memory.ownerOf(slot)) }
  }
  const part = { batch: wholeCommands([only]), places: [] }
  return { rule, isWrite, parts: new Map([...plan.shards.keys()].map((shard) => [shard, part])) }
}

/** Keys from here on may be too long for a key table. */
const LONG_KEY_BYTES = 32 * 1024

/** Whether one shard may refuse its part of a write when others have done theirs: then it runs as a whole. */
export function mayBeRefusedInPart(commands: readonly PlannedCommand[], hasCeiling: boolean): boolean {
  const [only] = commands
  if (only === undefined || only.spec instanceof ErrorReply || !only.spec.flags.includes('denyoom'))
    return false
  return hasCeiling || only.argv.some((arg) => arg.length > LONG_KEY_BYTES)
}

/** Whether a command works on locks; FENCED only looks at one. */
export function isLockCommand({ group, name }: CommandSpec): boolean {
  return group === 'lock' && name !== 'fenced'
}

/** The parts of a command, each key with what belongs to it. */
export function splitByKeys(
  command: PlannedCommand,
  spec: CommandSpec,
  ownerOf: (slot: number) => number,
): Map<number, CommandPart> {
  const { argv, db, row } = command
  const keys = commandTable.keysOf(spec, argv)
  const step = spec.keys?.step ?? 1
  const parts = new Map<number, { args: Argument[]; places: number[] }>()
  keys.forEach(({ index }, place) => {
    const owner = ownerOf(hashSlotOf(byteString(argv[index]!)))
    let part = parts.get(owner)
    if (part === undefined) {
      part = { args: [], places: [] }
      parts.set(owner, part)
    }
    part.args.push(...argv.slice(index, index + step))
    part.places.push(place)
  })
  return new Map(
    [...parts].map(([owner, { args, places }]) => [owner, { batch: encode(row, db, args), places }]),
  )
}

/** The same commands for each shard. */
export function wholeCommands(commands: readonly PlannedCommand[]): Uint8Array {
  const writer = new RequestWriter()
  for (const { argv, db, row, resp } of commands) write(writer, row, db, argv.slice(1), resp)
  return writer.take()
}

/** The reply of the whole from the replies of the parts; the first error, when there is one. */
export function mergeReplies(
  rule: NonNullable<CommandSpec['split']>,
  replies: readonly { readonly reply: Reply; readonly places: readonly number[] }[],
): Reply {
  const failed = replies.find(({ reply }) => reply instanceof ErrorReply)
  if (failed !== undefined) return failed.reply
  switch (rule) {
    case 'sum':
      return replies.reduce((sum, { reply }) => sum + (reply as number), 0)
    case 'ok':
      return OK
    case 'concat':
      return replies.flatMap(({ reply }) => reply as readonly Reply[])
    case 'counts':
      return replies
        .map(({ reply }) => reply as readonly Reply[])
        .reduce((sums, counts) =>
          sums.map((item, i) => (i % 2 === 0 ? item : (item as number) + (counts[i] as number))),
        )
    case 'gather': {
      const gathered: Reply[] = []
      for (const { reply, places } of replies) {
        places.forEach((place, i) => {
          gathered[place] = (reply as readonly Reply[])[i]!
        })
      }
      return gathered
    }
  }
}

function encode(row: number, db: number, args: readonly Argument[]): Uint8Array {
  const writer = new RequestWriter()
  write(writer, row, db, args)
  return writer.take()
}

function write(
  writer: RequestWriter,
  row: number,
  db: number,
  args: readonly Argument[],
  resp: 2 | 3 = 2,
): void {
  writer.begin(row, db, 0, args.length, 0, resp)
  for (const arg of args) writer.argument(arg)
}
