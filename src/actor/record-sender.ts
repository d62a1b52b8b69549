/**
 * The three steps of a send: encode the payload, take a place in the target's mailbox, write the record.
 *
 * What cannot cross throws in the first step, before anything has happened; a step that fails undoes the ones
 * before it. A message for this thread takes the same steps and is copied by the same codec; only the ring is
 * left out. One record object and one encoder serve every message of the thread.
 *
 * Invariant: a place is taken exactly once for each message that is sent. Cost: bench/tell.ts
 * Tests: test/actor/mailbox.race.test.ts, test/actor/ask.race.test.ts
 */
import { ShardloomError } from '../base/index.ts'
import * as wire from '../transport/index.ts'
import type { ActorAddress } from './address.ts'
import { Envelope } from './mailbox.ts'
import type { Owner, TellOptions } from './messenger.ts'
import { addressText, priorityOf, REFUSED_RING, threadLostError } from './send-outcome.ts'
import type { ThreadLossCause } from './termination.ts'

/** What a sender is made of. */
export interface RecordSenderParts {
  readonly memory: wire.ThreadMemory
  readonly encoder: wire.PayloadEncoder
  readonly messageBytesMax: number
  /** The link to a thread, made on demand; undefined when that thread is gone. */
  linkTo(thread: number): wire.ThreadLink | undefined
  lossOf(thread: number): { cause: ThreadLossCause; error: Error | undefined } | undefined
  touch(link: wire.ThreadLink): void
  /** Decodes a copy whose refs belong to `owner`. */
  cloneFor(owner: Owner | undefined, clone: () => unknown): unknown
  ownerOf(slot: number, generation: number): Owner | undefined
  /** Hands a message to an actor of this thread. */
  deliverLocal(slot: number, generation: number, envelope: Envelope): void
}

/** Identity and argument of a record without a payload of its own. */
export type ControlFields = Partial<
  Pick<wire.OutgoingRecord, 'askSlot' | 'askGeneration' | 'senderSlot' | 'senderGeneration' | 'argument'>
>

/** Sends the records of one thread. */
export class RecordSender {
  readonly #parts: RecordSenderParts
  readonly #out = new wire.OutgoingRecord()

  constructor(parts: RecordSenderParts) {
    this.#parts = parts
  }

  /** Fills the record and encodes the payload: throws before anything has happened. */
  prepare(
    kind: number,
    to: ActorAddress,
    owner: Owner | undefined,
    type: string,
    payload: unknown,
    options: TellOptions | undefined,
  ): wire.OutgoingRecord {
    const { encoder, messageBytesMax } = this.#parts
    encoder.encode(payload, options?.transfer)
    if (encoder.sizeBytes > messageBytesMax) {
      const details = { actor: addressText(to), sizeBytes: encoder.sizeBytes, sizeBytesMax: messageBytesMax }
      throw new ShardloomError('SHL_MESSAGE_TOO_LARGE', details)
    }
    const out = this.#out
    out.kind = kind
    out.flags = 0
    out.targetSlot = to.slot
    out.targetGeneration = to.generation
    if (owner === undefined) {
      out.senderSlot = wire.NO_SLOT
      out.senderGeneration = 0
    } else {
      out.senderSlot = owner.slot
      out.senderGeneration = owner.generation
    }
    out.argument = options === undefined ? 1 : priorityOf(options)
    out.type = type
    out.payload = payload
    return out
  }

  /** Takes a place and sends the prepared record. */
  send(to: ActorAddress): number {
    const { encoder, memory } = this.#parts
    const out = this.#out
    if (to.thread === memory.id) return this.#sendLocal(out)
    const link = this.#parts.linkTo(to.thread)
    if (link === undefined) return wire.REFUSED_GONE
    const peer = link.peer
    // The link is being made: nothing is known of the mailbox yet, so the sender waits as if it were full.
    if (peer === undefined) return REFUSED_RING
    const { sizeBytes } = encoder
    // Touched before it is written: the word that says "a batch is under way" is set before the first place
    // is taken.
    const isFirst = !link.isDirty
    this.#parts.touch(link)
    const outcome = wire.admit(peer.actors, to.slot, to.generation, sizeBytes)
    if (outcome !== wire.ADMITTED) return outcome
    let isWritten = false
    try {
      isWritten = link.writer.write(out, encoder)
    } finally {
      if (!isWritten) wire.release(peer.actors, to.slot, 1, sizeBytes)
    }
    out.payload = undefined
    if (!isWritten) return REFUSED_RING
    // The other thread begins on the first message of a batch while this one goes on with the rest.
    if (isFirst) link.writer.publish()
    else link.writer.flushIfParked()
    return wire.ADMITTED
  }

  #sendLocal(out: wire.OutgoingRecord): number {
    const { encoder, memory } = this.#parts
    const { sizeBytes } = encoder
    const outcome = wire.admit(memory.actors, out.targetSlot, out.targetGeneration, sizeBytes)
    if (outcome !== wire.ADMITTED) return outcome
    const envelope = new Envelope(out.kind, out.type, this.#cloneLocal(out))
    out.payload = undefined
    envelope.sizeBytes = sizeBytes
    envelope.priority = out.argument & 0xff
    envelope.local = out.kind === wire.KIND_STREAM_OPEN ? out.argument >> 8 : undefined
    envelope.senderThread = memory.id
    envelope.senderSlot = out.senderSlot
    envelope.senderGeneration = out.senderGeneration
    envelope.askThread = memory.id
    envelope.askSlot = out.askSlot
    envelope.askGeneration = out.askGeneration
    envelope.deadlineMs = out.deadlineMs
    this.#parts.deliverLocal(out.targetSlot, out.targetGeneration, envelope)
    return wire.ADMITTED
  }

  #cloneLocal(out: wire.OutgoingRecord): unknown {
    const { encoder, cloneFor, ownerOf } = this.#parts
    if (encoder.form !== wire.FORM_VALUE) return encoder.clone(out.payload)
    return cloneFor(ownerOf(out.targetSlot, out.targetGeneration), () => encoder.clone(out.payload))
  }

  /** Sends a record of the runtime's own: bounded by the actors and asks it speaks of, so never refused. */
  sendControl(kind: number, to: ActorAddress, fields: ControlFields, payload: unknown = undefined): void {
    const { encoder, memory } = this.#parts
    encoder.encode(payload, undefined, 'signal')
    const out = this.#out
    out.kind = kind
    out.flags = 0
    out.targetSlot = to.slot
    out.targetGeneration = to.generation
    out.askSlot = fields.askSlot ?? wire.NO_SLOT
    out.askGeneration = fields.askGeneration ?? 0
    out.senderSlot = fields.senderSlot ?? wire.NO_SLOT
    out.senderGeneration = fields.senderGeneration ?? 0
    out.argument = fields.argument ?? 0
    out.deadlineMs = 0
    out.type = ''
    if (to.thread === memory.id) {
      const envelope = new Envelope(kind, '', encoder.clone(payload))
      envelope.places = 0
      envelope.senderThread = memory.id
      envelope.senderSlot = out.senderSlot
      envelope.senderGeneration = out.senderGeneration
      envelope.askThread = memory.id
      envelope.askSlot = out.askSlot
      envelope.askGeneration = out.askGeneration
      envelope.local = out.argument
      this.#parts.deliverLocal(to.slot, to.generation, envelope)
      return
    }
    const link = this.#parts.linkTo(to.thread)
    if (link === undefined) return
    link.writer.writeReliably(out, encoder)
    this.#parts.touch(link)
  }

  /** Sends an answer to another thread. @throws SHL_VALUE_NOT_SENDABLE */
  sendAnswer(kind: number, to: Envelope, value: unknown, transfer: readonly unknown[] | undefined): void {
    const { encoder } = this.#parts
    encoder.encode(value, transfer, 'answer')
    const link = this.#parts.linkTo(to.askThread)
    if (link === undefined) return
    const out = this.#out
    out.kind = kind
    out.flags = 0
    out.targetSlot = 0
    out.targetGeneration = 0
    out.askSlot = to.askSlot
    out.askGeneration = to.askGeneration
    out.senderSlot = wire.NO_SLOT
    out.argument = 0
    out.deadlineMs = 0
    out.type = ''
    link.writer.writeReliably(out, encoder)
    this.#parts.touch(link)
  }

  /** The copy that an asker on this thread gets. @throws SHL_VALUE_NOT_SENDABLE */
  copyAnswer(owner: Owner | undefined, value: unknown, transfer: readonly unknown[] | undefined): unknown {
    const { encoder, cloneFor } = this.#parts
    encoder.encode(value, transfer, 'answer')
    return cloneFor(owner, () => encoder.clone(value))
  }

  /** A copy of a payload that has to wait. */
  copyPayload(owner: Owner | undefined, payload: unknown): unknown {
    const { encoder, cloneFor } = this.#parts
    encoder.encode(payload, undefined)
    return cloneFor(owner, () => encoder.clone(payload))
  }

  /** The error that says why a send was refused. */
  refusal(outcome: number, to: ActorAddress, type: string): ShardloomError {
    const actor = addressText(to)
    if (outcome === REFUSED_RING) {
      const capacityBytes = this.#parts.linkTo(to.thread)?.writer.capacityBytes ?? 0
      return new ShardloomError('SHL_RING_FULL', { thread: to.thread, actor, capacityBytes })
    }
    if (outcome === wire.REFUSED_DROPPED) {
      return new ShardloomError('SHL_MESSAGE_DROPPED', { actor, type, policy: 'drop_newest' })
    }
    const loss = this.#parts.lossOf(to.thread)
    if (loss !== undefined) return threadLostError(to.thread, loss.cause, loss.error)
    if (outcome === wire.REFUSED_GONE) {
      return new ShardloomError('SHL_ACTOR_NOT_FOUND', { actor, reason: 'it has ended, or is ending' })
    }
    const actors = this.tableOf(to.thread)
    const word = (index: number): number =>
      actors === undefined ? 0 : Atomics.load(actors, to.slot * wire.ACTOR_WORDS + index)
    return new ShardloomError('SHL_MAILBOX_FULL', {
      actor,
      depth: word(wire.ACTOR_DEPTH),
      depthMax: word(wire.ACTOR_DEPTH_MAX),
      bytes: word(wire.ACTOR_BYTES),
      bytesMax: word(wire.ACTOR_BYTES_MAX),
    })
  }

  /** The policy of a mailbox, on whatever thread. */
  policyOf(to: ActorAddress): number {
    const actors = this.tableOf(to.thread)
    if (actors === undefined) return wire.POLICY_WAIT
    return Atomics.load(actors, to.slot * wire.ACTOR_WORDS + wire.ACTOR_POLICY)
  }

  /** The actor table of a thread. */
  tableOf(thread: number): Int32Array<SharedArrayBuffer> | undefined {
    const { memory } = this.#parts
    return thread === memory.id ? memory.actors : this.#parts.linkTo(thread)?.peer?.actors
  }
}
