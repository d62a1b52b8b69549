/** The types of network-sessions.mjs. */
import type { ReasonOf } from '../../keyspace/compat/case-runner.mjs'

export interface NetworkSession {
  call(argv: readonly string[]): Promise<unknown>
  close(): void
}

export const reasonOfNetwork: ReasonOf
export function networkSessions(port: number, resp: 2 | 3, host?: string): { session(): Promise<NetworkSession> }
