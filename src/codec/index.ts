/** What the other folders may use of `codec`. */
export { rejectWithAskerStack } from './asker-stack.ts'
export { withAskerStack } from './error-parts.ts'
export type { CodecExtension } from './extension.ts'
export { type EncodedValue, ValueCodec, type ValueCodecOptions } from './value-codec.ts'
