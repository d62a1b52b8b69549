/** An async iterator over what its owner has. */
import { describe, expect, it } from 'vitest'
import { Outlet, type OutletOwner } from '../../../src/keyspace/watch/outlet.ts'

class Owner implements OutletOwner<number> {
  readonly items: number[] = []
  closed = 0
  readonly outlet: Outlet<number>

  constructor(signal?: AbortSignal) {
    this.outlet = new Outlet(this, signal)
  }

  take(): number | undefined {
    return this.items.shift()
  }

  onClosed(): void {
    this.closed++
  }
}

function outlet(signal?: AbortSignal): Owner {
  return new Owner(signal)
}

const DONE = { done: true, value: undefined }

describe('Outlet', () => {
  it('gives items in the order in which they were asked for', async () => {
    const made = outlet()
    const asked = [made.outlet.next(), made.outlet.next(), made.outlet.next()]
    made.items.push(1, 2)
    made.outlet.wake()
    made.items.push(3)
    made.outlet.wake()
    expect(await Promise.all(asked)).toEqual([1, 2, 3].map((value) => ({ done: false, value })))
  })

  it('gives what is there before an error, the error once, and then its end', async () => {
    const made = outlet()
    made.items.push(1)
    made.outlet.fail(new Error('too slow'))
    expect(await made.outlet.next()).toEqual({ done: false, value: 1 })
    expect(made.closed).toBe(0)
    await expect(made.outlet.next()).rejects.toThrow('too slow')
    expect(made.closed).toBe(1)
    expect(await made.outlet.next()).toEqual(DONE)
  })

  it('ends all who wait when it is ended, and tells its owner once', async () => {
    const made = outlet()
    const asked = [made.outlet.next(), made.outlet.next()]
    await made.outlet.return()
    await made.outlet.return()
    expect(await Promise.all(asked)).toEqual([DONE, DONE])
    expect(made.closed).toBe(1)
    made.items.push(1)
    made.outlet.wake()
    expect(await made.outlet.next()).toEqual(DONE)
  })

  it('ends when its signal is aborted, also before it began', async () => {
    const stop = new AbortController()
    const made = outlet(stop.signal)
    const asked = made.outlet.next()
    stop.abort()
    expect(await asked).toEqual(DONE)
    expect(await outlet(stop.signal).outlet.next()).toEqual(DONE)
  })
})
