/** What may be listed in `transfer`, and what becomes of it on the other side of a port. */
import { open } from 'node:fs/promises'
import { MessageChannel, receiveMessageOnPort, type TransferListItem } from 'node:worker_threads'
import { describe, expect, test } from 'vitest'
import { ValueCodec } from '../../src/codec/index.ts'

const codec = new ValueCodec()

/** The value behind a real port. */
function post(value: unknown, transfer?: readonly unknown[]): unknown {
  const { port1, port2 } = new MessageChannel()
  const { bytes, objects, transferList } = codec.encode(value, transfer)
  port1.postMessage({ bytes: bytes.slice(), objects }, transferList as TransferListItem[])
  const received = receiveMessageOnPort(port2)?.message as { bytes: Uint8Array; objects: unknown[] }
  port1.close()
  return codec.decode(received.bytes, received.objects)
}

describe('what is listed wrongly', () => {
  const buffer = new ArrayBuffer(8)
  const detached = new ArrayBuffer(8)
  structuredClone(detached, { transfer: [detached] })
  const cases: readonly [string, unknown[]][] = [
    ['transfer[1] is listed twice', [buffer, buffer]],
    ['transfer[0] is a detached ArrayBuffer', [detached]],
    ['transfer[0] is a Uint8Array: list its buffer instead', [new Uint8Array(buffer)]],
    ['transfer[0] is a SharedArrayBuffer, which is shared and needs no listing', [new SharedArrayBuffer(8)]],
    ['transfer[1] is an Object, which is not transferable', [buffer, {}]],
    ['transfer[0] is a Map, which is not transferable', [new Map()]],
    ['transfer[0] is not transferable: text', ['text']],
  ]
  test.each(cases)('%s', (sentence, transfer) => {
    expect(() => codec.encode({ buffer }, transfer)).toThrow(sentence)
  })
})

describe('through a port', () => {
  test('a buffer moves, with the views on it', () => {
    const buffer = new Uint8Array([1, 2, 3, 4]).buffer
    const copy = post({ buffer, view: new Uint8Array(buffer, 1, 2) }, [buffer]) as {
      buffer: ArrayBuffer
      view: Uint8Array
    }
    expect(buffer.byteLength).toBe(0)
    expect(copy.view).toEqual(new Uint8Array([2, 3]))
    expect(copy.view.buffer).toBe(copy.buffer)
  })

  test('shared memory is the same memory', () => {
    const shared = new Int32Array(new SharedArrayBuffer(8))
    const copy = post({ shared }) as { shared: Int32Array }
    Atomics.store(copy.shared, 1, 42)
    expect(Atomics.load(shared, 1)).toBe(42)
  })

  test('a port works on, wherever it stands', () => {
    const { port1, port2 } = new MessageChannel()
    const copy = post({ ports: new Map([['in', port2]]), again: port2 }, [port2]) as {
      ports: Map<string, typeof port2>
      again: typeof port2
    }
    expect(copy.ports.get('in')).toBe(copy.again)
    port1.postMessage('hello')
    expect(receiveMessageOnPort(copy.again)?.message).toBe('hello')
    port1.close()
  })

  test('a stream is read on the other side', async () => {
    const stream = new ReadableStream({
      start(controller) {
        controller.enqueue('chunk')
        controller.close()
      },
    })
    const copy = post({ stream }, [stream]) as { stream: ReadableStream<string> }
    const chunks: string[] = []
    for await (const chunk of copy.stream) chunks.push(chunk)
    expect(chunks).toEqual(['chunk'])
  })

  test('a pair of streams and a transform', () => {
    const transform = new TransformStream()
    const writable = new WritableStream()
    const copy = post({ transform, writable }, [transform, writable]) as Record<string, unknown>
    expect(copy['transform']).toBeInstanceOf(TransformStream)
    expect(copy['writable']).toBeInstanceOf(WritableStream)
  })

  test('a file handle moves', async () => {
    const handle = await open(new URL(import.meta.url))
    const copy = post({ handle }, [handle]) as { handle: typeof handle }
    expect((await copy.handle.readFile('utf8')).startsWith('/** What may be listed')).toBe(true)
    await copy.handle.close()
  })

  test('a Blob is copied without being listed', async () => {
    const blob = new Blob(['text'])
    const { transferList, objects } = codec.encode({ blob })
    expect([objects, transferList]).toEqual([[blob], undefined])
    const copy = post({ blob }) as { blob: Blob }
    expect(await copy.blob.text()).toBe('text')
  })
})
