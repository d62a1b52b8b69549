/**
 * One value that somebody gave, with where it came from; and how the values of one source are collected.
 *
 * All sources go through here, so that a wrong name or value is told alike, wherever it stands: with its
 * name, its value, its place, what is allowed, and the nearest name that exists. The value of a secret is
 * never told.
 *
 * Tests: test/host/load-configuration.test.ts
 */
import { nearestName, ShardloomError } from '../base/index.ts'
import {
  PARAMETERS,
  type Parameter,
  type ParameterValue,
  type Parsed,
  parameterOfAnyName,
  parseOption,
  yesNoWord,
} from '../server/parameters/index.ts'

/** A value and its place: `flag --port`, `variable SHARDLOOM_PORT`, `shardloom.toml:3`. */
export interface Setting {
  readonly parameter: Parameter
  readonly value: ParameterValue
  readonly origin: string
}

export const HIDDEN = '(hidden)'

/** The values of one source. What is given later wins, or adds up where the parameter is of that kind. */
export class SettingsSource {
  readonly settings: Map<string, Setting> = new Map()

  /** Takes words, as of a flag or of a line. @throws SHL_PARAMETER_UNKNOWN, SHL_PARAMETER_INVALID */
  takeWords(name: string, words: readonly string[], origin: string): void {
    const parameter = namedParameter(name, origin)
    const { type } = parameter
    const parsed = type.parse(
      words.map((word) => yesNoWord(type, word)),
      this.#before(parameter),
    )
    this.#take(parameter, parsed, words.join(' '), origin)
  }

  /** Takes a value of a program or a TOML file. @throws SHL_PARAMETER_UNKNOWN, SHL_PARAMETER_INVALID */
  takeOption(name: string, value: unknown, origin: string): void {
    const parameter = namedParameter(name, origin)
    const twice = this.settings.get(parameter.name)
    if (twice !== undefined) {
      invalid(parameter, shownOption(value), origin, `it stands at ${twice.origin} as well`)
    }
    const parsed = parseOption(parameter.type, value, parameter.default)
    const isOdd = parsed === undefined
    this.#take(parameter, isOdd ? { refusal: 'no such kind of value' } : parsed, shownOption(value), origin)
  }

  #before({ name, default: fallback, type }: Parameter): ParameterValue {
    return type.isCumulative === true ? (this.settings.get(name)?.value ?? fallback) : fallback
  }

  #take(parameter: Parameter, parsed: Parsed<ParameterValue>, shown: string, origin: string): void {
    if ('refusal' in parsed) invalid(parameter, shown, origin, parsed.refusal)
    this.settings.set(parameter.name, { parameter, value: parsed.value, origin })
  }
}

/** The parameter of that name. @throws SHL_PARAMETER_UNKNOWN */
export function namedParameter(name: string, origin: string): Parameter {
  const parameter = parameterOfAnyName(name)
  if (parameter !== undefined) return parameter
  // Of names that are written alike: a file of ours may use either way.
  const isOption = /[A-Z]/.test(name) && !/[-_]/.test(name) && name !== name.toUpperCase()
  const known = PARAMETERS.flatMap((one) =>
    isOption ? [one.option] : [one.name, ...one.aliases, ...one.shortNames],
  )
  throw new ShardloomError('SHL_PARAMETER_UNKNOWN', { name, origin, nearest: nearestName(name, known) })
}

/** @throws SHL_PARAMETER_INVALID */
export function invalid(parameter: Parameter, shown: string, origin: string, reason: string): never {
  const { name, isSecret, type } = parameter
  throw new ShardloomError('SHL_PARAMETER_INVALID', {
    name,
    value: isSecret ? HIDDEN : shown,
    origin,
    reason,
    allowed: type.allowed,
  })
}

function shownOption(value: unknown): string {
  if (typeof value === 'string') return value
  // As TOML writes what JSON cannot.
  const shown = (one: unknown): string | undefined =>
    typeof one === 'number' && !Number.isFinite(one)
      ? String(one).replace('Infinity', 'inf').toLowerCase()
      : undefined
  return shown(value) ?? JSON.stringify(value, (_, one: unknown) => shown(one) ?? one)
}
