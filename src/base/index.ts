/** What the other folders may use of `base`. */
export { addAbortListener } from './abort-listeners.ts'
export { assert, unreachable } from './assert.ts'
export { type Clock, systemClock, type TimerHandle } from './clock.ts'
export type { Disk, DiskFile, DiskMode } from './disk.ts'
export { ERROR_CODES, type ErrorCode, type ErrorCodeRow } from './error-codes.ts'
export { type ErrorDetails, formatErrorMessage, ShardloomError, toError } from './errors.ts'
export { LimitedLines, type LimitedLinesOptions } from './limited-lines.ts'
export {
  checkKnownOptions,
  choiceOption,
  invalidOption,
  type NumberRange,
  nearestName,
  numberOption,
} from './options.ts'
export { type Random, seededRandom } from './random.ts'
export { Transferred, transfer, type Untransferred } from './transferred.ts'
export { VERSION } from './version.ts'
export { orLate, within } from './within.ts'
