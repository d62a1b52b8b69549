/**
 * The events of a runtime, for whoever subscribes: all of them, or those that a filter lets through.
 *
 * A subscriber's error is its own: it becomes a warning of the process, and the others are told all the same.
 * Tests: test/runtime/event-hub.test.ts
 */
import { addAbortListener, checkKnownOptions, invalidOption, toError } from '../base/index.ts'

/** Which events a subscriber wants: those that fit all that is given. */
export interface EventFilter<Event extends { readonly type: string }> {
  readonly types?: readonly Event['type'][]
  /** Events that name this thread. */
  readonly thread?: number
  /** Events of this supervisor, or of this child. */
  readonly supervisor?: string
  readonly child?: string
  readonly where?: (event: Event) => boolean
  /** Ends the subscription. */
  readonly signal?: AbortSignal
}

const FILTER_KEYS = ['types', 'thread', 'supervisor', 'child', 'where', 'signal']
const FIELDS = ['thread', 'supervisor', 'child'] as const

/** Tells subscribers of events. */
export class EventHub<Event extends { readonly type: string }> {
  readonly #subscribers = new Set<(event: Event) => void>()
  readonly #warn: (text: string) => void

  /** `warn` is told of subscribers that throw. */
  constructor(warn: (text: string) => void) {
    this.#warn = warn
  }

  /**
   * Calls `onEvent` for each event that fits the filter, at once. Returns what ends the subscription.
   *
   * @throws SHL_OPTION_INVALID, SHL_OPTION_UNKNOWN
   */
  subscribe(onEvent: (event: Event) => void, filter: EventFilter<Event> = {}): () => void {
    if (typeof onEvent !== 'function') invalidOption('onEvent', onEvent, 'a function')
    checkKnownOptions('subscribe', filter, FILTER_KEYS)
    const { types, where, signal } = filter
    if (types !== undefined && !Array.isArray(types)) invalidOption('types', types, 'a list of event types')
    const take = (event: Event): void => {
      if (types !== undefined && !types.includes(event.type)) return
      for (const field of FIELDS) {
        if (filter[field] !== undefined && (event as Record<string, unknown>)[field] !== filter[field]) return
      }
      if (where === undefined || where(event)) onEvent(event)
    }
    let forgetSignal: (() => void) | undefined
    const end = (): void => {
      this.#subscribers.delete(take)
      forgetSignal?.()
    }
    if (signal?.aborted === true) return end
    forgetSignal = signal && addAbortListener(signal, end)
    this.#subscribers.add(take)
    return end
  }

  emit(event: Event): void {
    for (const take of [...this.#subscribers]) {
      try {
        take(event)
      } catch (error) {
        this.#warn(`shardloom: a subscriber threw: ${toError(error).message}`)
      }
    }
  }
}
