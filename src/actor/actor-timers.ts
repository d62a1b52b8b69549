/**
 * Keyed timers of one actor: their messages go through its mailbox like any other, in a place of their own.
 *
 * A timer that was cancelled or replaced never has its message handled, even when that message waits already:
 * the message carries its timer, and is skipped when the timer is no longer the key's. Source: Akka's
 * `TimerScheduler`.
 * Tests: test/actor/actor-timers.test.ts
 * Tests: test/actor/actor-timers.test.ts
 */
import type { Clock, TimerHandle } from '../base/index.ts'
import { invalidOption, numberOption } from '../base/index.ts'
import type { ActorTimers } from './context.ts'

const DELAY_MAX_MS = 2 ** 31 - 1

/** A process does not stay because an actor has a timer: it stays for what it awaits. */
const UNREF = { unref: true }

/** One running timer; a message of it carries this object. */
export class TimerToken {
  readonly key: string
  isCancelled = false
  /** Whether it is over with its message. */
  isOnce = false
  /** Whether its last message has not been handled yet. */
  isWaiting = false
  handle: TimerHandle | undefined = undefined

  constructor(key: string) {
    this.key = key
  }
}

/** The timers of one actor. */
export class KeyedTimers implements ActorTimers {
  readonly #clock: Clock
  readonly #send: (type: string, payload: unknown, token: TimerToken) => void
  readonly #timers = new Map<string, TimerToken>()

  constructor(clock: Clock, send: (type: string, payload: unknown, token: TimerToken) => void) {
    this.#clock = clock
    this.#send = send
  }

  once(key: string, delayMs: number, type: string, payload?: unknown): void {
    const token = this.#start(key, 'delayMs', delayMs, type)
    const fire = (): void => {
      token.isWaiting = true
      this.#send(type, payload, token)
    }
    token.isOnce = true
    token.handle = this.#clock.after(delayMs, fire, UNREF)
  }

  every(key: string, periodMs: number, type: string, payload?: unknown): void {
    const token = this.#start(key, 'periodMs', periodMs, type)
    const tick = (): void => {
      token.handle = this.#clock.after(periodMs, tick, UNREF)
      if (token.isWaiting) return
      token.isWaiting = true
      this.#send(type, payload, token)
    }
    token.handle = this.#clock.after(periodMs, tick, UNREF)
  }

  /** Its message is about to be handled. False when it was cancelled meanwhile. */
  taken(token: TimerToken): boolean {
    token.isWaiting = false
    if (token.isCancelled) return false
    if (token.isOnce && this.#timers.get(token.key) === token) this.#timers.delete(token.key)
    return true
  }

  cancel(key: string): void {
    const token = this.#timers.get(key)
    if (token === undefined) return
    token.isCancelled = true
    token.handle?.cancel()
    this.#timers.delete(key)
  }

  cancelAll(): void {
    for (const key of [...this.#timers.keys()]) this.cancel(key)
  }

  isActive(key: string): boolean {
    return this.#timers.has(key)
  }

  #start(key: string, option: string, value: number, type: string): TimerToken {
    numberOption(option, value, 0, { min: 0, max: DELAY_MAX_MS })
    if (typeof type !== 'string') invalidOption('type', type, 'a message type')
    this.cancel(key)
    const token = new TimerToken(key)
    this.#timers.set(key, token)
    return token
  }
}
