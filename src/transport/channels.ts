/**
 * What a link is made of, injected: ports between threads, and the two ends of a ring.
 *
 * A simulation puts its own in the place of Node's, and so decides when a message of a port arrives, and
 * whether a ring has room. Asked only when a link or a thread is made, never for a message of a ring.
 * Tests: test/transport/link.test.ts, test/testkit/simulated-channels.test.ts
 */
import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import { RingConsumer, RingProducer } from '../memory/index.ts'

/** One end of a channel between two threads. */
export interface Port {
  postMessage(message: unknown, transfer?: readonly unknown[]): void
  /** Lets the process end while the port is open. */
  unref(): void
  close(): void
}

/** What a channel is for: wake-ups, payloads, or the main thread's word to a worker. */
export type ChannelPurpose = 'bell' | 'bulk' | 'control'

/** Makes and reads channels, and opens rings, for one thread. */
export interface Channels {
  open(purpose: ChannelPurpose): readonly [Port, Port]
  /** Calls `listener` for each message, from the event loop of the thread that listens. */
  listen(
    port: Port, // biome-ignore lint/suspicious/noExplicitAny: each port carries what its two sides agree on.
    listener: (message: any) => void,
  ): void
  /** Takes the next message of a port at once; undefined when there is none. */
  receive(port: Port): { readonly message: unknown } | undefined
  producer(ring: SharedArrayBuffer): RingProducer
  consumer(ring: SharedArrayBuffer): RingConsumer
}

/** The channels of Node. */
export const nodeChannels: Channels = {
  open() {
    const { port1, port2 } = new MessageChannel()
    return [port1, port2]
  },
  listen: (port, listener) => void (port as MessagePort).on('message', listener),
  receive: (port) => receiveMessageOnPort(port as MessagePort) as { message: unknown } | undefined,
  producer: (ring) => new RingProducer(ring),
  consumer: (ring) => new RingConsumer(ring),
}
