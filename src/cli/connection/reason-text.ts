/**
 * Why a connection could not be made, in words: `connection refused`, not `ECONNREFUSED`.
 *
 * Tests: test/cli/connection/resp-connection.test.ts
 */
import { getSystemErrorMap } from 'node:util'

const NO_TLS: ReadonlySet<string> = new Set([
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_SSL_PACKET_LENGTH_TOO_LONG',
])

/** What went wrong. Where several addresses were tried, that of the first. */
export function reasonText(thrown: unknown): string {
  const errors = (thrown as { readonly errors?: readonly unknown[] } | undefined)?.errors
  const error = (errors?.[0] ?? thrown) as Partial<NodeJS.ErrnoException> | undefined
  // A server that does not speak TLS answers with something else, which the library has words of its own for.
  if (NO_TLS.has(error?.code ?? '')) return 'no TLS is spoken there'
  const known = typeof error?.errno === 'number' ? getSystemErrorMap().get(error.errno)?.[1] : undefined
  return known ?? error?.message?.trim() ?? String(thrown)
}
