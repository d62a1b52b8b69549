/** What INFO tells, as fields. */
import type { RespClient } from './redis/resp-client.ts'

/** The fields of INFO by name. */
export async function infoFields(
  from: RespClient,
  ...sections: string[]
): Promise<ReadonlyMap<string, string>> {
  const text = String(await from.call('INFO', ...sections)).slice(1)
  const pairs = text.split('\r\n').filter((line) => line.includes(':'))
  return new Map(pairs.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]))
}

/** `a=1,b=2`. */
export function figuresIn(text: string | undefined): ReadonlyMap<string, number> {
  const parts = (text ?? '').split(',').map((part) => part.split('=') as [string, string])
  return new Map(parts.map(([name, value]) => [name, Number(value)]))
}
