/** What is inferred of a subsystem: its arguments, its handle, its snapshots. */
import { defineSubsystem, type RemoteApi, type Runtime, type Subsystem } from 'shardloom'
import { describe, expectTypeOf, test } from 'vitest'

const visits = defineSubsystem({
  name: 'visits',
  init: (ctx, args: { start: number }, previous: number | undefined) => {
    expectTypeOf(ctx.signal).toEqualTypeOf<AbortSignal>()
    return { count: previous ?? args.start }
  },
  snapshot: ({ count }) => count,
  api: (state) => ({
    visit: (by: number) => {
      state.count += by
      return state.count
    },
    later: async (text: string) => text,
    limits: { max: 5 },
    nested: { twice: (n: number) => 2 * n },
  }),
})

// biome-ignore lint/suspicious/noExplicitAny: a module in plain JavaScript.
type AnyApi = any

describe('the handle', () => {
  test('has the functions of the interface, as promises', () => {
    type Api = Awaited<ReturnType<typeof start>>['api']
    const start = (runtime: Runtime) =>
      runtime.subsystem<typeof visits>({
        name: 'visits',
        module: new URL('./visits.js', import.meta.url),
        args: { start: 1 },
      })
    expectTypeOf<Api['visit']>().toEqualTypeOf<(by: number) => Promise<number>>()
    expectTypeOf<Api['later']>().toEqualTypeOf<(text: string) => Promise<string>>()
    expectTypeOf<Api['nested']['twice']>().toEqualTypeOf<(n: number) => Promise<number>>()
    expectTypeOf<Awaited<Api['limits']['max']>>().toEqualTypeOf<number>()
  })

  test('takes the arguments of the module and no others', () => {
    const options = { name: 'visits', module: new URL('./visits.js', import.meta.url) }
    const start = (runtime: Runtime) => {
      // @ts-expect-error: start is a number.
      void runtime.subsystem<typeof visits>({ ...options, args: { start: 'x' } })
      return runtime.subsystem<typeof visits>({ ...options, args: { start: 2 } })
    }
    expectTypeOf(start).returns.resolves.toHaveProperty('api')
  })

  test('of a module without types may be called at will', () => {
    expectTypeOf<RemoteApi<AnyApi>>().toBeAny()
    expectTypeOf<Subsystem<AnyApi>['api']>().toBeAny()
  })
})
