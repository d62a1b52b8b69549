/**
 * Locks, semaphores and rate limiters, typed.
 * Tests: test/keyspace/locks.race.test.ts, test/keyspace/locks.prop.test.ts, lock-kin.prop.test.ts
 */
import { addAbortListener, ShardloomError } from '../../base/index.ts'
import type { Reply } from '../engine/index.ts'
import { CommandCaller, type KeyspaceInput, pairsOf, textOf } from './caller.ts'
import type { CommandClient } from './command-client.ts'
import { KeyspaceLock } from './lock.ts'
import { LockAcquirer } from './lock-acquirer.ts'
import type { OwnerLife } from './lock-lease.ts'
import {
  type LockOptions,
  type LockWant,
  lockWant,
  placesOf,
  type SemaphoreOptions,
  type TryLockOptions,
  type TrySemaphoreOptions,
} from './lock-options.ts'

/** Someone who holds a lock. */
export interface LockHolderView {
  readonly owner: string
  readonly token: bigint
  /** Until its lease is over, unless it is renewed. */
  readonly remainingMs: number
  /** How often its owner has entered. */
  readonly entries: number
}

/** Someone who waits for a lock. */
export interface LockWaiterView {
  readonly owner: string
  readonly mode: 'exclusive' | 'shared' | 'semaphore'
  readonly waitingMs: number
}

/** A lock as it is at a moment. */
export interface LockView {
  readonly name: string
  /** How it is held. */
  readonly mode: 'free' | 'exclusive' | 'shared' | 'semaphore'
  /** The places of a semaphore; 0: a lock. */
  readonly limit: number
  /** No token of this name is greater. */
  readonly lastToken: bigint
  readonly holders: readonly LockHolderView[]
  /** Who came first is first. */
  readonly waiters: readonly LockWaiterView[]
}

/** What a rate limiter lets through. */
export interface LimitOptions {
  /** How many may come at once on top of the even pace. Default 0. */
  readonly burst?: number
  /** How many per period, evenly. */
  readonly count: number
  readonly periodMs: number
  /** How many of them this is. Default 1; 0 only looks. */
  readonly quantity?: number
}

/** What a rate limiter says. */
export interface LimitView {
  readonly allowed: boolean
  /** How many may come at once at most. */
  readonly limit: number
  /** How many may come now. */
  readonly remaining: number
  /** In how many milliseconds to try again; 0 when allowed, Infinity when so many can never come at once. */
  readonly retryAfterMs: number
  /** In how many milliseconds it is as if nobody had come. */
  readonly resetMs: number
}

/** Locks and kin of one thread. */
export class LockFace {
  readonly #client: CommandClient
  readonly #caller: CommandCaller
  readonly #acquirer: LockAcquirer

  constructor(client: CommandClient, life: OwnerLife | undefined) {
    this.#client = client
    this.#caller = new CommandCaller(client)
    this.#acquirer = new LockAcquirer(client, this.#caller, life)
  }

  lock(name: string | readonly string[], options: LockOptions): Promise<KeyspaceLock> {
    return this.#wait(lockWant('keyspace.lock', name, 0, options, false))
  }

  tryLock(name: string | readonly string[], options: TryLockOptions): Promise<KeyspaceLock | undefined> {
    return this.#take(lockWant('keyspace.tryLock', name, 0, options, true))
  }

  semaphore(name: string, limit: number, options: SemaphoreOptions): Promise<KeyspaceLock> {
    return this.#wait(lockWant('keyspace.semaphore', name, placesOf(limit), options, false))
  }

  trySemaphore(name: string, limit: number, options: TrySemaphoreOptions): Promise<KeyspaceLock | undefined> {
    return this.#take(lockWant('keyspace.trySemaphore', name, placesOf(limit), options, true))
  }

  async info(name: string): Promise<LockView> {
    return lockView(name, await this.#caller.run(['LOCK.INFO', name]))
  }

  async list(match: string | undefined): Promise<LockView[]> {
    const names = await this.#caller.texts('LOCK.LIST', ...(match === undefined ? [] : ['MATCH', match]))
    const views = await Promise.all(names.map((name) => this.info(name)))
    // Those that came free meanwhile are none any more.
    return views.filter(({ mode, waiters }) => mode !== 'free' || waiters.length > 0)
  }

  async limit(
    key: KeyspaceInput,
    { burst = 0, count, periodMs, quantity }: LimitOptions,
  ): Promise<LimitView> {
    const reply = await this.#caller.run([
      ...['LIMIT', key, burst, count, periodMs],
      ...(quantity === undefined ? [] : [quantity]),
    ])
    const [limited, limit, remaining, retryMs, resetMs] = reply as readonly number[] as [
      number,
      number,
      number,
      number,
      number,
    ]
    const allowed = limited === 0
    const retryAfterMs = allowed ? 0 : retryMs < 0 ? Number.POSITIVE_INFINITY : retryMs
    return { allowed, limit, remaining, retryAfterMs, resetMs }
  }

  async #take(want: LockWant): Promise<KeyspaceLock | undefined> {
    const lease = await this.#acquirer.acquire(want, new AbortController().signal)
    return lease && new KeyspaceLock(want.names, lease, () => this.#client.clock.nowMs())
  }

  /** The caller goes on at once when its signal aborts; what is granted all the same is given back. */
  #wait(want: LockWant): Promise<KeyspaceLock> {
    const { names, waitMs, signal } = want
    const lock = names.join(', ')
    const aborted = (): ShardloomError =>
      new ShardloomError('SHL_LOCK_ABORTED', { lock }, { cause: signal?.reason })
    if (signal?.aborted === true) return Promise.reject(aborted())
    return new Promise((resolve, reject) => {
      const end = new AbortController()
      const forget =
        signal &&
        addAbortListener(signal, () => {
          end.abort()
          reject(aborted())
        })
      const done = this.#acquirer.acquire(want, end.signal).then((lease) => {
        forget?.()
        if (lease === undefined) return reject(new ShardloomError('SHL_LOCK_TIMEOUT', { lock, waitMs }))
        if (end.signal.aborted) return void lease.release().catch(() => undefined)
        resolve(new KeyspaceLock(names, lease, () => this.#client.clock.nowMs()))
      })
      done.catch((error: unknown) => {
        forget?.()
        reject(error)
      })
    })
  }
}

function lockView(name: string, reply: Reply): LockView {
  const fields = recordOf(reply)
  const holders = listOf(fields.get('holders')).map((item): LockHolderView => {
    const holder = recordOf(item)
    return {
      owner: textOf(holder.get('owner') ?? '') ?? '',
      token: BigInt(numberIn(holder, 'token')),
      remainingMs: numberIn(holder, 'remaining-ms'),
      entries: numberIn(holder, 'entries'),
    }
  })
  const waiters = listOf(fields.get('waiters')).map((item): LockWaiterView => {
    const waiter = recordOf(item)
    return {
      owner: textOf(waiter.get('owner') ?? '') ?? '',
      mode: waiter.get('mode') as LockWaiterView['mode'],
      waitingMs: numberIn(waiter, 'waiting-ms'),
    }
  })
  return {
    name,
    mode: fields.get('mode') as LockView['mode'],
    limit: numberIn(fields, 'limit'),
    lastToken: BigInt(numberIn(fields, 'last-token')),
    holders,
    waiters,
  }
}

function recordOf(reply: Reply): ReadonlyMap<string, Reply> {
  return new Map(pairsOf(reply).map(([field, value]) => [String(field), value]))
}

function listOf(reply: Reply | undefined): readonly Reply[] {
  return (reply ?? []) as readonly Reply[]
}

function numberIn(record: ReadonlyMap<string, Reply>, field: string): number {
  return Number(record.get(field))
}
