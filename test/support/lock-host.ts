/**
 * A shard as its locks see it, for tests: a clock moved by hand, a log in an array, and deliveries when
 * asked.
 */
import type { LockOutcome, LockRequest } from '../../src/keyspace/engine/locks/lock.ts'
import { Ticket } from '../../src/keyspace/engine/locks/lock.ts'
import type { LockHost } from '../../src/keyspace/engine/locks/lock-host.ts'
import { LockTable, type LockTableOptions } from '../../src/keyspace/engine/locks/lock-table.ts'

export class TestLockHost implements LockHost {
  nowMs = 1000
  /** What was logged: words, and the event where there is one. */
  readonly log: string[] = []
  #tasks: (() => void)[] = []

  monotonicMs(): number {
    return this.nowMs
  }

  logLock(_name: string, argv: readonly string[], event: string | undefined): void {
    this.log.push([...argv, ...(event === undefined ? [] : [`(${event})`])].join(' '))
  }

  deliver(task: () => void): void {
    this.#tasks.push(task)
  }

  atomically<T>(run: () => T): T {
    return run()
  }

  /** The commit is out: tells those who waited. */
  flush(): void {
    const tasks = this.#tasks
    this.#tasks = []
    for (const task of tasks) task()
  }
}

/** A request that came to an end, or waits. */
export interface Asked {
  outcome: LockOutcome | undefined
  readonly ticket: Ticket | undefined
}

/** A table with its host, and requests in few words. */
export class LockBench {
  readonly host = new TestLockHost()
  readonly table: LockTable

  constructor(options: LockTableOptions = {}) {
    this.table = new LockTable(this.host, options)
  }

  /** Asks for a lock: exclusively, for 100 ms, and waits for ever, unless said otherwise. */
  ask(names: string | readonly string[], owner: string, request: Partial<LockRequest> = {}): Asked {
    const whole: LockRequest = {
      owner,
      names: typeof names === 'string' ? [names] : names,
      mode: 'exclusive',
      limit: 0,
      ttlMs: 100,
      waitMs: Number.POSITIVE_INFINITY,
      ...request,
    }
    let late: LockOutcome | undefined
    const result = this.table.acquire(whole, (outcome) => {
      late = outcome
    })
    this.host.flush()
    const ticket = result instanceof Ticket ? result : undefined
    return {
      ticket,
      get outcome() {
        return result instanceof Ticket ? late : result
      },
    }
  }

  /** Runs something, and tells those who waited for it. */
  do<T>(run: (table: LockTable) => T): T {
    const result = run(this.table)
    this.host.flush()
    return result
  }

  release(name: string, owner: string, token: number): boolean {
    return this.do((table) => table.release(name, owner, token))
  }

  /** Lets time pass; nobody looks at the locks. */
  pass(ms: number): void {
    this.host.nowMs += ms
  }

  /** Does what is due. */
  tick(): void {
    while (this.do((table) => table.expireDue(3)));
  }
}

/** The token of a request for one lock; undefined when it has none. */
export function tokenOf({ outcome }: Asked): number | undefined {
  return outcome?.kind === 'granted' ? outcome.tokens[0] : undefined
}

/** How a request ended; `waits` while it has not. */
export function kindOf({ outcome }: Asked): string {
  return outcome?.kind ?? 'waits'
}
