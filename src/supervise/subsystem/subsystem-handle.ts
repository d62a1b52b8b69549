/**
 * The handle of a subsystem: a typed proxy that means whichever run there is.
 *
 * Functions of the interface become functions that return promises; values are read by awaiting them. A
 * handle is an object like any other: it can be kept, passed around and called while its subsystem restarts.
 *
 * Source: Comlink's `Remote`. Tests: test/supervise/subsystem/subsystem.race.test.ts
 */

/** An interface, as it is seen from another thread. Nothing is known of one that is `any`. */
// biome-ignore lint/suspicious/noExplicitAny: a module in plain JavaScript has no types.
export type RemoteApi<Api> = 0 extends 1 & Api ? any : TypedRemoteApi<Api>

type TypedRemoteApi<Api> = {
  readonly [K in keyof Api]: Api[K] extends (...args: infer Args) => infer Result
    ? (...args: Args) => Promise<Awaited<Result>>
    : Api[K] extends object
      ? RemoteApi<Api[K]> & PromiseLike<Api[K]>
      : PromiseLike<Api[K]>
}

/** Carries out a call, or reads a value where there are no arguments. */
export type RemoteCall = (path: readonly string[], args: readonly unknown[] | undefined) => Promise<unknown>

/** The proxy over `call`. */
export function remoteApi<Api>(call: RemoteCall): RemoteApi<Api> {
  return node(call, []) as RemoteApi<Api>
}

function node(call: RemoteCall, path: readonly string[]): unknown {
  const children = new Map<string, unknown>()
  // A function, so that it can be called; what it does stands in the traps.
  return new Proxy(() => undefined, {
    get(_target, key) {
      if (typeof key !== 'string') return undefined
      if (key === 'then') return path.length === 0 ? undefined : thenOf(call, path)
      let child = children.get(key)
      if (child === undefined) {
        child = node(call, [...path, key])
        children.set(key, child)
      }
      return child
    },
    apply: (_target, _self, args: unknown[]) => call(path, args),
    set: () => false,
  })
}

function thenOf(call: RemoteCall, path: readonly string[]) {
  return (resolve: (value: unknown) => unknown, reject: (error: unknown) => unknown): Promise<unknown> =>
    call(path, undefined).then(resolve, reject)
}
