/** The server of the question `resp`: so many shards, each on a thread of its own, until its input ends. */
import { createRuntime } from 'shardloom'

const shards = Number(process.argv[2])
const runtime = await createRuntime({ threads: shards, keyspace: { shards } })
const server = await runtime.serve({ port: 0 })
process.stdout.write(`${server.address.port}\n`)
process.stdin.resume()
process.stdin.once('end', () => void runtime.close())
