/** The entry `shardloom/actor`: what a module that defines an actor needs, without the runtime behind it. */
export { ShardloomError, type Transferred, transfer } from '../base/index.ts'
export type { ActorContext, ActorTimers } from './context.ts'
export {
  type ActorDefinition,
  defineActor,
  type ErrorDirective,
  type ErrorInfo,
} from './define-actor.ts'
export type { MailboxOptions, MailboxPolicy } from './mailbox-options.ts'
export type { ActorRef, ActorRefOf } from './ref.ts'
export type { Signal, Terminated } from './signal.ts'
export type { TerminationReason } from './termination.ts'
