/**
 * Whether a client is on this machine. Tests: test/server/commands/local-client.test.ts
 */
import type { Session } from './server-command.ts'

/** By its address, or because it came by a Unix socket. */
export function isLocalClient({ isUnix, address }: Pick<Session, 'isUnix' | 'address'>): boolean {
  return isUnix || /^(?:127\.|\[?::1\]?:|\[?::ffff:127\.)/.test(address)
}
