/** An actor that uses the keyspace from its thread, and does as it is told. */
import { defineActor } from 'shardloom'

export const keyspaceUser = defineActor({
  name: 'keyspace-user',
  reentrant: true,
  receive: {
    command: (_state, [name, ...args], ctx) => ctx.keyspace.command(name, ...args),
    getSync: (_state, key, ctx) => ctx.keyspace.getSync(key),
    ttlSync: (_state, key, ctx) => ctx.keyspace.ttlSync(key),
    /** Writes a key and reads it back without a message: how often it read something else. */
    async readsItsWrites(_state, { key, count }, ctx) {
      let wrong = 0
      for (let i = 0; i < count; i++) {
        await ctx.keyspace.set(key, `value ${i}`)
        if (ctx.keyspace.getSync(key) !== `value ${i}`) wrong++
      }
      return wrong
    },
    /** Adds to a number by reading and writing it in a transaction. */
    async addInTransactions(_state, { keys, count }, ctx) {
      for (let i = 0; i < count; i++) {
        await ctx.keyspace.transaction(keys, (tx) => {
          for (const key of keys) tx.set(key, String(Number(tx.get(key) ?? 0) + 1))
        })
      }
    },
    hasKeyspace(_state, _none, ctx) {
      return ctx.keyspace !== undefined
    },
  },
})
