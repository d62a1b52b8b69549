/**
 * The values of a server: what was given, what follows from it, what was changed, and who wants to know.
 *
 * A change has two steps, since a server has many threads and each has a store: `check` reads and refuses,
 * and says what would change, as plain data; `apply` puts that into this store, or into one of another
 * thread, and tells the listeners. Between the two whoever must agree may refuse (a port that is taken).
 *
 * Invariants: a change of several parameters is made as a whole or not at all. A store never holds a value
 * that its type refuses.
 *
 * Cost: `get` is two looks into maps, some 20 ns; hot code keeps what it reads and listens.
 * Tests: test/server/parameters/parameter-store.test.ts
 */
import { assert, invalidOption, nearestName, ShardloomError } from '../../base/index.ts'
import { type ByteString, type ErrorReply, err } from '../../keyspace/engine/index.ts'
import type { Parameter } from './parameter.ts'
import {
  PARAMETERS,
  type ParameterOption,
  type ParameterValues,
  parameterNamed,
  parameterOfAnyName,
  parameterOfOption,
} from './parameter-table.ts'
import { type ParameterValue, parseOption } from './parameter-type.ts'

/** One change, as plain data. */
export interface ParameterChange {
  /** The name that it was asked by, of which errors speak. */
  readonly asked: ByteString
  readonly name: string
  readonly value: ParameterValue
  /** Of a change that takes another one back: whether the value was given, and changed, before that. */
  readonly was?: { readonly isGiven: boolean; readonly isSet: boolean }
}

/** Options of a server: any of the values; lists also as text, `true` and `false` for yes and no. */
export type ParameterOptions = { readonly [K in ParameterOption]?: ParameterValues[K] | string }

/**
 * Told after a change, with all that has changed; `isInverse`: it takes back one that was not made
 * everywhere.
 */
export type ParameterListener = (
  changed: readonly ParameterOption[],
  store: ParameterStore,
  isInverse: boolean,
) => void

/** Who asks, where that matters. */
export interface ChangeRights {
  /** Whether the client is on this machine: for `enable-protected-configs local`. */
  readonly isLocal: boolean
}

/** The values of a store, as plain data. */
export interface StoreSnapshot {
  readonly values: readonly (readonly [name: string, value: ParameterValue])[]
  readonly given: readonly string[]
  /** Changed since the start. */
  readonly set: readonly string[]
}

interface Listening {
  readonly options: ReadonlySet<string>
  readonly listener: ParameterListener
}

/** The values of one server, on one thread. */
export class ParameterStore {
  readonly #values = new Map<string, ParameterValue>()
  readonly #given = new Set<string>()
  readonly #set = new Set<string>()
  readonly #listening = new Set<Listening>()

  /** `given`: values by names, that their types have read. The rest is as the table says, or follows. */
  constructor(given: Iterable<readonly [name: string, value: ParameterValue]> = []) {
    for (const { name, default: value } of PARAMETERS) this.#values.set(name, value)
    for (const [name, value] of given) {
      assert(this.#values.has(name), 'a parameter of the table is given')
      this.#values.set(name, value)
      this.#given.add(name)
    }
    this.#derive()
  }

  /** A store of options as a program gives them. @throws SHL_OPTION_UNKNOWN, SHL_OPTION_INVALID */
  static of(options: ParameterOptions): ParameterStore {
    return new ParameterStore(readOptions(options))
  }

  /** The same of what a runtime serves that has its keyspace, threads and log already. */
  static ofServer(options: ParameterOptions): ParameterStore {
    if (typeof options !== 'object' || options === null) {
      invalidOption('serve', options, 'an object of options, such as { port: 6379 }')
    }
    for (const [option, value] of Object.entries(options)) {
      const parameter = parameterOfAnyName(option)
      if (value === undefined || parameter === undefined || !isOfRuntime(parameter)) continue
      const place = parameter.part === 'keyspace' ? 'createRuntime takes it' : '`shardloom serve` does it'
      invalidOption(`serve.${option}`, parameter.isSecret ? '(hidden)' : value, `nothing here: ${place}`)
    }
    return ParameterStore.of(options)
  }

  /** The value of an option. */
  get<K extends ParameterOption>(option: K): ParameterValues[K] {
    return this.valueOf(parameterOfOption(option)) as ParameterValues[K]
  }

  /** The value of any parameter. */
  valueOf(parameter: Parameter): ParameterValue {
    return this.#values.get(parameter.name)!
  }

  /** As `CONFIG GET` shows it, secrets as well; undefined: there is no such parameter. */
  text(name: string): ByteString | undefined {
    const parameter = parameterNamed(name)
    return parameter?.type.print(this.valueOf(parameter))
  }

  /** Takes a value for what nobody has given: it follows from something else. */
  assume<K extends ParameterOption>(option: K, value: ParameterValues[K]): void {
    if (!this.isGiven(option)) this.#values.set(parameterOfOption(option).name, value as ParameterValue)
  }

  /** Whether it was given or changed, and is not the value of the table. */
  isGiven(option: ParameterOption): boolean {
    return this.#given.has(parameterOfOption(option).name)
  }

  /** Whether it was given or changed, for any parameter by its name. */
  isGivenName(name: string): boolean {
    return this.#given.has(name)
  }

  /** Whether it was changed since the start. */
  isSet({ name }: Parameter): boolean {
    return this.#set.has(name)
  }

  /** Whether it has another value than the table says. */
  isChanged(parameter: Parameter): boolean {
    const { type, default: fallback } = parameter
    return type.print(this.valueOf(parameter)) !== type.print(fallback)
  }

  /** All values, as plain data for the store of another thread. */
  snapshot(): StoreSnapshot {
    return { values: [...this.#values], given: [...this.#given], set: [...this.#set] }
  }

  /** A store with the values of another. */
  static from({ values, given, set }: StoreSnapshot): ParameterStore {
    const store = new ParameterStore()
    for (const [name, value] of values) store.#values.set(name, value)
    for (const name of given) store.#given.add(name)
    for (const name of set) store.#set.add(name)
    return store
  }

  /** Takes the values of another, and tells who listens of those that differ. */
  restore({ values, given, set }: StoreSnapshot): void {
    this.apply(
      values.flatMap(([name, value]) => {
        const type = parameterNamed(name)?.type
        const isSame = type === undefined || type.print(this.#values.get(name)!) === type.print(value)
        return isSame ? [] : [{ asked: name, name, value }]
      }),
    )
    for (const name of given) this.#given.add(name)
    for (const name of set) this.#set.add(name)
  }

  /** What `CONFIG SET` would change, or why it may not: in Redis' words. Nothing is changed yet. */
  check(
    pairs: readonly (readonly [name: ByteString, value: ByteString])[],
    rights: ChangeRights = { isLocal: true },
  ): ErrorReply | readonly ParameterChange[] {
    const asked: { name: ByteString; word: ByteString; parameter: Parameter }[] = []
    for (const [name, word] of pairs) {
      const parameter = parameterNamed(name)
      if (parameter === undefined) {
        return err(`Unknown option or number of arguments for CONFIG SET - '${name}'`)
      }
      const refusal = this.#fixed(parameter, rights)
      if (refusal !== undefined) return setFailed(name, refusal)
      if (
        asked.some(
          (other) => other.parameter === parameter && other.name.toLowerCase() === name.toLowerCase(),
        )
      ) {
        return setFailed(name, 'duplicate parameter')
      }
      asked.push({ name, word, parameter })
    }
    const changes: ParameterChange[] = []
    for (const { name, word, parameter } of asked) {
      const parsed = parameter.type.parse([word], this.valueOf(parameter))
      if ('refusal' in parsed) return setFailed(name, parsed.refusal)
      changes.push({ asked: name, name: parameter.name, value: parsed.value })
    }
    return changes
  }

  /** The changes that take these back. */
  inverseOf(changes: readonly ParameterChange[]): readonly ParameterChange[] {
    return changes.map(({ asked, name }) => {
      const was = { isGiven: this.#given.has(name), isSet: this.#set.has(name) }
      return { asked, name, value: this.#values.get(name)!, was }
    })
  }

  /** Puts changes that `check` has made into this store, and tells who listens. */
  apply(changes: readonly ParameterChange[]): void {
    const changed: ParameterOption[] = []
    for (const { name, value, was } of changes) {
      const parameter = parameterNamed(name)
      assert(parameter !== undefined, 'a change is of a parameter of the table')
      const { type, option } = parameter
      const isSame = type.print(this.valueOf(parameter)) === type.print(value)
      this.#values.set(name, value)
      if (was === undefined) this.#mark(name)
      else this.#unmark(name, was)
      if (!isSame) changed.push(option as ParameterOption)
    }
    if (changed.length === 0) return
    // Where it listens stays so after a new start, whatever would follow from a password then.
    if (changed.includes('requirePass')) this.#mark('bind')
    const isInverse = changes.some(({ was }) => was !== undefined)
    for (const { options, listener } of [...this.#listening]) {
      const concerned = options.size === 0 ? changed : changed.filter((option) => options.has(option))
      if (concerned.length > 0) listener(concerned, this, isInverse)
    }
  }

  /** `check` and `apply`, where nobody else has to agree. */
  set(
    pairs: readonly (readonly [name: ByteString, value: ByteString])[],
    rights?: ChangeRights,
  ): ErrorReply | undefined {
    const checked = this.check(pairs, rights)
    if (!('length' in checked)) return checked
    this.apply(checked)
    return undefined
  }

  /** Tells of changes of these options, or of all where none is named. What is returned ends it. */
  onChange(options: readonly ParameterOption[], listener: ParameterListener): () => void {
    const listening = { options: new Set<string>(options), listener }
    this.#listening.add(listening)
    return () => void this.#listening.delete(listening)
  }

  #unmark(name: string, { isGiven, isSet }: NonNullable<ParameterChange['was']>): void {
    if (!isGiven) this.#given.delete(name)
    if (!isSet) this.#set.delete(name)
  }

  #mark(name: string): void {
    this.#given.add(name)
    this.#set.add(name)
  }

  #fixed({ isMutable }: Parameter, { isLocal }: ChangeRights): string | undefined {
    if (isMutable === true || isMutable === 'same') return undefined
    if (isMutable === false) return "can't set immutable config"
    const allowed = this.get('enableProtectedConfigs')
    return allowed === 'yes' || (allowed === 'local' && isLocal) ? undefined : "can't set protected config"
  }

  /** What follows from other values, where it was not given itself. */
  #derive(): void {
    const hasFiles = this.get('dir') !== ''
    if (this.get('durability') === 'auto') {
      const isSynced = this.get('appendOnly') && this.get('appendFsync') === 'always'
      this.#values.set('durability', hasFiles ? (isSynced ? 'fsync' : 'os') : 'memory')
    }
    if (!this.isGiven('appendOnly')) this.#values.set('appendonly', this.get('durability') !== 'memory')
    if (!this.isGiven('appendFsync') && this.get('durability') === 'fsync') {
      this.#values.set('appendfsync', 'always')
    }
  }

  /** Where to listen, unless it was given: at all addresses if nobody is served unnamed, else here alone. */
  assumeBind(isOpen: boolean): void {
    if (isOpen) this.assume('bind', parameterOfOption('bind').default as ParameterValues['bind'])
    else this.assume('bind', ['*', '-::*'])
  }
}

/** The refusal of a `CONFIG SET`. */
export function setFailed(name: ByteString, reason: string): ErrorReply {
  return err(`CONFIG SET failed (possibly related to argument '${name}') - ${reason}`)
}

/** Whether it is settled before a server begins, so that it would have no effect. */
export function isOfRuntime({ part, effect }: Parameter): boolean {
  return part === 'host' || (part === 'keyspace' && effect === 'start')
}

/** Reads options. @throws SHL_OPTION_UNKNOWN, SHL_OPTION_INVALID */
function readOptions(options: ParameterOptions): [string, ParameterValue][] {
  return Object.entries(options).flatMap(([option, value]) => {
    if (value === undefined) return []
    const parameter = parameterOfAnyName(option)
    if (parameter === undefined) {
      throw new ShardloomError('SHL_OPTION_UNKNOWN', {
        where: 'serve',
        option,
        nearest: nearestName(
          option,
          PARAMETERS.map((one) => one.option),
        ),
      })
    }
    const { type, isSecret, default: before } = parameter
    const isValue = type.isGivenAsValue === true && typeof value === 'number'
    const parsed = parseOption(type, isValue ? type.print(value) : value, before)
    if (parsed === undefined || 'refusal' in parsed) {
      const shown = isSecret ? '(hidden)' : JSON.stringify(value)
      throw new ShardloomError('SHL_OPTION_INVALID', {
        option: `serve.${option}`,
        value: shown,
        allowed: type.allowed,
      })
    }
    return [[parameter.name, parsed.value] as [string, ParameterValue]]
  })
}
