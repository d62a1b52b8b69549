/** Values go to a real thread and come back: the codec on both sides, ports and shared memory in between. */
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import { buildSync } from 'esbuild'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ValueCodec } from '../../src/codec/index.ts'

/** Decodes what comes, encodes it again, and sends it back, all from a view of shared memory. */
const ECHO = `
  const { parentPort } = require('node:worker_threads')
  const codec = new ValueCodec()
  parentPort.on('message', ({ bytes, objects }) => {
    const value = codec.decode(bytes, objects)
    const transfer = (objects ?? []).filter((object) => !(object instanceof SharedArrayBuffer))
    try {
      if (value?.fail) throw Object.assign(new RangeError('thread'), { code: 'E_THREAD', port: parentPort })
      const encoded = codec.encode({ value, classes: value?.error?.constructor?.name }, transfer)
      parentPort.postMessage({ bytes: encoded.bytes.slice(), objects: encoded.objects }, encoded.transferList)
    } catch (error) {
      parentPort.postMessage({ bytes: codec.encode(error).bytes.slice() })
    }
  })`

const codec = new ValueCodec()
let worker: Worker

beforeAll(() => {
  const entry = new URL('../../src/codec/index.ts', import.meta.url).pathname
  const { outputFiles } = buildSync({ entryPoints: [entry], bundle: true, platform: 'node', write: false })
  worker = new Worker(`${outputFiles[0]?.text}\n${ECHO}`, { eval: true })
})

afterAll(() => worker.terminate())

/** The value that the thread sends back. */
async function echo(value: unknown, transfer?: readonly unknown[]): Promise<unknown> {
  const { bytes, objects, transferList } = codec.encode(value, transfer)
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length))
  shared.set(bytes)
  const answer = new Promise<{ bytes: Uint8Array; objects?: unknown[] }>((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
  })
  worker.postMessage({ bytes: shared, objects }, transferList as never)
  const received = await answer
  return codec.decode(received.bytes, received.objects)
}

test('plain data', async () => {
  const value: Record<string, unknown> = {
    map: new Map([[1n, [new Date(5)]]]),
    text: '日本',
    list: [1, undefined, -0],
  }
  value['self'] = value
  const { value: copy } = (await echo(value)) as { value: typeof value }
  expect(copy['self']).toBe(copy)
  expect(copy).toEqual(value)
})

test('errors, as their class and with the stack of origin', async () => {
  const error = Object.assign(new TypeError('here', { cause: new Error('why') }), { code: 'E_X' })
  const { value, classes } = (await echo({ error })) as { value: { error: typeof error }; classes: string }
  expect(classes).toBe('TypeError')
  expect(value.error).toBeInstanceOf(TypeError)
  expect([value.error.code, value.error.stack]).toEqual(['E_X', error.stack])
})

test('a failure of the thread, with what cannot cross replaced', async () => {
  const error = (await echo({ fail: true })) as RangeError & Record<string, unknown>
  expect(error).toBeInstanceOf(RangeError)
  expect([error.message, error['code']]).toEqual(['thread', 'E_THREAD'])
  expect(error['port']).toBe('[a MessagePort that is not listed in `transfer`]')
})

test('buffers that move there and back', async () => {
  const buffer = new Uint8Array([1, 2, 3, 4]).buffer
  const { value } = (await echo({ view: new Uint8Array(buffer, 1, 2) }, [buffer])) as {
    value: { view: Uint8Array }
  }
  expect(buffer.byteLength).toBe(0)
  expect(value.view).toEqual(new Uint8Array([2, 3]))
  expect(value.view.buffer.byteLength).toBe(4)
})

test('shared memory and ports', async () => {
  const shared = new Int32Array(new SharedArrayBuffer(4))
  const { port1, port2 } = new MessageChannel()
  const { value } = (await echo({ shared, port2 }, [port2])) as {
    value: { shared: Int32Array; port2: MessagePort }
  }
  Atomics.store(value.shared, 0, 7)
  expect(Atomics.load(shared, 0)).toBe(7)
  const heard = new Promise((resolve) => value.port2.once('message', resolve))
  port1.postMessage('through two threads')
  expect(await heard).toBe('through two threads')
  port1.close()
})
