/**
 * The registry as any thread sees it: names and groups of actors, kept by one actor on the main thread.
 * Tests: test/actor/registry.race.test.ts
 */
import type { ActorAddress } from './address.ts'
import type { ReceiveOf } from './message-types.ts'
import type { Messenger, Owner } from './messenger.ts'
import { ActorRef } from './ref.ts'
import type { registryActor } from './registry-actor.ts'
import type { Registry, RegistryChange, SubscribeOptions } from './registry-api.ts'

/** A subscription waits for as long as nothing changes. */
const SUBSCRIBE_TIMEOUT_MS = 2 ** 31 - 1
const SUBSCRIBE_WINDOW = 64

/** Talks to the registry's actor. */
export class RegistryClient implements Registry {
  readonly #actor: ActorRef<ReceiveOf<typeof registryActor>>

  constructor(messenger: Messenger, owner: Owner | undefined, address: ActorAddress) {
    this.#actor = new ActorRef(messenger, owner, address)
  }

  async register(name: string, ref: ActorRef): Promise<void> {
    await this.#actor.ask('register', { name, ref })
  }

  unregister(name: string): Promise<boolean> {
    return this.#actor.ask('unregister', name)
  }

  find(name: string): Promise<ActorRef | undefined> {
    return this.#actor.ask('find', name)
  }

  async join(group: string, ref: ActorRef): Promise<void> {
    await this.#actor.ask('join', { group, ref })
  }

  async leave(group: string, ref: ActorRef): Promise<void> {
    await this.#actor.ask('leave', { group, ref })
  }

  members(group: string): Promise<ActorRef[]> {
    return this.#actor.ask('members', group)
  }

  subscribe(options: SubscribeOptions = {}): AsyncIterableIterator<RegistryChange> {
    return this.#actor.stream('subscribe', undefined, {
      ...options,
      timeoutMs: SUBSCRIBE_TIMEOUT_MS,
      window: SUBSCRIBE_WINDOW,
    })
  }
}
