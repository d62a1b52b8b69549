/**
 * A clerk: goes through all invoices and pays those that are open, each under its lock.
 *
 * It lives on a thread of its own. One that is drowsy has its thread stand still right after it got its first
 * lock, for longer than the lease: as a garbage collection, a suspended machine or a long computation would.
 * Then it goes on as if nothing had happened, because it cannot know better. The fence does.
 *
 * Tests: test/examples/locks.test.ts
 */
import { defineActor, type Keyspace, ShardloomError } from 'shardloom'

/** Where the clerks tell what they do. */
export const STORY = 'story'

/** Invoices to pay. */
export interface ClerkRequest {
  readonly name: string
  /** In the order in which this clerk goes through them. */
  readonly invoices: readonly number[]
  readonly leaseMs: number
  /** For how long the thread stands still when it has its first lock; 0: not at all. */
  readonly pauseMs: number
  /** Whether a payment says under which lock it is made. */
  readonly hasFence: boolean
}

/** What a clerk has done. */
export interface ClerkReport {
  readonly paid: number
  /** Payments that the store has refused. */
  readonly refused: number
}

export const clerk = defineActor({
  name: 'clerk',
  receive: {
    async work(_state, request: ClerkRequest, ctx): Promise<ClerkReport> {
      const { keyspace } = ctx
      const { name, leaseMs } = request
      let { pauseMs } = request
      let [paid, refused] = [0, 0]
      const left = [...request.invoices].reverse()
      for (let invoice = left.at(-1); invoice !== undefined; invoice = left.at(-1)) {
        await using lock = await keyspace.lock(invoiceKey(invoice), { ttl: leaseMs })
        if (await isPaid(keyspace, invoice)) {
          left.pop()
          continue
        }
        await tell(keyspace, `${name} has invoice ${invoice}, with token ${lock.token}`)
        if (pauseMs > 0) {
          await tell(keyspace, `${name}'s thread stands still for ${pauseMs} ms; the lease is ${leaseMs} ms`)
          standStill(pauseMs)
          pauseMs = 0
          await tell(keyspace, `${name} goes on, and pays invoice ${invoice} with token ${lock.token}`)
        }
        // Who is refused looks at this invoice once more.
        if (await pay(keyspace, request, invoice, lock)) paid++
        else refused++
      }
      return { paid, refused }
    },
  },
})

/** Adds a payment, if the lock is still held then. Check and payment are one step of the store. */
async function pay(
  keyspace: Keyspace,
  { name, hasFence }: ClerkRequest,
  invoice: number,
  lock: { readonly name: string; readonly token: bigint },
): Promise<boolean> {
  const fence = hasFence ? ['FENCED', lock.name, lock.token] : []
  const [command, ...args] = [...fence, 'RPUSH', paymentsKey(invoice), name]
  try {
    await keyspace.command(String(command), ...args)
    return true
  } catch (error) {
    if (!(error instanceof ShardloomError) || error.code !== 'SHL_LOCK_FENCED') throw error
    await tell(keyspace, `${name} is refused: invoice ${invoice} is no longer its own (${error.code})`)
    return false
  }
}

async function isPaid(keyspace: Keyspace, invoice: number): Promise<boolean> {
  return (await keyspace.list(paymentsKey(invoice)).length()) > 0
}

function tell(keyspace: Keyspace, text: string): Promise<number> {
  return keyspace.publish(STORY, text)
}

/** Nothing runs on this thread meanwhile: no heartbeat, no timer, no message. */
function standStill(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

/** The name of an invoice's lock. The tag in braces keeps lock and payments on one shard. */
export function invoiceKey(invoice: number): string {
  return `{invoice:${invoice}}`
}

export function paymentsKey(invoice: number): string {
  return `{invoice:${invoice}}:payments`
}
