/** CLIENT LIST as a table, by the names of clients. */
import { sleep } from '../runtime.ts'
import type { WireClient } from './wire-client.ts'

/** Longer than anything takes, however busy the machine is: who waits so long waits for what never comes. */
const NEVER_MS = 20_000

/** Waits until `holds` does. */
export async function eventually(holds: () => boolean | Promise<boolean>, what: () => string): Promise<void> {
  const endMs = performance.now() + NEVER_MS
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`never: ${what()}`)
    await sleep(2)
  }
}

/** A line of CLIENT LIST. */
export type ClientLine = Readonly<Record<string, string>>

/** The clients that have a name, by name. */
export async function clientList(asker: WireClient): Promise<Map<string, ClientLine>> {
  const text = String(await asker.call('CLIENT', 'LIST'))
  const lines = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => Object.fromEntries(line.split(' ').map((field) => cutAt(field))) as ClientLine)
  return new Map(lines.filter((line) => line['name'] !== '').map((line) => [line['name']!, line]))
}

function cutAt(field: string): [string, string] {
  const at = field.indexOf('=')
  return [field.slice(0, at), field.slice(at + 1)]
}

/** Resolves when the client of this name is as wanted; `undefined`: there is none. */
export async function untilClient(
  asker: WireClient,
  name: string,
  isRight: (line: ClientLine | undefined) => boolean,
): Promise<void> {
  let line: ClientLine | undefined
  const look = async (): Promise<boolean> => {
    line = (await clientList(asker)).get(name)
    return isRight(line)
  }
  await eventually(look, () => `client ${name} is as wanted; it was ${JSON.stringify(line)}`)
}

/** Clients of all threads, the asker among them. */
export async function clientCount(asker: WireClient): Promise<number> {
  return String(await asker.call('CLIENT', 'LIST'))
    .trim()
    .split('\n').length
}

/** Connections of each thread that serves, as INFO has them. */
export async function threadCounts(asker: WireClient): Promise<number[]> {
  const info = String(await asker.call('INFO', 'everything'))
  return [...info.matchAll(/^thread\d+:connections=(\d+)/gm)].map(([, count]) => Number(count))
}
