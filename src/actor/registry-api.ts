/** The registry as its users see it: names and groups of actors. Implemented by `registry-client.ts`. */
import type { ActorRef } from './ref.ts'

/** One change of the registry. */
export type RegistryChange =
  | { readonly type: 'registered' | 'unregistered'; readonly name: string; readonly ref: ActorRef }
  | { readonly type: 'joined' | 'left'; readonly group: string; readonly ref: ActorRef }

/** Options of `subscribe`. */
export interface SubscribeOptions {
  readonly signal?: AbortSignal
}

/** Names and groups. An actor that ends leaves all of them by itself. */
export interface Registry {
  /** @throws SHL_NAME_TAKEN */
  register(name: string, ref: ActorRef): Promise<void>
  /** True when the name was taken. */
  unregister(name: string): Promise<boolean>
  find(name: string): Promise<ActorRef | undefined>
  join(group: string, ref: ActorRef): Promise<void>
  leave(group: string, ref: ActorRef): Promise<void>
  members(group: string): Promise<ActorRef[]>
  /** Every change from now on, in order. Ends with `return()`, `break` or the signal. */
  subscribe(options?: SubscribeOptions): AsyncIterableIterator<RegistryChange>
}
