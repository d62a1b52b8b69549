/** What the other folders may use of `codec`. */
export { rejectWithAskerStack } from './asker-stack.ts'
export type { CodecExtension } from './extension.ts'
export { type Latin1Buffer, SHORT_CHARS_MAX, shortLatin1, writeLatin1 } from './latin1-text.ts'
export { type Parcel, pack, unpack } from './parcel.ts'
export { decodeError, encodeError, type PlainError, withAskerStack } from './plain-error.ts'
export { type EncodedValue, ValueCodec, type ValueCodecOptions } from './value-codec.ts'
