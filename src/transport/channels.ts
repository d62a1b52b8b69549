/**
 * What a link is made of, injected: ports between threads, and the two ends of a ring.
 *
 * A simulation puts its own in the place of Node's, and so decides when a message of a port arrives, and
 * whether a ring has room. Asked only when a link or a thread is made, never for a message of a ring.
 * Tests: test/transport/link.test.ts, test/testkit/simulated-channels.test.ts
 */
import { BroadcastChannel, MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import { RingConsumer, RingProducer } from '../memory/index.ts'

/** One end of a channel between two threads. */
export interface Port {
  postMessage(message: unknown, transfer?: readonly unknown[]): void
  /** Lets the process end while the port is open. */
  unref(): void
  close(): void
}

/** A channel to every thread that opened one of the same name, this one not included. */
export interface Broadcast {
  /** Reaches each of the others before this returns: whoever looks afterwards finds it. */
  post(message: unknown): void
  /** Takes the next message at once; undefined when there is none. There is no other way to hear of it. */
  receive(): { readonly message: unknown } | undefined
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
  /** Opens a channel to all threads. Never holds the process. */
  broadcast(name: string): Broadcast
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
  broadcast(name) {
    const channel = new BroadcastChannel(name)
    // Node hands on what has come whenever its loop turns, whether anybody listens or not: it is kept here.
    const arrived: { readonly message: unknown }[] = []
    channel.onmessage = (event) => void arrived.push({ message: (event as { readonly data: unknown }).data })
    channel.unref()
    return {
      post: (message) => channel.postMessage(message),
      // Node takes a BroadcastChannel here, too; its types of version 20 do not say so.
      receive: () => arrived.shift() ?? receiveMessageOnPort(channel as object as MessagePort),
      close: () => channel.close(),
    }
  },
  producer: (ring) => new RingProducer(ring),
  consumer: (ring) => new RingConsumer(ring),
}
