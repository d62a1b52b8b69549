/**
 * Functions that make one kind of object, written when a program has shown that it sends that kind often.
 *
 * An object that grows key by key costs about 10 ns a key; the same object as a literal costs 15 ns
 * altogether. Only source text makes a literal, so it is generated: `(reader) => ({ "id": reader.read(),
 * "name": reader.read() })`. The keys are the only foreign part, quoted by `JSON.stringify`. Where Node
 * forbids code from strings (`--disallow-code-generation-from-strings`), objects grow key by key.
 *
 * Cost: bench/codec.ts. Tests: test/codec/record-builder.test.ts
 */

/** Where a builder gets its values from, in the order of the keys. */
export interface ValueSource {
  read(): unknown
}

/** Makes an object of one kind. */
export type RecordBuilder = (source: ValueSource) => object

/** So often is a kind of object read before a function is made for it: making one costs some 20 µs. */
export const BUILDER_USES_MIN = 100

let isAllowed = true

/** A builder of objects with these keys, or undefined where code from strings is forbidden. */
export function makeBuilder(keys: readonly string[]): RecordBuilder | undefined {
  if (!isAllowed) return undefined
  // In brackets, `__proto__` is a key like any other.
  const fields = keys.map((key) => `[${JSON.stringify(key)}]: source.read()`)
  try {
    return new Function('source', `return { ${fields.join(', ')} }`) as RecordBuilder
  } catch {
    // Forbidden now, forbidden always.
    isAllowed = false
    return undefined
  }
}
