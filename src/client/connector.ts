/**
 * Makes connections to one address, and says when that is no use: pauses between attempts, and the circuit
 * breaker.
 *
 * The breaker counts attempts to connect, not calls: one lost connection fails a thousand calls at once, and
 * is made again within a millisecond; a server that is gone refuses each attempt. After some failures in a
 * row the circuit is open, and calls are refused at once, instead of each waiting for its deadline. After a
 * pause one attempt is let through to see: all others wait for its outcome.
 *
 *     closed ── failures in a row ──► open ── pause, doubled each time ──► half-open ──► closed, or open
 *
 * Pauses are drawn at random between half and all of what doubles, so that clients who lost one server at the
 * same moment do not come back at the same moment.
 *
 * Tests: test/client/connector.test.ts
 * Source: Nygard, "Release It!" (2007), for the breaker; Brooker, "Exponential Backoff And Jitter" (AWS
 * Architecture Blog, 2015).
 */
import {
  BrokenCircuitError,
  type CircuitBreakerPolicy,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  handleAll,
  type IBackoff,
} from 'cockatiel'
import { type Clock, type Random, ShardloomError } from '../base/index.ts'
import type { ClientEvent, ConnectionPurpose } from './client-event.ts'
import type { ClientSettings } from './connect-options.ts'
import { Connection } from './connection.ts'
import { closedError, reasonOf } from './connection-errors.ts'

/** What making connections needs. */
export interface ConnectorParts {
  readonly settings: ClientSettings
  readonly clock: Clock
  readonly random: Random
  tell(event: ClientEvent): void
}

/** What one kind of connection is made with. */
export interface ConnectionWish {
  readonly purpose: ConnectionPurpose
  readonly setup?: readonly (readonly string[])[]
  onPush?(push: readonly unknown[]): boolean
}

const CIRCUIT = {
  [CircuitState.Closed]: 'closed',
  [CircuitState.Open]: 'open',
  [CircuitState.Isolated]: 'open',
  [CircuitState.HalfOpen]: 'halfOpen',
} as const

/** The way to one address. */
export class Connector {
  readonly #parts: ConnectorParts
  readonly #circuit: CircuitBreakerPolicy
  readonly #open = new Set<Connection>()
  #openUntilMs = 0
  #failures = 0
  #isClosed = false
  #lastFailure: Error | undefined
  #connected = 0
  #lost = 0
  #failed = 0

  constructor(parts: ConnectorParts) {
    const { settings, random, clock } = parts
    this.#parts = parts
    this.#circuit = circuitBreaker(handleAll, {
      breaker: new ConsecutiveBreaker(settings.breaker.failures),
      halfOpenAfter: {
        next: () => this.#pause(backoff(settings.breaker.halfOpenMs, settings.breaker.maxMs, random)),
      },
    })
    this.#circuit.onStateChange((state) => {
      if (state === CircuitState.Open) this.#openUntilMs = clock.nowMs() + this.#pauseMs
      parts.tell({ type: 'circuit', address: this.address, state: CIRCUIT[state] })
    })
  }

  get address(): string {
    return this.#parts.settings.address.shown
  }

  /** Connections that are open now. */
  get connections(): ReadonlySet<Connection> {
    return this.#open
  }

  get circuit(): 'open' | 'halfOpen' | 'closed' {
    return CIRCUIT[this.#circuit.state]
  }

  /** Why the last attempt failed; undefined: it did not. */
  get lastFailure(): Error | undefined {
    return this.#lastFailure
  }

  get counts(): { readonly connected: number; readonly lost: number; readonly connectFailures: number } {
    return { connected: this.#connected, lost: this.#lost, connectFailures: this.#failed }
  }

  /** What a call is refused with while the circuit is open; undefined: it may wait for a connection. */
  refusal(): ShardloomError | undefined {
    const retryInMs = Math.ceil(this.#openUntilMs - this.#parts.clock.nowMs())
    if (this.#circuit.state !== CircuitState.Open || retryInMs <= 0) return undefined
    const details = { address: this.address, failures: this.#failures, retryInMs, isSent: false }
    return new ShardloomError('SHL_CIRCUIT_OPEN', details, { cause: this.#lastFailure })
  }

  /** Pauses before attempts: a new row of them, for whoever connects again and again. */
  pauses(): IBackoff<unknown> {
    const { backoff: options } = this.#parts.settings
    return backoff(options.minMs, options.maxMs, this.#parts.random)
  }

  /** How long until an attempt is let through. */
  get waitMs(): number {
    if (this.#circuit.state !== CircuitState.Open) return 0
    return Math.max(0, this.#openUntilMs - this.#parts.clock.nowMs())
  }

  /** One attempt. @throws SHL_CONNECTION_FAILED, SHL_CIRCUIT_OPEN, SHL_CONNECTION_CLOSED */
  async open(wish: ConnectionWish): Promise<Connection> {
    try {
      const connection = await this.#circuit.execute(() => this.#attempt(wish))
      // It was closed while somebody connected.
      if (this.#isClosed) connection.end(this.#closedError())
      if (connection.error !== undefined) throw connection.error
      return connection
    } catch (error) {
      if (!(error instanceof BrokenCircuitError)) throw error
      throw this.refusal() ?? this.#lastFailure ?? error
    }
  }

  /** Ends every connection. None is made any more. */
  close(): void {
    this.#isClosed = true
    for (const connection of [...this.#open]) connection.end(this.#closedError())
  }

  #closedError(): ShardloomError {
    return closedError(this.address, 'connect')
  }

  async #attempt({ purpose, setup = [], onPush = () => false }: ConnectionWish): Promise<Connection> {
    if (this.#isClosed) throw this.#closedError()
    const { settings, clock, tell } = this.#parts
    const { address, tls, name, connectTimeoutMs } = settings
    try {
      const made = await Connection.open({
        ...{ address, tls, name, connectTimeoutMs, clock, purpose, setup },
        onPush,
      })
      this.#failures = 0
      this.#lastFailure = undefined
      this.#connected++
      this.#open.add(made)
      made.onEnd((error) => {
        this.#open.delete(made)
        if (error instanceof ShardloomError && error.code === 'SHL_CONNECTION_CLOSED') {
          return tell({ type: 'closed', address: address.shown, purpose })
        }
        this.#lost++
        tell({ type: 'lost', address: address.shown, purpose, reason: reasonOf(error) })
      })
      tell({ type: 'connected', address: address.shown, purpose })
      return made
    } catch (error) {
      this.#failures++
      this.#failed++
      this.#lastFailure = error as Error
      throw error
    }
  }

  #pauseMs = 0

  /** The breaker keeps to itself how long it is open: we look over its shoulder. */
  #pause(given: IBackoff<unknown>): IBackoff<unknown> {
    this.#pauseMs = given.duration
    return { duration: given.duration, next: () => this.#pause(given.next(undefined)) }
  }
}

/** Pauses that double from `minMs` to `maxMs`; each is drawn from its upper half. */
export function backoff(minMs: number, maxMs: number, random: Random, attempt = 0): IBackoff<unknown> {
  const fullMs = Math.min(maxMs, minMs * 2 ** attempt)
  const next = attempt < 52 ? attempt + 1 : attempt
  return {
    duration: fullMs / 2 + (random.next() * fullMs) / 2,
    next: () => backoff(minMs, maxMs, random, next),
  }
}
