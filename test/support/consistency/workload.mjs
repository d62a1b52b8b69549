/**
 * One client of a keyspace that does random things and writes down what it was answered, and when.
 *
 * The same code runs in the simulation, on the main thread and in actors on real threads; so it is plain
 * JavaScript, and knows the keyspace by its public face only. What was found is judged by `judge.ts`.
 *
 *     r c s   single keys: registers, counters, sets         linearizable, key by key
 *     L t     lists that are appended to, and registers      strictly serialisable, over any keys
 *     k       lists between which tokens are moved           every token is in one of them, always
 *     y       strings with one writer each                   reads from memory are never stale
 *     p       keys of one client alone                       answers are those of one engine, in order
 *     f       keys that are never changed                    listed once each, wherever they lie
 *     x       locks with fencing tokens                      linearizable, name by name
 */
import { lockStep } from './lock-step.mjs'
import { Notebook } from './notes.mjs'
import { checked, commandOf, stepOf } from './steps.mjs'

export const TOKENS = ['A', 'B', 'C', 'D', 'E', 'F']
export const TOKEN_KEYS = ['k0', 'k1', 'k2', 'k3']
export const FIXED_KEYS = ['f0', 'f1', 'f2', 'f3', 'f4', 'f5', 'f6', 'f7']

const LISTS = ['L0', 'L1', 'L2', 'L3']
const REGISTERS = ['t0', 't1', 't2', 't3']

/** Numbers below a bound, from a seed. */
export function chanceOf(seed) {
  let state = seed >>> 0
  return (bound) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296) * bound)
  }
}

/** The keys that have to be there before clients begin. */
export async function prepare(keyspace) {
  await keyspace.command('RPUSH', 'k0', ...TOKENS)
  await keyspace.mset(Object.fromEntries(FIXED_KEYS.map((key) => [key, key])))
  const session = keyspace.session()
  await session.call(['SELECT', '1'])
  for (const key of FIXED_KEYS) await session.call(['SET', key, key])
}

/** Runs one client to its end; its notes. */
export async function runClient(plan) {
  const { steps, kinds, pause, onNotes } = plan
  const client = new Client(plan)
  onNotes?.(client.notes)
  for (let step = 0; step < steps; step++) {
    const kind = kinds[client.chance(kinds.length)]
    client.begin(client[kind]())
    if (client.chance(3) === 0) await client.settle()
    if (pause !== undefined && client.chance(4) === 0) await pause()
  }
  await client.settle()
  return client.notes
}

class Client {
  constructor({ keyspace, process, processes, peers, seed, now, onLine }) {
    this.keyspace = keyspace
    this.process = process
    this.peers = peers ?? Array.from({ length: processes }, (_, i) => i)
    this.chance = chanceOf(seed)
    this.now = now
    this.under = []
    this.count = 0
    this.written = [0, 0]
    this.book = new Notebook(process, onLine)
    this.notes = this.book.notes
  }

  begin(promise) {
    this.under.push(promise)
  }

  async settle() {
    await Promise.all(this.under.splice(0))
  }

  pick(list) {
    return list[this.chance(list.length)]
  }

  /** Some of a list, in a random order. */
  some(list, max) {
    const count = 1 + this.chance(max)
    const left = [...list]
    return Array.from(
      { length: Math.min(count, left.length) },
      () => left.splice(this.chance(left.length), 1)[0],
    )
  }

  value() {
    return `${this.process}.${++this.count}`
  }

  run(...argv) {
    return this.keyspace.command(...argv)
  }

  /** Several as one; a refusal among the replies is thrown. */
  async batch(commands) {
    const replies = await this.keyspace.batch(commands)
    const refused = replies.find((reply) => reply instanceof Error)
    if (refused !== undefined) throw refused
    return replies
  }

  failed(error) {
    const code = error?.code ?? String(error)
    this.book.add('errors', { code, text: String(error?.message ?? error), retryable: error?.retryable })
  }

  /** An operation on one or more objects; `task` gives the output of each. */
  async operate(model, calls, task) {
    const callAt = this.now()
    const notes = calls.map(({ key, call }) => ({ process: this.process, key, call, callAt, pending: true }))
    for (const note of notes) this.book.add(model, note)
    try {
      const outputs = await task()
      const returnAt = this.now()
      notes.forEach((note, i) => {
        this.book.change(note, { output: outputs[i], returnAt, pending: false })
      })
    } catch (error) {
      this.failed(error)
    }
  }

  register() {
    const key = `r${this.chance(3)}`
    const value = this.value()
    switch (this.chance(8)) {
      case 0:
      case 1:
        return this.operate('register', [{ key, call: { type: 'set', value } }], async () => [
          void (await this.run('SET', key, value)),
        ])
      case 2:
        return this.operate('register', [{ key, call: { type: 'del' } }], async () => [
          (await this.run('DEL', key)) === 1,
        ])
      case 3: {
        const keys = this.some(['r0', 'r1', 'r2'], 3)
        const calls = keys.map((one) => ({ key: one, call: { type: 'set', value } }))
        return this.operate('register', calls, async () => {
          await this.run('MSET', ...keys.flatMap((one) => [one, value]))
          return keys.map(() => undefined)
        })
      }
      case 4: {
        const keys = this.some(['r0', 'r1', 'r2'], 3)
        const calls = keys.map((one) => ({ key: one, call: { type: 'get' } }))
        return this.operate('register', calls, async () =>
          (await this.run('MGET', ...keys)).map((found) => found ?? undefined),
        )
      }
      case 5:
        return this.swap(key, value)
      default:
        return this.operate('register', [{ key, call: { type: 'get' } }], async () => [
          (await this.run('GET', key)) ?? undefined,
        ])
    }
  }

  /** Compare and set, by a callback. */
  async swap(key, value) {
    const from = (await this.run('GET', key).catch((error) => this.failed(error))) ?? undefined
    await this.operate('register', [{ key, call: { type: 'cas', from, to: value } }], async () => [
      await this.keyspace.transaction([key, this.pick(LISTS)], (tx) => {
        if (tx.get(key) !== from) return false
        tx.set(key, value)
        return true
      }),
    ])
  }

  counter() {
    const key = `c${this.chance(2)}`
    const by = 1 + this.chance(5)
    switch (this.chance(4)) {
      case 0:
        return this.operate('counter', [{ key, call: { type: 'get' } }], async () => [
          Number((await this.run('GET', key)) ?? 0),
        ])
      case 1: {
        const calls = ['c0', 'c1'].map((one) => ({ key: one, call: { type: 'add', by } }))
        return this.operate('counter', calls, () =>
          this.batch(['c0', 'c1'].map((one) => ['INCRBY', one, by])),
        )
      }
      default:
        return this.operate('counter', [{ key, call: { type: 'add', by } }], async () => [
          await this.run('INCRBY', key, by),
        ])
    }
  }

  set() {
    const key = `s${this.chance(3)}`
    const value = `m${this.chance(4)}`
    switch (this.chance(6)) {
      case 0:
        return this.operate('set', [{ key, call: { type: 'read' } }], async () => [
          await this.run('SMEMBERS', key),
        ])
      case 1:
        return this.operate('set', [{ key, call: { type: 'has', value } }], async () => [
          (await this.run('SISMEMBER', key, value)) === 1,
        ])
      case 2:
        return this.operate('set', [{ key, call: { type: 'remove', value } }], async () => [
          (await this.run('SREM', key, value)) === 1,
        ])
      case 3:
        return this.moveMember(key, `s${this.chance(3)}`, value)
      default:
        return this.operate('set', [{ key, call: { type: 'add', value } }], async () => [
          (await this.run('SADD', key, value)) === 1,
        ])
    }
  }

  async moveMember(from, to, value) {
    if (from === to) return
    const base = { process: this.process, callAt: this.now(), pending: true }
    const removal = { ...base, key: from, call: { type: 'remove', value } }
    const addition = { ...base, key: to, call: { type: 'add', value } }
    this.book.add('set', removal)
    this.book.add('set', addition)
    try {
      const output = (await this.run('SMOVE', from, to, value)) === 1
      const done = { returnAt: this.now(), pending: false }
      this.book.change(removal, { ...done, output })
      if (output) this.book.change(addition, done)
      else this.book.drop('set', addition)
    } catch (error) {
      this.failed(error)
    }
  }

  lock() {
    return lockStep(this)
  }

  /** A transaction over lists and registers, in one of the forms that there are. */
  transaction() {
    switch (this.chance(9)) {
      case 0:
      case 1:
        return this.transact(this.plan(1), ([step]) => this.run(...commandOf(step)).then((reply) => [reply]))
      case 2: {
        const keys = this.some(REGISTERS, 3)
        const plan = keys.map((key) => ({ type: 'set', key, value: this.value() }))
        return this.transact(plan, async () => {
          await this.run('MSET', ...plan.flatMap(({ key, value }) => [key, value]))
          return []
        })
      }
      case 3: {
        const keys = this.some(REGISTERS, 4)
        return this.transact(
          keys.map((key) => ({ type: 'get', key })),
          () => this.run('MGET', ...keys),
        )
      }
      case 4:
      case 5:
        return this.transact(this.plan(4), (plan) => this.batch(plan.map(commandOf)))
      case 6:
      case 7: {
        const plan = this.plan(4)
        return this.transact(plan, () =>
          this.keyspace.transaction([...new Set(plan.map(({ key }) => key))], (tx) =>
            plan.map((step) => tx.command(...commandOf(step))),
          ),
        )
      }
      default:
        return this.watch()
    }
  }

  plan(max) {
    return Array.from({ length: 1 + this.chance(max) }, () => {
      const isList = this.chance(3) > 0
      const key = this.pick(isList ? LISTS : REGISTERS)
      if (this.chance(2) === 0) return { type: isList ? 'read' : 'get', key }
      return { type: isList ? 'append' : 'set', key, value: this.value() }
    })
  }

  async transact(plan, task) {
    const note = this.noteTransaction(plan.filter(({ type }) => type === 'append' || type === 'set'))
    try {
      const replies = await task(plan)
      const steps = plan.map((step, i) => stepOf(step, replies[i]))
      this.book.change(note, { steps, status: 'committed', returnAt: this.now() })
    } catch (error) {
      this.failed(error)
    }
  }

  /** Nobody knows yet what becomes of it. */
  noteTransaction(steps) {
    return this.book.add('transactions', {
      process: this.process,
      callAt: this.now(),
      steps,
      status: 'unknown',
    })
  }

  /** WATCH, reads, MULTI, writes, EXEC: what was read stands, if it went through. */
  async watch() {
    const session = this.keyspace.session()
    const keys = this.some(LISTS, 2)
    const writes = this.some(LISTS, 2).map((key) => ({ type: 'append', key, value: this.value() }))
    const note = this.noteTransaction(writes)
    try {
      await checked(session.call(['WATCH', ...keys]))
      const reads = []
      for (const key of keys) {
        const value = await checked(session.call(['LRANGE', key, '0', '-1']))
        reads.push({ type: 'read', key, value: value.map(String) })
      }
      await checked(session.call(['MULTI']))
      for (const write of writes) await checked(session.call(commandOf(write)))
      const done = await checked(session.call(['EXEC']))
      const returnAt = this.now()
      if (Array.isArray(done))
        this.book.change(note, { steps: [...reads, ...writes], status: 'committed', returnAt })
      else this.book.change(note, { status: 'aborted', returnAt })
    } catch (error) {
      this.failed(error)
    }
  }

  async token() {
    const [from, to] = this.some(TOKEN_KEYS, 4)
    try {
      if (to === undefined || this.chance(3) === 0) {
        const replies = await this.batch(TOKEN_KEYS.map((key) => ['LRANGE', key, 0, -1]))
        this.book.add('snapshots', replies)
      } else if (this.chance(4) === 0) await this.run('BLMOVE', from, to, 'LEFT', 'RIGHT', '0.01')
      else await this.run('LMOVE', from, to, this.pick(['LEFT', 'RIGHT']), 'RIGHT')
    } catch (error) {
      this.failed(error)
    }
  }

  /** Writes keys that nobody else writes, and reads those of all. */
  async memory() {
    if (this.chance(3) === 0) {
      const index = this.chance(2)
      const key = `y${this.process}.${index}`
      const revision = ++this.written[index]
      const write = this.book.add('writes', { key, value: String(revision), callAt: this.now() })
      try {
        const how = this.chance(4)
        if (how === 0) await this.run('MSET', key, write.value, `y${this.process}.x`, write.value)
        else if (how === 1) await this.keyspace.transaction([key, 'L0'], (tx) => tx.set(key, write.value))
        else await this.keyspace.set(key, write.value)
        this.book.change(write, { revision, returnAt: this.now() })
      } catch (error) {
        this.failed(error)
      }
      return
    }
    const key = `y${this.pick(this.peers)}.${this.chance(2)}`
    const callAt = this.now()
    try {
      const value = this.keyspace.getSync(key)
      this.book.add('reads', { thread: this.process, key, value, callAt, returnAt: this.now() })
    } catch (error) {
      this.failed(error)
    }
  }

  /** Commands on keys of this client alone, some at a time, without waiting in between. */
  own() {
    const count = 1 + this.chance(6)
    return Promise.all(Array.from({ length: count }, () => this.ownOne()))
  }

  ownOne() {
    const lists = [0, 1, 2].map((i) => `p${this.process}.l${i}`)
    const strings = [0, 1, 2].map((i) => `p${this.process}.s${i}`)
    const list = this.pick(lists)
    const other = this.pick(lists)
    const string = this.pick(strings)
    const value = this.value()
    const argvs = [
      ['RPUSH', list, value],
      ['RPUSH', list, value],
      ['LPUSH', list, value],
      ['LPOP', list],
      ['LMOVE', list, other, 'LEFT', 'RIGHT'],
      ['RPOPLPUSH', list, other],
      ['LLEN', list],
      ['LRANGE', list, '0', '-1'],
      ['BLMOVE', list, other, 'RIGHT', 'LEFT', '0.001'],
      ['SET', string, value],
      ['SET', string, value],
      ['GET', string],
      ['MSET', ...strings.flatMap((key) => [key, `${value}${key}`])],
      ['MSETNX', string, value, this.pick(strings), value],
      ['MGET', ...strings],
      ['DEL', string, list],
      ['EXISTS', string, list, other],
      ['RENAMENX', string, this.pick(strings)],
      ['COPY', string, this.pick(strings), 'REPLACE'],
      ['APPEND', string, 'x'],
      ['TYPE', string],
    ]
    const isBatch = this.chance(8) === 0
    const commands = isBatch ? [this.pick(argvs), this.pick(argvs)] : [this.pick(argvs)]
    // A wait of its own ends when it likes: in a batch it does not wait.
    const given = commands.map((argv) => (isBatch || argv[0] !== 'BLMOVE' ? argv : argvs[4]))
    // Until it is answered nobody knows whether it took effect.
    const error = 'SHL_UNANSWERED'
    const note = this.book.add('own', { commands: given, reply: undefined, isBatch, error })
    const done = isBatch ? this.keyspace.batch(given) : this.run(...given[0])
    return done.then(
      (reply) => {
        const plain = isBatch ? reply.map((item) => item?.details?.reply ?? item) : reply
        this.book.change(note, { reply: plain, error: null })
      },
      (error) => {
        this.book.change(note, { error: error?.details?.reply ?? error?.code ?? String(error) })
        if (error?.details?.reply === undefined) this.failed(error)
      },
    )
  }

  /** What lists keys. */
  async listing() {
    try {
      const session = this.keyspace.session()
      await checked(session.call(['SELECT', '1']))
      const [how, reply] = await this.list(session)
      this.book.add('listings', { how, reply })
    } catch (error) {
      this.failed(error)
    }
  }

  async list(session) {
    switch (this.chance(4)) {
      case 0:
        return ['size', await checked(session.call(['DBSIZE']))]
      case 1:
        return ['keys', await checked(session.call(['KEYS', '*']))]
      case 2: {
        const found = []
        for await (const key of this.keyspace.scan({ match: 'f*', count: 3 })) found.push(key)
        return ['scan', found]
      }
      default:
        return ['keys', await this.run('KEYS', 'f*')]
    }
  }

  /** Moves the slots of some keys to a random shard. */
  async move() {
    const { keyspace } = this
    const keys = [...LISTS, ...REGISTERS, ...TOKEN_KEYS, ...FIXED_KEYS, 'r0', 'r1', 'c0', 's0', 's1']
    for (const i of this.peers) {
      keys.push(`y${i}.0`, `y${i}.1`, `p${i}.l0`, `p${i}.l1`, `p${i}.s0`, `p${i}.s1`)
    }
    const slots = this.some(keys, 6).map((key) => keyspace.shardOf(key).slot)
    try {
      const { length } = await keyspace.loads(1)
      await keyspace.moveSlots(slots, this.chance(length))
    } catch (error) {
      this.failed(error)
    }
  }
}
