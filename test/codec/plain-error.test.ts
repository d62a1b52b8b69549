/** An error that has crossed still says all that it said, and passes the same checks. */
import { AssertionError } from 'node:assert'
import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { ShardloomError } from '../../src/base/index.ts'
import { decodeError, encodeError, ValueCodec, withAskerStack } from '../../src/codec/index.ts'

type AnyError = Error & Record<string, unknown>

const codec = new ValueCodec()

function cross<T>(value: T): T {
  const { bytes, objects } = codec.encode(value)
  return codec.decode(bytes.slice(), objects) as T
}

/** The error that a call throws. */
function thrown(call: () => unknown): AnyError {
  try {
    call()
  } catch (error) {
    return error as AnyError
  }
  throw new Error('it did not throw')
}

class QuotaError extends RangeError {
  readonly used: number
  constructor(used: number) {
    super(`quota used=${used}`)
    this.name = 'QuotaError'
    this.used = used
  }
}

describe('classes', () => {
  test.each([Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError])(
    '%o',
    (Class) => {
      const error = new Class('text')
      const copy = cross(error)
      expect(copy.constructor).toBe(Class)
      expect([copy.name, copy.message, copy.stack]).toEqual([error.name, error.message, error.stack])
      expect(Object.keys(copy)).toEqual([])
    },
  )

  test('a class of the user has its name, its base, and its properties', () => {
    const copy = cross(new QuotaError(7))
    expect([copy.constructor.name, copy.name, copy.message, copy.used]).toEqual([
      'QuotaError',
      'QuotaError',
      'quota used=7',
      7,
    ])
    expect(copy).toBeInstanceOf(RangeError)
    expect(cross(new QuotaError(8)).constructor).toBe(copy.constructor)
  })

  test('a class that never set a name keeps the name that it has', () => {
    class PlainSubclass extends Error {}
    const copy = cross(new PlainSubclass('x'))
    expect([copy.constructor.name, copy.name, Object.keys(copy)]).toEqual(['PlainSubclass', 'Error', []])
  })

  test('a name given to one object only', () => {
    const error = new Error('x')
    Object.defineProperty(error, 'name', { value: 'Renamed' })
    const copy = cross(error)
    expect([copy.name, copy.constructor, String(copy)]).toEqual(['Renamed', Error, 'Renamed: x'])
  })

  test('a ShardloomError passes instanceof, whatever its constructor would say', () => {
    const error = new ShardloomError('SHL_RING_FULL', { thread: 1, actor: 'a' }, { cause: new Error('c') })
    const copy = cross(error)
    expect(copy).toBeInstanceOf(ShardloomError)
    expect(copy.constructor).toBe(ShardloomError)
    expect({ ...copy }).toEqual({ ...error })
    expect([copy.message, copy.retryable, (copy.cause as Error).message]).toEqual([error.message, true, 'c'])
    expect(Object.keys(copy)).toEqual(Object.keys(error))
  })

  test('details that cannot cross are replaced one by one', () => {
    const error = new ShardloomError('SHL_RING_FULL', { thread: 1, actor: () => 1 })
    expect(cross(error).details).toEqual({ thread: 1, actor: '[a function]' })
  })

  test('an AggregateError has its errors', () => {
    const copy = cross(new AggregateError([new TypeError('1'), 2, { a: 3 }], 'all'))
    expect(copy.constructor).toBe(AggregateError)
    expect(copy.errors).toEqual([new TypeError('1'), 2, { a: 3 }])
    expect(copy.errors[0]).toBeInstanceOf(TypeError)
    expect(Object.keys(copy)).toEqual([])
  })

  test('a DOMException has its name and code', () => {
    const copy = cross(new DOMException('gone', 'AbortError'))
    expect(copy).toBeInstanceOf(DOMException)
    expect([copy.name, copy.code, copy.message]).toEqual(['AbortError', 20, 'gone'])
    expect(cross(abortReason()).name).toBe('AbortError')
  })

  test('errors of Node keep code, errno, syscall and path', () => {
    const error = thrown(() => readFileSync('/no/such/file'))
    expect({ ...cross(error) }).toEqual({ errno: -2, code: 'ENOENT', syscall: 'open', path: '/no/such/file' })
    const invalid = thrown(() => Buffer.alloc('x' as never))
    expect([cross(invalid)['code'], cross(invalid).name]).toEqual(['ERR_INVALID_ARG_TYPE', 'TypeError'])
    expect(cross(invalid)).toBeInstanceOf(TypeError)
    const assertion = cross(new AssertionError({ actual: 1, expected: 2, operator: 'strictEqual' }))
    expect([assertion.code, assertion.actual, assertion.expected]).toEqual(['ERR_ASSERTION', 1, 2])
    expect(assertion.constructor.name).toBe('AssertionError')
  })

  test('errors in the style of before classes', () => {
    function OldError(this: Error, message: string) {
      this.message = message
    }
    OldError.prototype = Object.create(Error.prototype, {
      constructor: { value: OldError },
      name: { value: 'OldError' },
    })
    const copy = cross(Reflect.construct(OldError, ['old'])) as Error
    expect(copy).toBeInstanceOf(Error)
    expect([copy.constructor.name, copy.name, copy.message]).toEqual(['OldError', 'OldError', 'old'])
  })

  test('the number of classes that are made is bounded', () => {
    for (let i = 0; i < 600; i++) {
      const copy = cross(new { [`Made${i}`]: class extends TypeError {} }[`Made${i}`]!('x'))
      expect(copy).toBeInstanceOf(TypeError)
      if (i === 599) expect(copy.constructor).toBe(TypeError)
    }
  })
})

function abortReason(): Error {
  const controller = new AbortController()
  controller.abort()
  return controller.signal.reason as Error
}

describe('properties', () => {
  test('own ones cross, in any depth', () => {
    const error = Object.assign(new Error('x'), {
      code: 'E_X',
      data: { list: [new Map([['a', 1n]])] },
      none: undefined,
    })
    expect({ ...cross(error) }).toEqual({ ...error })
  })

  test('what cannot cross becomes a word, and never a failure', () => {
    const error = Object.assign(new Error('x'), {
      fn: () => 1,
      symbol: Symbol('s'),
      promise: Promise.resolve(),
      config: { url: 'http://x', transform: () => 1, nested: { socket: new EventTarget() } },
      list: [1, () => 1],
      map: new Map([['k', new WeakMap()]]),
    })
    Object.defineProperty(error, 'bad', {
      enumerable: true,
      get() {
        throw new Error('no')
      },
    })
    expect({ ...cross(error) }).toEqual({
      fn: '[a function]',
      symbol: '[a symbol]',
      promise: '[a Promise]',
      config: { url: 'http://x', transform: '[a function]', nested: '[not sent: .socket is an EventTarget]' },
      list: '[not sent: [1] is a function]',
      map: '[not sent: .get("k") is a WeakMap]',
      bad: '[a getter that throws]',
    })
  })

  test('a code that only the class knows is kept', () => {
    class Coded extends Error {
      get code() {
        return 'E_CODED'
      }
    }
    const copy = cross<Error>(new Coded('x')) as AnyError
    expect([copy['code'], Object.keys(copy)]).toEqual(['E_CODED', []])
  })

  test('causes cross, errors or not, present or undefined', () => {
    for (const cause of [new TypeError('inner'), 'text', { a: 1 }, null, undefined]) {
      const copy = cross(new Error('x', { cause }))
      expect(Object.hasOwn(copy, 'cause')).toBe(true)
      expect(copy.cause).toEqual(cause)
      expect(Object.keys(copy)).toEqual([])
    }
    expect(Object.hasOwn(cross(new Error('x')), 'cause')).toBe(false)
    expect(cross(new Error('x', { cause: () => 1 })).cause).toBe('[a function]')
  })

  test('cycles through cause and properties', () => {
    const error = new Error('outer') as AnyError
    const inner = new Error('inner', { cause: error }) as AnyError
    error.cause = inner
    error['self'] = error
    inner['holder'] = { list: [error] }
    const copy = cross(error)
    const innerCopy = copy.cause as AnyError
    expect(innerCopy.cause).toBe(copy)
    expect(copy['self']).toBe(copy)
    expect((innerCopy['holder'] as { list: unknown[] }).list[0]).toBe(copy)
  })

  test('an endless chain of causes is cut', () => {
    let error = new Error('first')
    for (let i = 0; i < 5000; i++) error = new Error(`wrapped ${i}`, { cause: error })
    let copy: unknown = cross(error)
    let length = 0
    for (; copy instanceof Error; copy = copy.cause) length++
    expect(length).toBeGreaterThan(30)
    expect(length).toBeLessThan(100)
    expect(copy).toMatch(/^\[more than/)
  })

  test('__proto__ and constructor are data', () => {
    const error = Object.assign(new Error('x'), JSON.parse('{"constructor":"c"}'))
    Object.defineProperty(error, '__proto__', { value: { polluted: true }, enumerable: true })
    const copy = cross(error)
    expect(copy).toBeInstanceOf(Error)
    expect(copy.polluted).toBeUndefined()
    expect(copy.constructor).toBe('c')
  })

  test('hostile errors are still errors', () => {
    const hostile = new Error('x')
    // Formatted now, with the message that it still has.
    expect(hostile.stack).toContain('x')
    for (const key of ['name', 'message', 'stack', 'cause', 'code']) {
      Object.defineProperty(hostile, key, {
        get() {
          throw new Error('no')
        },
      })
    }
    expect(cross(hostile)).toBeInstanceOf(Error)
    const odd = Object.assign(new Error(), { message: 5, stack: {}, name: null })
    expect(cross(odd)).toBeInstanceOf(Error)
    expect(cross(Object.freeze(new Error('frozen'))).message).toBe('frozen')
  })
})

describe('encodeError and decodeError', () => {
  test('go through plain data', () => {
    const error = new QuotaError(3)
    error.cause = new TypeError('inner')
    const copy = decodeError(cross(encodeError(error))) as QuotaError
    expect(copy).toBeInstanceOf(RangeError)
    expect([copy.constructor.name, copy.used, copy.stack]).toEqual(['QuotaError', 3, error.stack])
    expect(copy.cause).toBeInstanceOf(TypeError)
  })

  test('wrap what is no error', () => {
    const copy = decodeError(encodeError('just text'))
    expect([copy.message, copy.cause]).toEqual(['thrown: just text', 'just text'])
  })
})

describe('the stack of the asker', () => {
  const askers = '    at async ask (file:///app.js:1:1)\n    at async main (file:///app.js:2:2)'

  test('stands below the stack of origin', () => {
    const error = cross(new Error('x'))
    const origin = error.stack
    withAskerStack(error, 'asked from', askers)
    expect(error.stack).toBe(`${origin}\n    ---- asked from ----\n${askers}`)
    expect(inspect(error)).toContain('at async main')
    expect(Object.keys(error)).toEqual([])
  })

  test('is added once, and not when there is none', () => {
    const error = new Error('x')
    const origin = error.stack
    withAskerStack(error, 'asked from', '')
    expect(error.stack).toBe(origin)
    withAskerStack(error, 'asked from', askers)
    withAskerStack(error, 'asked from', askers)
    expect(error.stack?.match(/asked from/g)).toHaveLength(1)
  })

  test('crosses with the error, and grows at each hop', () => {
    const error = new Error('x')
    withAskerStack(error, 'asked from', askers)
    const copy = cross(error)
    withAskerStack(copy, 'asked from', '    at async outer (file:///b.js:1:1)')
    expect(copy.stack?.match(/asked from/g)).toHaveLength(2)
  })

  test('leaves a frozen error as it is', () => {
    const error = Object.freeze(new Error('x'))
    expect(() => withAskerStack(error, 'asked from', askers)).not.toThrow()
  })
})
