/** How a class of a higher layer crosses as itself. */

/** Teaches the codec a class, such as `ActorRef`, without importing it. */
export interface CodecExtension {
  /** 0x40..0x5f, one per class. */
  readonly type: number
  readonly Class: abstract new (...args: never[]) => object
  /** The object as plain data. */
  encode(value: object): unknown
  /** The object again. */
  decode(plain: unknown): unknown
}
