/** Teaches the codec a class of a higher layer, such as `ActorRef`, without importing it. */
export interface CodecExtension {
  /** Its number in encoded values, 0x40 to 0x5f. */
  readonly type: number
  readonly Class: abstract new (...args: never[]) => object
  /** The object as plain data. */
  encode(value: object): unknown
  /** The object again. */
  decode(plain: unknown): unknown
}
