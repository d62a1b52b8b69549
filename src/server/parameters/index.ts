/** What the other folders may use of the parameters: the table, a store of values, and `CONFIG`. */
export { confWords } from './conf-line.ts'
export {
  type ChangeVeto,
  CONFIG_HELP,
  configGet,
  configSet,
  NO_CONFIG_FILE,
} from './config-replies.ts'
export type { BufferLimit, BufferLimits } from './list-types.ts'
export type { Parameter, ParameterEffect, ParameterPart } from './parameter.ts'
export {
  type ChangeRights,
  isOfRuntime,
  type ParameterChange,
  type ParameterListener,
  type ParameterOptions,
  ParameterStore,
  type StoreSnapshot,
} from './parameter-store.ts'
export {
  PARAMETERS,
  type ParameterOption,
  type ParameterValues,
  parameterNamed,
  parameterOfAnyName,
} from './parameter-table.ts'
export {
  type ParameterType,
  type ParameterValue,
  type Parsed,
  parseOption,
  yesNoWord,
} from './parameter-type.ts'
export { isWorthAdding, type Rewritten, rewriteConf } from './rewrite-conf.ts'
