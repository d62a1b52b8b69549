/** What cannot cross is named together with the way to it. */
import { EventEmitter } from 'node:events'
import { Agent } from 'node:http'
import { Worker } from 'node:worker_threads'
import { describe, expect, test } from 'vitest'
import { ShardloomError } from '../../src/base/index.ts'
import { ValueCodec } from '../../src/codec/index.ts'

const codec = new ValueCodec()

/** What the codec says about a value that it refuses. */
function refusal(value: unknown, transfer?: unknown[], path?: string): ShardloomError {
  try {
    codec.encode(value, transfer, path)
  } catch (error) {
    if (error instanceof ShardloomError && error.code === 'SHL_VALUE_NOT_SENDABLE') return error
    throw error
  }
  throw new Error('it was sent')
}

function sentence(value: unknown): string {
  const { path, what } = refusal(value).details
  return `${path} is ${what}`
}

const key = { anObject: true }
const detached = new ArrayBuffer(8)
structuredClone(detached, { transfer: [detached] })

describe('places', () => {
  const fn = () => 1
  const cases: readonly [unknown, string][] = [
    [fn, 'message is a function'],
    [Symbol('x'), 'message is a symbol'],
    [{ options: { onDone: fn } }, 'message.options.onDone is a function'],
    [{ list: [1, 2, 3, fn] }, 'message.list[3] is a function'],
    [{ 'two words': { über: fn } }, 'message["two words"].über is a function'],
    [{ byId: new Map([['x', fn]]) }, 'message.byId.get("x") is a function'],
    [new Map([[7n, { a: fn }]]), 'message.get(7n).a is a function'],
    [
      new Map<unknown, unknown>([
        [1, 1],
        [fn, 2],
      ]),
      'message{key 1} is a function',
    ],
    [new Map([[key, [fn]]]), 'message{value 0}[0] is a function'],
    [{ tags: new Set<unknown>(['a', 'b', fn]) }, 'message.tags{2} is a function'],
    [Object.assign([1], { extra: fn }), 'message.extra is a function'],
    [Object.assign(new Array(9), { 7: fn }), 'message[7] is a function'],
    [
      new (class Point {
        x = fn
      })(),
      'message.x is a function',
    ],
    [{ a: 1, b: [{ c: new Map([['d', new Set([[fn]])]]) }] }, 'message.b[0].c.get("d"){0}[0] is a function'],
    [{ first: fn, second: Symbol('x') }, 'message.first is a function'],
  ]
  test.each(cases)('%o', (value, wanted) => {
    expect(sentence(value)).toBe(wanted)
  })

  test('in a large value, and behind a cycle', () => {
    const value: Record<string, unknown> = { list: Array.from({ length: 50_000 }, (_, i) => ({ i })) }
    value['self'] = value
    value['last'] = { fn }
    expect(sentence(value)).toBe('message.last.fn is a function')
  })

  test('the root has the name that the caller gives it', () => {
    expect(refusal({ a: fn }, [], 'answer').message).toMatch(
      /^value cannot be sent: answer\.a is a function; /,
    )
  })
})

describe('things', () => {
  const cases: readonly [string, () => unknown][] = [
    ['a Promise', () => Promise.resolve()],
    ['a WeakMap', () => new WeakMap()],
    ['a WeakSet', () => new WeakSet()],
    ['a WeakRef', () => new WeakRef({})],
    ['a Symbol', () => Object(Symbol('x'))],
    ['a Generator', () => (function* () {})()],
    ['an Array Iterator', () => [1].values()],
    ['a URL', () => new URL('http://example.org')],
    ['an EventEmitter', () => new EventEmitter()],
    ['an Agent', () => new Agent()],
    ['a Proxy of a Map', () => new Proxy(new Map(), {})],
    ['a MessagePort that is not listed in `transfer`', () => new MessageChannel().port1],
    ['a ReadableStream that is not listed in `transfer`', () => new ReadableStream()],
    ['a detached ArrayBuffer', () => detached],
    ['a Uint8Array of a detached ArrayBuffer', viewOfDetached],
  ]
  test.each(cases)('%s', (what, make) => {
    expect(sentence({ it: make() })).toBe(`message.it is ${what}`)
  })

  test('a Worker', async () => {
    const worker = new Worker('', { eval: true })
    expect(sentence({ worker })).toBe('message.worker is a Worker')
    await worker.terminate()
  })

  test('a revoked Proxy', () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    expect(sentence([proxy])).toBe('message[0] is a revoked Proxy')
  })
})

function viewOfDetached(): Uint8Array {
  const view = new Uint8Array(8)
  structuredClone(view.buffer, { transfer: [view.buffer] })
  return view
}

describe('getters', () => {
  test('one that throws is named, and its error is the cause', () => {
    const cause = new Error('not now')
    const value = {
      config: {
        ok: 1,
        get secret(): never {
          throw cause
        },
      },
    }
    const error = refusal(value)
    expect(error.details).toEqual({ path: 'message.config.secret', what: 'a getter that throws' })
    expect(error.cause).toBe(cause)
  })

  test('one that throws only once leaves at least its error', () => {
    let calls = 0
    const value = {
      get flaky() {
        if (++calls === 1) throw new Error('first time')
        return 1
      },
    }
    const error = refusal(value)
    expect(error.details).toEqual({ path: 'message', what: 'not readable' })
    expect((error.cause as Error).message).toBe('first time')
    expect(codec.decode(codec.encode(value).bytes)).toEqual({ flaky: 1 })
  })
})

describe('depth', () => {
  test('is bounded, and the path does not become a book', () => {
    let value: unknown = 1
    for (let i = 0; i < 100_000; i++) value = { next: value }
    const error = refusal(value)
    expect(error.details['what']).toBe('nested deeper than 1000 levels')
    expect(String(error.details['path'])).toMatch(/^message(?:\.next)+…(?:\.next)+$/)
    expect(error.message.length).toBeLessThan(300)
  })

  test('when the caller has used up the stack, it is an error like any other', () => {
    const value = structuredCloneDepth(900)
    let found: unknown
    const recurse = (): void => {
      try {
        recurse()
      } catch {
        // As deep as it goes: here there is not enough stack left to encode.
        try {
          codec.encode(value)
        } catch (error) {
          found ??= error
        }
      }
    }
    recurse()
    expect(codec.decode(codec.encode(value).bytes)).toEqual(value)
    expect((found as ShardloomError).message).toMatch(/nested too deeply|Maximum call stack/)
  })
})

function structuredCloneDepth(levels: number): unknown {
  let value: unknown = 1
  for (let i = 0; i < levels; i++) value = [value]
  return value
}
