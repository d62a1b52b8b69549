/**
 * A digest of all data, the same as Redis makes of the same data: for tests that compare two servers, or one
 * with itself after something that must change nothing.
 *
 * Sums by exclusive or of hashes, so that the order of keys, members and fields does not matter; lists and
 * what belongs together are hashed in their order. Keys are read by commands, a few hundred at a time: what
 * is written meanwhile may be in it or not.
 *
 * Tests: test/server/report/data-digest.test.ts
 * Source: computeDatasetDigest of Redis 7.0, src/debug.c
 */
import { createHash } from 'node:crypto'
import {
  type Argument,
  type ByteString,
  byteString,
  DoubleReply,
  formatScore,
  type Reply,
  SetReply,
} from '../../keyspace/engine/index.ts'

const DIGEST_BYTES = 20
const SCAN_COUNT = '500'
/** Numbers of types, as Redis has them. */
const TYPES: Readonly<Record<string, number>> = { string: 0, list: 1, set: 2, zset: 3, hash: 4 }

/** Runs a command on a database. */
export type RunCommand = (argv: readonly Argument[], db: number) => Promise<Reply>

/** 20 bytes that hashes are put into. */
class Digest {
  readonly bytes: Buffer = Buffer.alloc(DIGEST_BYTES)

  /** Adds a hash: the order of what is added makes no difference. */
  xor(content: Argument): this {
    const hash = sha1(content)
    for (let i = 0; i < DIGEST_BYTES; i++) this.bytes[i]! ^= hash[i]!
    return this
  }

  /** The same, with a hash over all so far: the order counts. */
  mix(content: Argument): this {
    this.xor(content)
    sha1(this.bytes).copy(this.bytes)
    return this
  }

  get hex(): string {
    return this.bytes.toString('hex')
  }
}

/** The digest of these databases, which have keys. */
export async function datasetDigest(run: RunCommand, databases: readonly number[]): Promise<string> {
  const all = new Digest()
  for (const db of databases) {
    all.mix(wordBytes(db))
    let cursor = '0'
    do {
      const [next, keys] = (await run(['SCAN', cursor, 'COUNT', SCAN_COUNT], db)) as [Argument, Argument[]]
      const digests = await Promise.all(
        keys.map(async (key) => {
          const digest = new Digest().mix(key)
          await addValue(digest, run, key, db)
          return digest.bytes
        }),
      )
      for (const bytes of digests) all.xor(bytes)
      cursor = byteString(next)
    } while (cursor !== '0')
  }
  return all.hex
}

/** The digest of one value; zeros where there is none. */
export async function valueDigest(run: RunCommand, key: Argument, db: number): Promise<string> {
  const digest = new Digest()
  await addValue(digest, run, key, db)
  return digest.hex
}

async function addValue(digest: Digest, run: RunCommand, key: Argument, db: number): Promise<void> {
  const [type, expireAt] = await Promise.all([run(['TYPE', key], db), run(['PEXPIRETIME', key], db)])
  const name = textOf(type)
  const number = TYPES[name]
  if (number === undefined) return
  digest.mix(wordBytes(number))
  switch (name) {
    case 'string':
      digest.mix((await run(['GET', key], db)) as Argument)
      break
    case 'list':
      for (const item of await itemsOf(run, ['LRANGE', key, '0', '-1'], db)) digest.mix(item)
      break
    case 'set':
      for (const member of await itemsOf(run, ['SMEMBERS', key], db)) digest.xor(member)
      break
    case 'zset':
      addPairs(
        digest,
        (await run(['ZRANGE', key, '0', '-1', 'WITHSCORES'], db)) as readonly Reply[],
        scoreText,
      )
      break
    default: {
      const fields = await itemsOf(run, ['HKEYS', key], db)
      const values = await itemsOf(run, ['HMGET', key, ...fields], db)
      addPairs(
        digest,
        fields.flatMap((field, i) => [field, values[i] ?? '']),
        (value) => value as Argument,
      )
    }
  }
  if (Number(expireAt) > 0) digest.xor('!!expire!!')
}

function addPairs(digest: Digest, flat: readonly Reply[], textOfValue: (value: Reply) => Argument): void {
  for (let i = 0; i + 1 < flat.length; i += 2) {
    digest.xor(new Digest().mix(flat[i] as Argument).mix(textOfValue(flat[i + 1]!)).bytes)
  }
}

async function itemsOf(run: RunCommand, argv: readonly Argument[], db: number): Promise<readonly Argument[]> {
  // A key that is gone by now has nothing to ask for.
  if (argv[0] === 'HMGET' && argv.length === 2) return []
  const reply = await run(argv, db)
  const items = reply instanceof SetReply ? reply.members : reply
  return Array.isArray(items) ? (items as readonly Argument[]) : []
}

function scoreText(value: Reply): ByteString {
  return formatScore(value instanceof DoubleReply ? value.value : Number(value))
}

function textOf(reply: Reply): string {
  return typeof reply === 'string' ? reply : String((reply as { readonly text?: string } | null)?.text ?? '')
}

/** A number as Redis hashes it: four bytes, the first the greatest. */
function wordBytes(number: number): Uint8Array {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(number)
  return bytes
}

function sha1(content: Argument): Buffer {
  const bytes = typeof content === 'string' ? Buffer.from(content, 'latin1') : content
  return createHash('sha1').update(bytes).digest()
}
