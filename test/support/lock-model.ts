/**
 * Locks as simply as they can be said: a list of leases and one list of all who wait, in order of arrival.
 *
 * Whenever time has passed or something has changed, what is over goes, and the first in the list who can
 * enter enters, until nobody can. No queues, no heap, no touching: slow, and hard to get wrong.
 */
import type { LockRequest } from '../../src/keyspace/engine/locks/lock.ts'

interface Lease {
  readonly name: string
  readonly owner: string
  readonly mode: string
  readonly limit: number
  endMs: number
  entries: number
}

interface Wait {
  readonly id: number
  readonly request: LockRequest
  readonly endMs: number
}

/** A lock as both, the model and the table, show it. */
export interface ShownLock {
  readonly holders: readonly { owner: string; mode: string; entries: number; endMs: number }[]
  readonly waiters: readonly string[]
}

export class LockModel {
  nowMs = 1000
  /** `id kind` of waits that have ended, in any order. */
  ended: string[] = []
  #leases: Lease[] = []
  #waits: Wait[] = []

  /** `granted`, `busy`, `waits`, or `refused`. */
  acquire(id: number, request: LockRequest): string {
    this.#settle()
    const names = [...new Set(request.names)]
    for (const name of names) {
      const used = [
        ...this.#leases.filter((lease) => lease.name === name).map(({ limit }) => limit),
        ...this.#waits.filter((wait) => wait.request.names.includes(name)).map((wait) => wait.request.limit),
      ]
      if (used.some((limit) => limit !== request.limit)) return 'refused'
      if (request.mode === 'exclusive' && this.#lease(name, request.owner)?.mode === 'shared')
        return 'refused'
    }
    this.#waits.push({ id, request, endMs: this.nowMs + request.waitMs })
    if (this.#canEnter(this.#waits.length - 1)) {
      this.#enter(this.#waits.pop()!.request)
      return 'granted'
    }
    if (request.waitMs > 0) return 'waits'
    this.#waits.pop()
    return 'busy'
  }

  renew(name: string, owner: string, ttlMs: number): boolean {
    this.#settle()
    const lease = this.#lease(name, owner)
    if (lease === undefined) return false
    lease.endMs = Math.max(lease.endMs, this.nowMs + ttlMs)
    return true
  }

  release(name: string, owner: string): boolean {
    this.#settle()
    const lease = this.#lease(name, owner)
    if (lease === undefined) return false
    if (--lease.entries === 0) this.#leases.splice(this.#leases.indexOf(lease), 1)
    this.#settle()
    return true
  }

  cancel(id: number): void {
    this.#settle()
    const index = this.#waits.findIndex((wait) => wait.id === id)
    if (index < 0) return
    this.#waits.splice(index, 1)
    this.ended.push(`${id} cancelled`)
    this.#settle()
  }

  pass(ms: number): void {
    this.nowMs += ms
    this.#settle()
  }

  show(name: string): ShownLock {
    return {
      holders: this.#leases
        .filter((lease) => lease.name === name)
        .map(({ owner, mode, entries, endMs }) => ({ owner, mode, entries, endMs })),
      waiters: this.#waits
        .filter(({ request }) => request.names.includes(name))
        .map(({ request }) => request.owner),
    }
  }

  #lease(name: string, owner: string): Lease | undefined {
    return this.#leases.find((lease) => lease.name === name && lease.owner === owner)
  }

  #settle(): void {
    for (const { id } of this.#waits.filter(({ endMs }) => endMs <= this.nowMs)) {
      this.ended.push(`${id} timeout`)
    }
    this.#waits = this.#waits.filter(({ endMs }) => endMs > this.nowMs)
    this.#leases = this.#leases.filter(({ endMs }) => endMs > this.nowMs)
    for (;;) {
      const index = this.#waits.findIndex((_, i) => this.#canEnter(i))
      if (index < 0) return
      const [wait] = this.#waits.splice(index, 1)
      this.#enter(wait!.request)
      this.ended.push(`${wait!.id} granted`)
    }
  }

  /** Whether the one at this place in the list may have all that it wants. */
  #canEnter(index: number): boolean {
    const { request } = this.#waits[index]!
    return [...new Set(request.names)].every((name) => {
      const held = this.#leases.filter((lease) => lease.name === name)
      const own = held.find(({ owner }) => owner === request.owner)
      if (own !== undefined && (own.mode === request.mode || own.mode === 'exclusive')) {
        // Who waits for one lock only, and was not its holder when it asked, keeps its turn.
        return true
      }
      if (this.#waits.slice(0, index).some((wait) => wait.request.names.includes(name))) return false
      if (held.length === 0) return true
      if (request.mode === 'semaphore') return held.length < request.limit
      return request.mode === 'shared' && held.every(({ mode }) => mode === 'shared')
    })
  }

  #enter(request: LockRequest): void {
    const { owner, mode, limit, ttlMs } = request
    const endMs = this.nowMs + ttlMs
    for (const name of new Set(request.names)) {
      const own = this.#lease(name, owner)
      if (own === undefined) this.#leases.push({ name, owner, mode, limit, endMs, entries: 1 })
      else {
        own.entries++
        own.endMs = Math.max(own.endMs, endMs)
      }
    }
  }
}
