/** What inspection sees. Tests: test/supervise/supervised-runtime.race.test.ts */

/**
 * One event of XState's inspection protocol, as its tools take it. Its types are not repeated here: they
 * would have to be installed and checked wherever ours are.
 */
export interface InspectedEvent {
  readonly type: `@xstate.${string}`
  readonly rootId: string
  readonly actorRef: unknown
}
