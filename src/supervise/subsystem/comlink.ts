/**
 * Comlink, loaded when the first subsystem starts.
 *
 * A callback that goes to a subsystem has a port of its own, and before Node 22 a port with a listener holds
 * the process for ever. Here it does not: what is awaited holds it, and that is the call.
 * Tests: test/supervise/subsystem/subsystem.race.test.ts
 */

interface Unreferable {
  unref?(): void
}

/** What is used of Comlink. Its own types need the browser's, which a program on Node may not have. */
export interface ComlinkModule {
  wrap(endpoint: never): unknown
  expose(value: unknown, endpoint: never): void
}

let loaded: Promise<ComlinkModule> | undefined

/** Loads Comlink once. */
export function loadComlink(): Promise<ComlinkModule> {
  loaded ??= import('comlink').then((comlink) => {
    const { transferHandlers, expose } = comlink
    const handler = transferHandlers.get('proxy')
    if (handler !== undefined) {
      transferHandlers.set('proxy', {
        ...handler,
        serialize: (value) => {
          const { port1, port2 } = new MessageChannel()
          expose(value, port1 as never)
          const port: Unreferable = port1
          port.unref?.()
          return [port2 as never, [port2 as never]]
        },
      })
    }
    return comlink as ComlinkModule
  })
  return loaded
}
