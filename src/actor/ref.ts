/**
 * `ActorRef`: the address of an actor, on this thread or another, with typed `tell`, `ask` and `stream`.
 *
 * A ref is small, can be sent in a message and works the same wherever it arrives. It keeps nobody alive: a
 * message to an actor that has ended is refused and counted as a dead letter. A ref that an actor holds is
 * bound to that actor: what is asked through it inherits the deadline of the message being handled, and
 * carries the actor as its sender.
 *
 * Tests: test/actor/ask.race.test.ts, test/actor/define-actor.types.test.ts
 */
import { type ActorAddress, formatAddress } from './address.ts'
import type { AnswerOf, ItemOf, MessageType, PayloadArguments, ReceiveOf } from './message-types.ts'
import type {
  AskOptions,
  Messenger,
  OfferOptions,
  Owner,
  StopOptions,
  StreamOptions,
  TellOptions,
} from './messenger.ts'
import type { TerminationReason } from './termination.ts'

// biome-ignore lint/suspicious/noExplicitAny: a ref whose contract is not known accepts any message.
type AnyReceive = any

/** The address of an actor that understands the messages of `Receive`. */
export class ActorRef<Receive = AnyReceive> implements ActorAddress {
  readonly thread: number
  readonly slot: number
  readonly generation: number
  readonly name: string
  readonly #messenger: Messenger
  readonly #owner: Owner | undefined

  /** @internal Refs come from `spawn`, from messages and from the registry. */
  constructor(messenger: Messenger, owner: Owner | undefined, address: ActorAddress) {
    this.thread = address.thread
    this.slot = address.slot
    this.generation = address.generation
    this.name = address.name
    this.#messenger = messenger
    this.#owner = owner
  }

  /** `thread/slot:generation`: names this actor for ever. */
  get address(): string {
    return formatAddress(this.thread, this.slot, this.generation)
  }

  /** Messages in its mailbox and on their way to it, read from shared memory. */
  get depth(): number {
    return this.#messenger.depth(this)
  }

  /**
   * Sends and forgets. True when the message has its place in the mailbox; false when it was refused (mailbox
   * or ring full, actor ended), and then it is counted as a dead letter and nothing was sent.
   *
   * @throws SHL_VALUE_NOT_SENDABLE, SHL_MESSAGE_TOO_LARGE
   */
  tell<K extends MessageType<Receive>>(
    type: K,
    ...[payload, options]: PayloadArguments<Receive, K, TellOptions>
  ): boolean {
    return this.#messenger.tell(this, this.#owner, type, payload, options)
  }

  /**
   * Sends as soon as there is a place; order among the offers of one caller is kept.
   *
   * @throws SHL_OFFER_TIMEOUT, SHL_ASK_ABORTED, SHL_ACTOR_NOT_FOUND, SHL_VALUE_NOT_SENDABLE
   */
  offer<K extends MessageType<Receive>>(
    type: K,
    ...[payload, options]: PayloadArguments<Receive, K, OfferOptions>
  ): Promise<void> {
    return this.#messenger.offer(this, this.#owner, type, payload, options)
  }

  /**
   * Sends and resolves with the answer. Settles in any case: by the answer, the actor's error, its end, its
   * thread's end, the deadline, or the signal.
   *
   * @throws what the handler throws, or SHL_ASK_TIMEOUT, SHL_ASK_ABORTED, SHL_ACTOR_STOPPED,
   * SHL_ACTOR_NOT_FOUND,
   * SHL_THREAD_LOST, SHL_MAILBOX_FULL, SHL_RING_FULL, SHL_ASK_LIMIT, SHL_VALUE_NOT_SENDABLE,
   * SHL_RUNTIME_CLOSED
   */
  ask<K extends MessageType<Receive>>(
    type: K,
    ...[payload, options]: PayloadArguments<Receive, K, AskOptions>
  ): Promise<AnswerOf<Receive, K>> {
    return this.#messenger.ask(this, this.#owner, type, payload, options) as Promise<AnswerOf<Receive, K>>
  }

  /**
   * Iterates over a streaming answer: the producer runs only on demand, `return()` (or `break`) cancels it.
   */
  stream<K extends MessageType<Receive>>(
    type: K,
    ...[payload, options]: PayloadArguments<Receive, K, StreamOptions>
  ): AsyncIterableIterator<ItemOf<Receive, K>> {
    return this.#messenger.stream(this, this.#owner, type, payload, options) as AsyncIterableIterator<
      ItemOf<Receive, K>
    >
  }

  /** Ends the actor and resolves with the reason it ended for. */
  stop(options?: StopOptions): Promise<TerminationReason> {
    return this.#messenger.stop(this, options)
  }

  /** Whether both name the same actor. */
  equals(other: ActorAddress): boolean {
    return this.thread === other.thread && this.slot === other.slot && this.generation === other.generation
  }

  toString(): string {
    return `${this.name}@${this.address}`
  }

  /** @internal The same actor, on behalf of `owner`. */
  boundTo(owner: Owner | undefined): ActorRef<Receive> {
    return new ActorRef<Receive>(this.#messenger, owner, this)
  }
}

/** The ref type of a definition: `ActorRefOf<typeof counter>`. */
export type ActorRefOf<D> = ActorRef<ReceiveOf<D>>
