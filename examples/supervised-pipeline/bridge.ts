/**
 * How one subsystem calls another: by an actor on the main thread, where the handles are.
 *
 * A handle means whichever run there is. So a call by the bridge waits while its subsystem restarts, goes to
 * the next run, and rejects with `SubsystemRestarted` where it was under way; and so it does for whoever
 * asked the bridge, with the error whole.
 *
 * Tests: test/examples/supervised-pipeline.test.ts
 */
import { type ActorRef, defineActor, type RemoteApi, type Subsystem } from 'shardloom'

/** One call. */
export interface BridgeCall {
  readonly subsystem: string
  readonly method: string
  readonly args: readonly unknown[]
  readonly timeoutMs: number
}

/** The messages of the bridge. */
export interface BridgeHandlers {
  readonly [message: string]: (state: undefined, call: BridgeCall) => unknown
  readonly call: (state: undefined, call: BridgeCall) => Promise<unknown>
}

export type BridgeRef = ActorRef<BridgeHandlers>

/** For the answer's way back, beyond the call's own deadline. */
const SLACK_MS = 1000

/** The actor that passes calls on; calls overlap. */
export function bridgeActor(subsystems: ReadonlyMap<string, Subsystem<unknown>>) {
  return defineActor({
    name: 'bridge',
    reentrant: true,
    receive: {
      async call(_state: undefined, { subsystem, method, args, timeoutMs }: BridgeCall): Promise<unknown> {
        const target = subsystems.get(subsystem)
        if (target === undefined) throw new Error(`there is no subsystem ${subsystem} yet`)
        const api = target.with({ timeoutMs }) as Record<string, (...args: readonly unknown[]) => unknown>
        return await api[method]!(...args)
      },
    },
  })
}

/** What a subsystem offers, seen from another one. */
export function remote<Api>(bridge: BridgeRef, subsystem: string, timeoutMs: number): RemoteApi<Api> {
  const methods = new Proxy(
    {},
    {
      get: (_target, method) => {
        // Whoever awaits the object itself asks for this.
        if (typeof method !== 'string' || method === 'then') return undefined
        return (...args: readonly unknown[]) =>
          bridge.ask('call', { subsystem, method, args, timeoutMs }, { timeoutMs: timeoutMs + SLACK_MS })
      },
    },
  )
  return methods as RemoteApi<Api>
}
