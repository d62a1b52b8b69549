/**
 * The registry: one actor on the main thread that keeps names and groups, and tells subscribers of every
 * change.
 *
 * It is an ordinary actor, so that registering is ordered with everything else that goes through a mailbox,
 * and it watches whatever is registered, so that an actor that ends leaves by itself, whatever way it went. A
 * subscriber that does not read is cut with an error after `BACKLOG_MAX` changes: memory stays bounded.
 *
 * Source: Erlang's `register` and `pg`, Akka's Receptionist. Tests: test/actor/registry.race.test.ts
 */
import { ShardloomError } from '../base/index.ts'
import type { ActorContext } from './context.ts'
import { defineActor } from './define-actor.ts'
import type { ActorRef } from './ref.ts'
import type { RegistryChange } from './registry-api.ts'

const BACKLOG_MAX = 4096

interface Subscriber {
  readonly backlog: RegistryChange[]
  wake: () => void
  isOverrun: boolean
}

interface RegistryState {
  readonly names: Map<string, ActorRef>
  readonly groups: Map<string, Map<string, ActorRef>>
  readonly subscribers: Set<Subscriber>
}

export const registryActor = defineActor({
  name: 'registry',
  mailbox: { depthMax: 1 << 20, policy: 'wait' },
  init: (): RegistryState => ({ names: new Map(), groups: new Map(), subscribers: new Set() }),
  receive: {
    register(state, { name, ref }: { name: string; ref: ActorRef }, ctx) {
      const holder = state.names.get(name)
      if (holder !== undefined) {
        if (holder.equals(ref)) return
        throw new ShardloomError('SHL_NAME_TAKEN', { name, holder: holder.toString() })
      }
      state.names.set(name, ref)
      ctx.watch(ref)
      publish(state, { type: 'registered', name, ref })
    },
    unregister(state, name: string, ctx) {
      const ref = state.names.get(name)
      if (ref === undefined) return false
      state.names.delete(name)
      publish(state, { type: 'unregistered', name, ref })
      unwatchIfUnused(state, ref, ctx)
      return true
    },
    find(state, name: string) {
      return state.names.get(name)
    },
    join(state, { group, ref }: { group: string; ref: ActorRef }, ctx) {
      let members = state.groups.get(group)
      if (members === undefined) {
        members = new Map()
        state.groups.set(group, members)
      }
      if (members.has(ref.address)) return
      members.set(ref.address, ref)
      ctx.watch(ref)
      publish(state, { type: 'joined', group, ref })
    },
    leave(state, { group, ref }: { group: string; ref: ActorRef }, ctx) {
      if (leaveGroup(state, group, ref)) unwatchIfUnused(state, ref, ctx)
    },
    members(state, group: string) {
      return [...(state.groups.get(group)?.values() ?? [])]
    },
    async *subscribe(state, _payload: undefined, ctx): AsyncGenerator<RegistryChange> {
      const subscriber: Subscriber = { backlog: [], wake: () => undefined, isOverrun: false }
      state.subscribers.add(subscriber)
      const { signal } = ctx
      signal.addEventListener('abort', () => subscriber.wake(), { once: true })
      try {
        while (!signal.aborted) {
          const change = subscriber.backlog.shift()
          if (change !== undefined) {
            yield change
          } else if (subscriber.isOverrun) {
            throw new ShardloomError('SHL_STREAM_CANCELLED', { actor: 'registry', type: 'subscribe' })
          } else {
            await new Promise<void>((resolve) => {
              subscriber.wake = resolve
            })
          }
        }
      } finally {
        state.subscribers.delete(subscriber)
      }
    },
  },
  onSignal(state, signal) {
    for (const [name, ref] of state.names) {
      if (!ref.equals(signal.ref)) continue
      state.names.delete(name)
      publish(state, { type: 'unregistered', name, ref })
    }
    for (const group of state.groups.keys()) leaveGroup(state, group, signal.ref)
  },
})

function leaveGroup(state: RegistryState, group: string, ref: ActorRef): boolean {
  const members = state.groups.get(group)
  if (members?.delete(ref.address) !== true) return false
  if (members.size === 0) state.groups.delete(group)
  publish(state, { type: 'left', group, ref })
  return true
}

function unwatchIfUnused(state: RegistryState, ref: ActorRef, ctx: ActorContext): void {
  const isNamed = [...state.names.values()].some((named) => named.equals(ref))
  const isMember = [...state.groups.values()].some((members) => members.has(ref.address))
  if (!isNamed && !isMember) ctx.unwatch(ref)
}

function publish(state: RegistryState, change: RegistryChange): void {
  for (const subscriber of state.subscribers) {
    if (subscriber.backlog.length >= BACKLOG_MAX) subscriber.isOverrun = true
    else subscriber.backlog.push(change)
    subscriber.wake()
  }
}
