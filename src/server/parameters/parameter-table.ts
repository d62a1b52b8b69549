/**
 * The table of all parameters. Whatever names one is derived from it: `CONFIG`, flags, variables, files, help
 * texts and the reference page.
 *
 * When you add a parameter: a field in the values of its part and a row beside it. `live` says that somebody
 * listens to its changes.
 *
 * Tests: test/server/parameters/parameter-table.test.ts
 */
import { assert } from '../../base/index.ts'
import { COMPATIBLE } from './compatible-rows.ts'
import { HOST_ROWS, type HostValues } from './host-rows.ts'
import { KEYSPACE_ROWS, type KeyspaceValues } from './keyspace-rows.ts'
import { NETWORK_ROWS, type NetworkValues } from './network-rows.ts'
import type { Parameter, ParameterRow } from './parameter.ts'
import type { ParameterValue } from './parameter-type.ts'
import { SECURITY_ROWS, type SecurityValues } from './security-rows.ts'

/** Every value that has an effect, by the names of options. */
export interface ParameterValues extends NetworkValues, SecurityValues, KeyspaceValues, HostValues {}

/** The name of an option that has an effect. */
export type ParameterOption = keyof ParameterValues

const ROWS: Readonly<Record<string, ParameterRow<ParameterValue>>> = {
  ...NETWORK_ROWS,
  ...SECURITY_ROWS,
  ...KEYSPACE_ROWS,
  ...HOST_ROWS,
} as Readonly<Record<string, ParameterRow<ParameterValue>>>

/** All of them: first those with an effect. */
export const PARAMETERS: readonly Parameter[] = [
  ...Object.entries(ROWS).map(([option, row]) => ({ ...row, option })),
  ...COMPATIBLE,
]

const BY_NAME = new Map<string, Parameter>()
const BY_ANY_NAME = new Map<string, Parameter>()
const BY_OPTION = new Map(PARAMETERS.map((parameter) => [parameter.option, parameter]))

for (const parameter of PARAMETERS) {
  for (const name of [parameter.name, ...parameter.aliases]) {
    assert(!BY_NAME.has(name), 'each parameter has names of its own')
    BY_NAME.set(name, parameter)
  }
}
for (const parameter of PARAMETERS) {
  const { name, aliases, shortNames, option } = parameter
  for (const word of new Set([name, ...aliases, ...shortNames, option].map(withoutDashes))) {
    const other = BY_ANY_NAME.get(word)
    assert(other === undefined || other === parameter, 'no short name is that of another parameter')
    BY_ANY_NAME.set(word, parameter)
  }
}

/** The parameter that Redis' clients call so, in letters of any case. */
export function parameterNamed(name: string): Parameter | undefined {
  const parameter = BY_NAME.get(name.toLowerCase())
  return parameter?.isDirective === true ? undefined : parameter
}

/** The parameter that a flag, a variable, a file or an option calls so; capitals and dashes do not matter. */
export function parameterOfAnyName(name: string): Parameter | undefined {
  return BY_ANY_NAME.get(withoutDashes(name))
}

/** The parameter of an option with an effect. */
export function parameterOfOption(option: ParameterOption): Parameter {
  const parameter = BY_OPTION.get(option)
  assert(parameter !== undefined, 'an option has a row in the table')
  return parameter
}

function withoutDashes(name: string): string {
  return name.replaceAll(/[-_]/g, '').toLowerCase()
}

/** Names under which `CONFIG GET` shows parameters, in the order of the table. */
export const SHOWN_NAMES: readonly string[] = [...BY_NAME.entries()]
  .filter(([, { isDirective }]) => !isDirective)
  .map(([name]) => name)
