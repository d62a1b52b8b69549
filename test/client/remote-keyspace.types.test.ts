import { expect, expectTypeOf, test } from 'vitest'
import type { NotRemote, RemoteKeyspace } from '../../src/client/index.ts'
import { RemoteKeyspace as RemoteClass } from '../../src/client/index.ts'
import { Keyspace } from '../../src/keyspace/client/keyspace.ts'

type Remote = Exclude<keyof Keyspace, NotRemote | `${string}Sync`>

test('a remote keyspace has every method of a keyspace, but those that are named', () => {
  expectTypeOf<Remote>().toExtend<keyof RemoteKeyspace>()
  const local = Object.getOwnPropertyNames(Keyspace.prototype).filter((name) => !name.endsWith('Sync'))
  expect(local.filter((name) => !(name in RemoteClass.prototype)).sort()).toEqual([
    ...['client', 'durably', 'loads', 'moveSlots', 'ownedBy', 'shardOf', 'snapshot', 'stats'],
  ])
})

test('each takes what its namesake takes', () => {
  type Taken = Exclude<Remote, 'watch' | 'events' | 'subscribe' | 'psubscribe' | 'session'>
  type Differs = {
    [Name in Taken]: Keyspace[Name] extends (...args: never[]) => unknown
      ? RemoteKeyspace[Name] extends Keyspace[Name]
        ? never
        : Name
      : never
  }[Taken]
  expectTypeOf<Differs>().toEqualTypeOf<never>()
})

test('items of streams are of the types that their options say', () => {
  const items = (keyspace: RemoteKeyspace) => ({
    text: keyspace.subscribe('c'),
    bytes: keyspace.subscribe('c', { form: 'buffer', whenSlow: 'drop' }),
    changes: keyspace.watch('k'),
    lossy: keyspace.watch('k', { whenSlow: 'drop' }),
  })
  type Item<Name extends keyof ReturnType<typeof items>> =
    ReturnType<typeof items>[Name] extends AsyncIterableIterator<infer One, undefined> ? One : never
  expectTypeOf<Item<'text'>['type']>().toEqualTypeOf<'message'>()
  expectTypeOf<Extract<Item<'bytes'>, { type: 'message' }>['message']>().toEqualTypeOf<Uint8Array>()
  expectTypeOf<Item<'bytes'>['type']>().toEqualTypeOf<'message' | 'lost'>()
  expectTypeOf<Item<'changes'>['type']>().toEqualTypeOf<'changes'>()
  expectTypeOf<Item<'lossy'>['type']>().toEqualTypeOf<'changes' | 'lost'>()
})
