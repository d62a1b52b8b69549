/**
 * Which commands a selector allows: a bit for each command, and the rules that it came from.
 *
 * The bits answer whether a command may run; the rules are what is printed. They are kept in the order in
 * which they were given, each command or category once, where it was said last: so that they read as they
 * were written, and give the same bits again. (Redis 7.0 makes up rules that fit the bits; later versions do
 * it this way.)
 *
 * Names that Redis 7 has and this server has not are taken and kept, so that a file of users from there can
 * be read, and written again as it was. They allow nothing.
 *
 * A container stands for its subcommands. The first argument of a command that is no container may be allowed
 * as well (`+select|0`), as Redis has it, though it is no good way to hold anybody back.
 *
 * Invariants: (1) the rules, applied to a new selector, give the same bits and first arguments; (2) a rule
 * holds no spaces.
 * Cost: a check is one load and one test; a copy is a bit per command.
 * Tests: test/server/acl/acl-selector.test.ts, test/server/acl/acl-user-redis.prop.test.ts
 */
import { type Argument, type ByteString, byteString } from '../../keyspace/engine/index.ts'
import { CATEGORIES, type CommandCatalog, type CommandInfo } from '../catalog/index.ts'
import { isAbsentCommand } from './absent-commands.ts'
import { hasSpaces, type RuleFault } from './rule-fault.ts'

const WORD_BITS = 32

/** One rule: `+get`, `-@slow`, `+config|get`, without its sign. */
interface CommandRule {
  readonly isAllowed: boolean
  readonly name: string
}

/** The commands that a selector allows. */
export class CommandRules {
  readonly #catalog: CommandCatalog
  #bits: Uint32Array
  /** Allowed first arguments, in lower case, by the index of a command. */
  readonly #firstArguments = new Map<number, readonly string[]>()
  #rules: readonly CommandRule[] = []
  #startsWithAll = false
  #isAll = false

  constructor(catalog: CommandCatalog) {
    this.#catalog = catalog
    this.#bits = new Uint32Array(Math.ceil(catalog.all.length / WORD_BITS))
  }

  /** Nothing was ever taken away: no command needs to be looked at. */
  get isAll(): boolean {
    return this.#isAll
  }

  copy(): CommandRules {
    const copy = new CommandRules(this.#catalog)
    copy.#bits = this.#bits.slice()
    for (const [index, words] of this.#firstArguments) copy.#firstArguments.set(index, words)
    copy.#rules = this.#rules
    copy.#startsWithAll = this.#startsWithAll
    copy.#isAll = this.#isAll
    return copy
  }

  /** Whether a request may run, as far as its command is concerned. */
  allows(info: CommandInfo, argv: readonly Argument[]): boolean {
    if (this.#isAll || this.#bit(info.index)) return true
    const words = this.#firstArguments.get(info.index)
    const word = argv[1]
    return words !== undefined && word !== undefined && words.includes(byteString(word).toLowerCase())
  }

  /** All commands, or none. */
  setAll(isAllowed: boolean): void {
    this.#bits.fill(isAllowed ? 0xffff_ffff : 0)
    this.#firstArguments.clear()
    this.#rules = []
    this.#startsWithAll = isAllowed
    this.#isAll = isAllowed
  }

  /** Applies `+…` or `-…`. */
  apply(rule: ByteString): RuleFault | undefined {
    const isAllowed = rule[0] === '+'
    const name = rule.slice(1)
    if (name[0] === '@') return this.#applyCategory(name.slice(1).toLowerCase(), isAllowed)
    const bar = isAllowed ? name.lastIndexOf('|') : -1
    if (bar >= 0) return this.#applyPart(name, name.slice(0, bar), name.slice(bar + 1))
    const info = this.#catalog.get(name)
    if (info === undefined) return this.#sayAbsent(name, isAllowed)
    this.#set(info, isAllowed)
    this.#say(info.name, isAllowed)
    return undefined
  }

  /** As rules. */
  toString(): string {
    const rules = this.#rules.map(({ isAllowed, name }) => ` ${isAllowed ? '+' : '-'}${name}`)
    return `${this.#startsWithAll ? '+' : '-'}@all${rules.join('')}`
  }

  #applyCategory(category: string, isAllowed: boolean): RuleFault | undefined {
    if (!CATEGORIES.includes(category)) return 'unknown'
    for (const info of this.#catalog.inCategory(category)) this.#set(info, isAllowed)
    this.#say(`@${category}`, isAllowed)
    return undefined
  }

  /** `+container|subcommand`, or `+command|argument`. */
  #applyPart(name: string, whole: string, part: string): RuleFault | undefined {
    const info = this.#catalog.get(whole)
    if (info === undefined) return this.#sayAbsentPart(name, whole, part)
    if (info.container !== undefined) return 'argumentOfSubcommand'
    if (part === '' || hasSpaces(part)) return 'syntax'
    if (info.isContainer) {
      const subcommand = this.#catalog.get(name)
      if (subcommand === undefined) return this.#sayAbsent(name, true)
      this.#set(subcommand, true)
    } else {
      const words = this.#firstArguments.get(info.index) ?? []
      const word = part.toLowerCase()
      if (!words.includes(word)) this.#firstArguments.set(info.index, [...words, word])
    }
    this.#say(name.toLowerCase(), true)
    return undefined
  }

  /** Keeps a rule for a command that there is only in Redis. */
  #sayAbsent(name: string, isAllowed: boolean): RuleFault | undefined {
    const lower = name.toLowerCase()
    if (!isAbsentCommand(lower)) return 'unknown'
    this.#say(lower, isAllowed)
    return undefined
  }

  /** The same for `+container|subcommand`, or `+command|argument`. */
  #sayAbsentPart(name: string, whole: string, part: string): RuleFault | undefined {
    const lower = whole.toLowerCase()
    if (!isAbsentCommand(lower)) return 'unknown'
    if (lower.includes('|')) return 'argumentOfSubcommand'
    if (part === '' || hasSpaces(part)) return 'syntax'
    if (isAbsentCommand(`${lower}|help`)) return this.#sayAbsent(name, true)
    this.#say(name.toLowerCase(), true)
    return undefined
  }

  #set(info: CommandInfo, isAllowed: boolean): void {
    this.#setBit(info.index, isAllowed)
    this.#firstArguments.delete(info.index)
    if (!info.isContainer) return
    for (const { index } of this.#catalog.subcommandsOf(info.name)) this.#setBit(index, isAllowed)
  }

  /** Keeps a rule as the last, and forgets what it makes void. */
  #say(name: string, isAllowed: boolean): void {
    const part = `${name}|`
    const others = this.#rules.filter((rule) => rule.name !== name && !rule.name.startsWith(part))
    this.#rules = [...others, { isAllowed, name }]
  }

  #bit(index: number): boolean {
    return ((this.#bits[index >>> 5] as number) & (1 << (index & 31))) !== 0
  }

  #setBit(index: number, isAllowed: boolean): void {
    const bit = 1 << (index & 31)
    const word = this.#bits[index >>> 5] as number
    this.#bits[index >>> 5] = isAllowed ? word | bit : word & ~bit
    if (!isAllowed) this.#isAll = false
  }
}
