/** What an object is, whatever it pretends to be. */
import { createSecretKey } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { open } from 'node:fs/promises'
import { BlockList } from 'node:net'
import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import * as kinds from '../../src/codec/value-kind.ts'

const { describeClass, kindOf } = kinds

describe('the kind of an object', () => {
  const cases: readonly [string, number, () => object][] = [
    ['a plain object', kinds.KIND_PLAIN, () => ({})],
    ['an object without prototype', kinds.KIND_PLAIN, () => Object.create(null)],
    ['a class of the user', kinds.KIND_PLAIN, () => new (class Point {})()],
    ['a class called like one of the platform', kinds.KIND_PLAIN, () => new (class URL {})()],
    [
      'an object that calls itself a Map',
      kinds.KIND_PLAIN,
      () => ({ constructor: Map, [Symbol.toStringTag]: 'Map' }),
    ],
    ['a subclass of Array', kinds.KIND_ARRAY, () => new (class List extends Array {})()],
    ['a Map whose prototype was replaced', kinds.KIND_MAP, () => Object.setPrototypeOf(new Map(), { x: 1 })],
    ['a subclass of Date', kinds.KIND_DATE, () => new (class Day extends Date {})()],
    ['an error by prototype only', kinds.KIND_ERROR, () => Object.create(TypeError.prototype)],
    ['a DOMException', kinds.KIND_ERROR, () => new DOMException('x')],
    ['a Buffer', kinds.KIND_VIEW, () => Buffer.from('x')],
    ['a boxed BigInt', kinds.KIND_BOXED, () => Object(1n)],
    ['a Blob', kinds.KIND_NATIVE, () => new Blob(['x'])],
    ['a BlockList', kinds.KIND_NATIVE, () => new BlockList()],
    ['a key', kinds.KIND_NATIVE, () => createSecretKey(Buffer.from('x'))],
    ['a WebAssembly module', kinds.KIND_NATIVE, () => emptyModule()],
    ['a port', kinds.KIND_TRANSFERABLE, () => port()],
    ['a stream', kinds.KIND_TRANSFERABLE, () => new ReadableStream()],
    ['a boxed symbol', kinds.KIND_UNSENDABLE, () => Object(Symbol('x'))],
    ['a Promise', kinds.KIND_UNSENDABLE, () => Promise.resolve()],
    ['a subclass of Promise', kinds.KIND_UNSENDABLE, () => class Task extends Promise<void> {}.resolve()],
    ['a WeakMap', kinds.KIND_UNSENDABLE, () => new WeakMap()],
    ['a WeakSet', kinds.KIND_UNSENDABLE, () => new WeakSet()],
    ['a WeakRef', kinds.KIND_UNSENDABLE, () => new WeakRef({})],
    ['a generator', kinds.KIND_UNSENDABLE, () => (function* () {})()],
    ['an async generator', kinds.KIND_UNSENDABLE, () => (async function* () {})()],
    ['an iterator of an array', kinds.KIND_UNSENDABLE, () => [].values()],
    ['an iterator of a Map', kinds.KIND_UNSENDABLE, () => new Map().keys()],
    ['a URL', kinds.KIND_UNSENDABLE, () => new URL('http://example.org')],
    ['headers', kinds.KIND_UNSENDABLE, () => new Headers()],
    ['an AbortController', kinds.KIND_UNSENDABLE, () => new AbortController()],
    ['a subclass of EventTarget', kinds.KIND_UNSENDABLE, () => new (class Bus extends EventTarget {})()],
    ['an EventEmitter', kinds.KIND_UNSENDABLE, () => new EventEmitter()],
    ['a stream of the old kind', kinds.KIND_UNSENDABLE, () => new Readable()],
    ['a number format', kinds.KIND_UNSENDABLE, () => new Intl.NumberFormat()],
    ['memory of WebAssembly', kinds.KIND_UNSENDABLE, () => memory()],
    ['a Proxy of a Map', kinds.KIND_UNSENDABLE, () => new Proxy(new Map(), {})],
    ['an object that only inherits from Map', kinds.KIND_UNSENDABLE, () => Object.create(Map.prototype)],
  ]
  test.each(cases)('%s', (_, kind, make) => {
    expect(kindOf(make())).toBe(kind)
    // The second time the verdict on the class is known.
    expect(kindOf(make())).toBe(kind)
  })

  test('a file handle can be given away', async () => {
    const handle = await open(new URL(import.meta.url))
    expect(kindOf(handle)).toBe(kinds.KIND_TRANSFERABLE)
    await handle.close()
  })
})

test('classes are named with the right article', () => {
  const names = [new URL('http://x'), new Uint8Array(), new EventEmitter(), new Map()].map(describeClass)
  expect(names).toEqual(['a URL', 'a Uint8Array', 'an EventEmitter', 'a Map'])
})

function port(): object {
  const { port1 } = new MessageChannel()
  port1.close()
  return port1
}

interface WebAssemblyClasses {
  Module: new (bytes: Uint8Array) => object
  Memory: new (limits: { initial: number }) => object
}

function webAssembly(): WebAssemblyClasses {
  return (globalThis as Record<string, unknown>)['WebAssembly'] as WebAssemblyClasses
}

function emptyModule(): object {
  return new (webAssembly().Module)(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]))
}

function memory(): object {
  return new (webAssembly().Memory)({ initial: 1 })
}
