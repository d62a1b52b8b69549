/** What the other folders, and `shardloom/actor`, may use of `actor`. */
export { isSuspended, setSuspended, setTrace, TRACE_MAX, type TraceRecord } from './actor-flags.ts'
export { ActorSystem, type SystemEvent, type SystemParts, type SystemSettings } from './actor-system.ts'
export { type ActorAddress, FIRST_GENERATION, formatAddress, GUARDIAN_SLOT } from './address.ts'
export { contextHost } from './cell-context.ts'
export type { ActorContext, ActorTimers } from './context.ts'
export { DEAD_LETTER_REASONS, type DeadLetter, type DeadLetterReason } from './dead-letters.ts'
export {
  type ActorDefinition,
  type AnyActorDefinition,
  checkMailbox,
  defineActor,
  type ErrorDirective,
  type ErrorInfo,
  type HandlerMap,
  isActorDefinition,
} from './define-actor.ts'
export type { Dispatch } from './dispatch.ts'
export { contextsOf } from './handling.ts'
export type { MailboxOptions, MailboxPolicy } from './mailbox-options.ts'
export { MessageTiming, type MessageUnderWay, messageUnderWay } from './message-timing.ts'
export type {
  AnswerOf,
  ArgsOf,
  DefinitionShape,
  ItemOf,
  MessageType,
  PayloadArguments,
  PayloadOf,
  ReceiveOf,
} from './message-types.ts'
export type {
  AskOptions,
  Messenger,
  OfferOptions,
  Owner,
  StopMode,
  StopOptions,
  StreamOptions,
  TellOptions,
} from './messenger.ts'
export { ActorRef, type ActorRefOf } from './ref.ts'
export { registryActor } from './registry-actor.ts'
export type { Registry, RegistryChange, SubscribeOptions } from './registry-api.ts'
export { ActorRouter, type RouterOptions, type RouterStrategy } from './router.ts'
export type { Signal, Terminated } from './signal.ts'
export type { Placement, SpawnOptions, ThreadResourceLimits } from './spawn-options.ts'
export { describeReason, isAbnormal, type TerminationReason, type ThreadLossCause } from './termination.ts'
