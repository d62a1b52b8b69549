/** What the other folders may use of `codec`. */
export { rejectWithAskerStack } from './asker-stack.ts'
export { copyBytes } from './copy-bytes.ts'
export type { CodecExtension } from './extension.ts'
export {
  type Latin1Buffer,
  MIDDLE_CHARS_MAX,
  middleLatin1,
  SHORT_CHARS_MAX,
  shortLatin1,
  writeLatin1,
} from './latin1-text.ts'
export { type Parcel, pack, unpack } from './parcel.ts'
export { decodeError, encodeError, type PlainError, withAskerStack } from './plain-error.ts'
export { type EncodedValue, ValueCodec, type ValueCodecOptions } from './value-codec.ts'
