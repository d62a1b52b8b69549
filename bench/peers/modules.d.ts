/** Types of peers that bring none. Only what the adapters use. */
declare module 'comlink/dist/esm/node-adapter.mjs' {
  import type { Endpoint } from 'comlink'
  export default function nodeEndpoint(port: unknown): Endpoint
}

declare module 'nact' {
  export function start(): object
  export function spawn(parent: object, behavior: (state: unknown, message: never) => void): object
  export function query(
    actor: object,
    message: (sender: never) => object,
    timeoutMs: number,
  ): Promise<unknown>
  export function dispatch(actor: unknown, message: unknown): void
  export function stop(actor: object): void
}
