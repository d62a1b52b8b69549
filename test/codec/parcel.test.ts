/** Values through a port. */
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { type Parcel, pack, unpack, ValueCodec } from '../../src/codec/index.ts'

const codec = new ValueCodec()

function through(value: unknown, transfer: ArrayBuffer[] = []): unknown {
  const { port1, port2 } = new MessageChannel()
  port1.postMessage(pack(codec, value, transfer, 'input'), transfer)
  const { message } = receiveMessageOnPort(port2) as { message: Parcel }
  port1.close()
  return unpack(codec, message)
}

test.each([
  [undefined],
  [null],
  [-0],
  ['text'],
  [10n],
  [{ list: [1, new Date(1)], bytes: Buffer.from('ab') }],
])('%s arrives as it was', (value) => {
  expect(through(value)).toStrictEqual(value)
})

test('what is transferred moves', () => {
  const bytes = new Uint8Array([1, 2, 3])
  expect(through({ bytes }, [bytes.buffer])).toEqual({ bytes: new Uint8Array([1, 2, 3]) })
  expect(bytes.byteLength).toBe(0)
})

test.each([
  [() => 1, 'input'],
  [Symbol('s'), 'input'],
  [{ a: [() => 1] }, 'input.a[0]'],
])('what cannot cross is refused by its path', (value, path) => {
  expect(() => pack(codec, value, undefined, 'input')).toThrow(`${path} is`)
})
