/** Types: what a ref takes and gives follows from the handlers, and from nothing written twice. */

import { type ActorRef, type ActorRefOf, defineActor, type Runtime, transfer } from 'shardloom'
import { expectTypeOf, test } from 'vitest'

const counter = defineActor({
  name: 'counter',
  init: (_ctx, args: { start: number }) => ({ value: args.start }),
  receive: {
    add(state, n: number) {
      state.value += n
    },
    get: (state) => state.value,
    async find(_state, query: { text: string; limit?: number }) {
      return [query.text]
    },
    async *count(_state, n: number) {
      for (let i = 0; i < n; i++) yield i
    },
    pixels: (_state, size: number) => transfer(new Uint8Array(size), []),
    maybe: (_state, name?: string) => name ?? null,
  },
})

declare const ref: ActorRefOf<typeof counter>
declare const runtime: Runtime

test('answers and items are inferred', () => {
  // Never called: the types are what is tested.
  const use = async () => {
    expectTypeOf(await ref.ask('get')).toEqualTypeOf<number>()
    expectTypeOf(await ref.ask('find', { text: 'x' })).toEqualTypeOf<string[]>()
    expectTypeOf(await ref.ask('pixels', 4)).toEqualTypeOf<Uint8Array<ArrayBuffer>>()
    expectTypeOf(await ref.ask('maybe')).toEqualTypeOf<string | null>()
    for await (const i of ref.stream('count', 3)) expectTypeOf(i).toEqualTypeOf<number>()
    expectTypeOf(ref.tell('add', 1)).toEqualTypeOf<boolean>()
  }
  expectTypeOf(use).toBeFunction()
})

test('wrong messages do not compile', () => {
  const use = () => {
    // @ts-expect-error no such message
    ref.tell('substract', 1)
    // @ts-expect-error the payload is a number
    ref.tell('add', 'one')
    // @ts-expect-error the payload is missing
    ref.tell('add')
    // @ts-expect-error a field is missing
    void ref.ask('find', { limit: 1 })
    // @ts-expect-error the state of init is known to the handlers
    defineActor({ name: 'x', init: () => ({ a: 1 }), receive: { m: (state) => state.b } })
  }
  expectTypeOf(use).toBeFunction()
})

test('spawning by definition, or by the type of a module, gives the typed ref', () => {
  const use = async () => {
    expectTypeOf(await runtime.spawn(counter, { args: { start: 1 } })).toEqualTypeOf<
      ActorRefOf<typeof counter>
    >()
    const url = new URL('./counter.js', import.meta.url)
    expectTypeOf(await runtime.spawn<typeof counter>(url)).toEqualTypeOf<ActorRefOf<typeof counter>>()
    // @ts-expect-error start is a number
    await runtime.spawn<typeof counter>(url, { args: { start: 'one' } })
    expectTypeOf<ActorRefOf<typeof counter>>().toExtend<ActorRef>()
  }
  expectTypeOf(use).toBeFunction()
})
