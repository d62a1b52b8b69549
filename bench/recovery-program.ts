/**
 * A process of its own for `recovery`: `node recovery-program.js <dir> <shards> <keys> <shape> [encrypted]`
 * starts from files, prints a line when its first command is answered, then what it finds, and waits to be
 * killed.
 */
import { createRuntime } from 'shardloom'
import { keyOf } from './loads.ts'
import { countRight, RECOVERY_FILES, RECOVERY_KEY, type RecoveryShape } from './recovery-load.ts'

const [dir = '', ...words] = process.argv.slice(2)
const [shards, keys] = words.slice(0, 2).map(Number) as [number, number]
const shape = words[2] as RecoveryShape

const files = { ...RECOVERY_FILES, ...(words[3] === 'encrypted' && RECOVERY_KEY) }
const runtime = await createRuntime({ threads: shards, keyspace: { shards, dir, ...files } })
const { keyspace } = runtime
await keyspace.get(keyOf(keys - 1))
process.stdout.write('answered\n')
const size = await keyspace.size()
const right = await countRight(shape, keys, async (key) => keyspace.getSync(key))
process.stdout.write(`${JSON.stringify({ size, right })}\n`)
process.stdin.resume()
