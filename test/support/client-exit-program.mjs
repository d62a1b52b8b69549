/** Waits for calls, and then for nothing: run by test/client/remote-client.faults.test.ts. */
import { connect } from 'shardloom/client'

const keyspace = connect(`shardloom://127.0.0.1:${process.argv[2]}`)
await keyspace.set('exit', '1')
console.log(await keyspace.get('exit'))
// Nothing but this wait keeps the process alive.
await keyspace.list('exit-list').shiftWait({ timeoutMs: 50 })
console.log('waited')
// Nobody listens there: attempts to connect go on in the background.
connect(`shardloom://127.0.0.1:${process.argv[3]}`)
process.on('exit', () => console.log('end'))
