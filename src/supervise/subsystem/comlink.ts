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

let loaded: Promise<typeof import('comlink')> | undefined

/** Loads Comlink once. */
export function loadComlink(): Promise<typeof import('comlink')> {
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
    return comlink
  })
  return loaded
}
