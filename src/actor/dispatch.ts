/**
 * What a dispatching actor hands its messages on to. Tests: test/actor/router.race.test.ts
 */
import type { Owner } from './messenger.ts'

/** Where messages are handed on to, on behalf of `owner`. */
export interface Dispatch {
  tell(owner: Owner, type: string, payload: unknown, priority: number): boolean
  ask(owner: Owner, type: string, payload: unknown, priority: number): Promise<unknown>
  stream(owner: Owner, type: string, payload: unknown, window: number): AsyncIterator<unknown>
}
