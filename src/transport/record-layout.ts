/**
 * The layout of one message on a ring: a fixed header, then the payload.
 *
 *     byte 0         4        8        12     16       20      24      28    32           40     44
 *          +---------+--------+--------+------+--------+-------+-------+-----+------------+------+------+
 *          | kind,   | target | target | ask  | ask    | sender| sender| tag | deadline   | size | arg- |
 *          | form,   | slot   | gener. | slot | gener. | slot  | gener.|     | (f64, ms)  |      | ument|
 *          | flags   |        |        |      |        |       |       |     |            |      |      |
 *          +---------+--------+--------+------+--------+-------+-------+-----+------------+------+------+
 *     byte 48: the payload, `size` bytes. The argument is a number whose meaning the kind gives.
 *
 * A fixed header costs 48 bytes on each message and no branch: a tell with a number fills exactly one cache
 * line with the ring's own 8 bytes. The alternative, a variable header per kind, saved bytes and lost time.
 *
 * Writer: the thread that owns the link's producer. Readers: the thread at its other end.
 * Invariants: (1) a record is written whole before it is published; (2) every slot is paired with a
 * generation, so that a record for an actor or an ask that has ended is recognised and never delivered to its
 * successor.
 * Tests: test/transport/link.test.ts
 */
import { assert } from '../base/index.ts'

/** Word indexes, from the start of the record's payload on the ring. */
export const KIND_WORD = 0
export const TARGET_SLOT_WORD = 1
export const TARGET_GENERATION_WORD = 2
export const ASK_SLOT_WORD = 3
export const ASK_GENERATION_WORD = 4
export const SENDER_SLOT_WORD = 5
export const SENDER_GENERATION_WORD = 6
export const TAG_WORD = 7
export const DEADLINE_DOUBLE = 4
export const SIZE_WORD = 10
export const ARGUMENT_WORD = 11
export const HEADER_BYTES = 48

assert(DEADLINE_DOUBLE * 8 === (TAG_WORD + 1) * 4, 'the deadline follows the tag, 8-byte aligned')
assert(HEADER_BYTES === (ARGUMENT_WORD + 1) * 4 && HEADER_BYTES % 8 === 0, 'the payload is 8-byte aligned')

/** How the payload is written. The first word holds `kind | form << 8 | flags << 16`. */
export const FORM_UNDEFINED = 0
export const FORM_NULL = 1
export const FORM_TRUE = 2
export const FORM_FALSE = 3
export const FORM_DOUBLE = 4
/**
 * The body of a number. Its size in the header is 0, as a constant's: the count of messages bounds both, and
 * the bytes of a mailbox need not be touched.
 */
export const DOUBLE_BYTES = 8
export const FORM_LATIN1 = 5
export const FORM_BYTES = 6
export const FORM_VALUE = 7
/**
 * The payload, or its transferables, lie on the link's `MessagePort`: the next message there is this
 * record's.
 */
export const FORM_PORT = 8

/** The message type is not interned and travels as the first half of the payload pair. */
export const FLAG_TYPE_INLINE = 1
/** Somebody may cancel this message: the receiver keeps what it needs to find it. */
export const FLAG_CANCELLABLE = 2

/** What a record is for. */
export const KIND_DEFINE_TYPE = 1
export const KIND_TELL = 2
export const KIND_ASK = 3
export const KIND_REPLY = 4
export const KIND_REPLY_ERROR = 5
export const KIND_CANCEL = 6
export const KIND_STREAM_OPEN = 7
export const KIND_STREAM_PULL = 8
export const KIND_STREAM_ITEM = 9
export const KIND_STREAM_END = 10
export const KIND_WATCH = 11
export const KIND_UNWATCH = 12
export const KIND_LINK = 13
export const KIND_UNLINK = 14
export const KIND_TERMINATED = 15
export const KIND_STOP = 16
export const KIND_AWAIT_END = 17

/** No sender, no ask: slots start at 0. */
export const NO_SLOT = -1
/** The tag of a record without a message type: an answer, or one of the runtime's own. */
export const NO_TYPE = -1
