/**
 * A link: everything that one thread holds to talk to one other thread.
 *
 *     this thread                                     the other thread
 *     LinkWriter ──► ring (ours) ───────────────────► LinkReader
 *     LinkReader ◄── ring (theirs) ◄───────────────── LinkWriter
 *     bulk port  ◄═► large and transferable payloads ═► bulk port    no listener: the ring's headers take it
 *     bell port  ◄─► wake-ups                        ─► bell port    a listener: the event loop sleeps on it
 *
 * A link exists from the first use; until the runtime has connected it, what is sent reliably waits in it.
 *
 * Writer: each ring's producer end is written by one thread; see `memory/ring-producer.ts`.
 * Tests: test/transport/link.test.ts
 */
import type { ValueCodec } from '../codec/index.ts'
import { allocateRing, DoorbellRinger } from '../memory/index.ts'
import { type Channels, nodeChannels, type Port } from './channels.ts'
import { LinkReader } from './link-reader.ts'
import { LinkWriter } from './link-writer.ts'
import { attachThread, CONTROL_PARKED, type ThreadBuffers, type ThreadMemory } from './thread-memory.ts'

/** What a thread is handed to connect a link: can be posted to it, with `transfer`. */
export interface LinkEnds {
  readonly peer: ThreadBuffers
  readonly outRing: SharedArrayBuffer
  readonly inRing: SharedArrayBuffer
  readonly bulkPort: Port
  readonly bellPort: Port
}

/** Makes both ends of a link between two threads. */
export function createLinkEnds(
  a: ThreadBuffers,
  b: ThreadBuffers,
  ringBytes: number,
  channels = nodeChannels,
): [LinkEnds, LinkEnds] {
  const aToB = allocateRing(ringBytes)
  const bToA = allocateRing(ringBytes)
  const [aBulk, bBulk] = channels.open('bulk')
  const [aBell, bBell] = channels.open('bell')
  return [
    { peer: b, outRing: aToB, inRing: bToA, bulkPort: aBulk, bellPort: aBell },
    { peer: a, outRing: bToA, inRing: aToB, bulkPort: bBulk, bellPort: bBell },
  ]
}

/** The ports of an end, for the transfer list. */
export function linkPorts(ends: LinkEnds): Port[] {
  return [ends.bulkPort, ends.bellPort]
}

/** This thread's end of the link to one other thread. */
export class ThreadLink {
  readonly threadId: number
  readonly writer = new LinkWriter()
  reader: LinkReader | undefined = undefined
  /** The other thread's shared memory, once connected. */
  peer: ThreadMemory | undefined = undefined
  /** Whether something was written since the last flush. */
  isDirty = false
  isClosed = false
  readonly #channels: Channels
  #ends: LinkEnds | undefined

  constructor(threadId: number, channels = nodeChannels) {
    this.threadId = threadId
    this.#channels = channels
  }

  /** Attaches the rings and ports; `onBell` is called when the other thread wakes this one. */
  connect(ends: LinkEnds, codec: ValueCodec, onBell: () => void): void {
    this.#ends = ends
    this.peer = attachThread(ends.peer)
    const { bellPort, bulkPort } = ends
    const channels = this.#channels
    channels.listen(bellPort, onBell)
    // The listener is attached first: unref before it would hang the exit.
    bellPort.unref()
    bulkPort.unref()
    this.reader = new LinkReader(this.threadId, channels.consumer(ends.inRing), codec, () =>
      channels.receive(bulkPort),
    )
    const ringer = new DoorbellRinger(this.peer.control, CONTROL_PARKED, () => bellPort.postMessage(0))
    const producer = channels.producer(ends.outRing)
    this.writer.connect({ producer, port: bulkPort, ringer, readerControl: this.peer.control })
  }

  /** Closes the ports. What the other thread had published can no longer be read. */
  close(): void {
    this.isClosed = true
    this.#ends?.bellPort.close()
    this.#ends?.bulkPort.close()
  }
}
