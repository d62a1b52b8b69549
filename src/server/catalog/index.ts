/** What the rest of the server may use of its catalog of commands. */
export type { ArgumentType } from './argument-names.ts'
export { type ArgumentFlag, argumentsOf, type CommandArgument } from './command-arguments.ts'
export { CommandCatalog } from './command-catalog.ts'
export { CATEGORIES, type CommandInfo } from './command-info.ts'
export {
  type CommandReply,
  commandCountReply,
  commandDocsReply,
  commandGetKeysAndFlagsReply,
  commandGetKeysReply,
  commandHelpReply,
  commandInfoReply,
  commandListReply,
  commandReply,
} from './command-replies.ts'
export { helpReply } from './docs-reply.ts'
export type { KeyAccess, KeySpecification, RequestKey } from './key-specification.ts'
export type { RequestChannel } from './request-keys.ts'
export { checkSelectors, isSelected, unknownSelector } from './selected-names.ts'
export type { ServerCommandSpec, ServerFlag } from './server-command-spec.ts'
export {
  PROGRESS_MS_MAX,
  PROGRESS_MS_MIN,
  parseWatch,
  type WatchedName,
  type WatchFault,
  type WatchRequest,
} from './watched-names.ts'
