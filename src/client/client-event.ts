/**
 * What a client tells of its connections: for logs, and for whoever counts.
 * Tests: test/client/remote-client.faults.test.ts
 */

/** What a connection is for: commands of all, one caller of its own, or a stream of messages. */
export type ConnectionPurpose = 'commands' | 'exclusive' | 'stream'

/** Something that happened to the connections of a client. No password is in it. */
export type ClientEvent =
  | { readonly type: 'connected'; readonly address: string; readonly purpose: ConnectionPurpose }
  /** Nobody needed it any more. */
  | { readonly type: 'closed'; readonly address: string; readonly purpose: ConnectionPurpose }
  | {
      readonly type: 'lost'
      readonly address: string
      readonly purpose: ConnectionPurpose
      readonly reason: string
    }
  | {
      readonly type: 'connectFailed'
      readonly address: string
      readonly purpose: ConnectionPurpose
      readonly reason: string
      /** Until the next attempt. */
      readonly retryInMs: number
    }
  | {
      readonly type: 'circuit'
      readonly address: string
      /** `open`: calls are refused; `halfOpen`: one attempt is made; `closed`: all is well. */
      readonly state: 'open' | 'halfOpen' | 'closed'
    }
  | {
      readonly type: 'retried'
      readonly address: string
      readonly command: string
      /** Whether it had been sent before. */
      readonly wasSent: boolean
    }
  | { readonly type: 'cacheEmptied'; readonly address: string; readonly entries: number }

/** What a client has done so far, and what it is at. */
export interface ClientMetrics {
  /** Calls under way or waiting. */
  readonly pending: number
  /** Connections that are open, and the most that there may be. */
  readonly connections: number
  readonly connectionsMax: number
  readonly circuit: 'open' | 'halfOpen' | 'closed'
  readonly calls: number
  readonly retries: number
  readonly connected: number
  readonly lost: number
  readonly connectFailures: number
  readonly cache: CacheMetrics | undefined
}

/** What the cache has done. */
export interface CacheMetrics {
  readonly entries: number
  readonly bytes: number
  readonly hits: number
  readonly misses: number
  readonly invalidations: number
  readonly evictions: number
}
