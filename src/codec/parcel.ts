/**
 * A value in the form that `postMessage` carries: for where there is a MessagePort and no ring.
 *
 * What `postMessage` copies at no loss goes as it is; anything else as bytes of the codec, so that it means
 * the same as in a message between actors, and what cannot cross is refused by its path, before it is posted.
 * Tests: test/codec/parcel.test.ts
 */
import type { ValueCodec } from './value-codec.ts'

/** The value, or its bytes with what travels beside them. */
export interface Parcel {
  readonly value?: unknown
  readonly bytes?: Uint8Array
  readonly objects?: readonly unknown[] | undefined
}

/** Packs a value. `transfer` is what has to be in the transfer list. @throws SHL_VALUE_NOT_SENDABLE */
export function pack(
  codec: ValueCodec,
  value: unknown,
  transfer: readonly unknown[] | undefined,
  path: string,
): Parcel {
  if (isPlain(value) && (transfer === undefined || transfer.length === 0)) return { value }
  const { bytes, objects } = codec.encode(value, transfer, path)
  // A view would take the whole scratch along.
  return { bytes: bytes.slice(), objects }
}

/** The value again. */
export function unpack(codec: ValueCodec, { value, bytes, objects }: Parcel): unknown {
  return bytes === undefined ? value : codec.decode(bytes, objects)
}

function isPlain(value: unknown): boolean {
  return (
    value === null || (typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'symbol')
  )
}
