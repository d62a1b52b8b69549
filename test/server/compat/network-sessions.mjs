/**
 * Sessions of the compatibility cases over a network: each on a fresh connection, in either protocol.
 *
 * It has a decoder of its own, of forty lines, so that a fault of the server's writer is not hidden by the
 * same fault of the project's reader. Replies get the shapes that `resp2Form` tells apart. Plain JavaScript,
 * since `run-network-cases.mjs` runs it on Node 20 against any server.
 *
 * Tests: test/server/compat/network-cases.race.test.ts
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import { OUT_OF_SCOPE } from '../../keyspace/compat/case-runner.mjs'

const LINE_END = '\r\n'
const SUBSCRIPTIONS = 'subscriptions of a session come with the network'

/** Whatever runs cases, over connections to a server: `resp` is 2 or 3. */
export function networkSessions(port, resp, host = '127.0.0.1') {
  return {
    async session() {
      const socket = connect(port, host)
      await once(socket, 'connect')
      const session = new NetworkSession(socket)
      if (resp === 3) {
        const hello = await session.call(['HELLO', '3'])
        if (!Array.isArray(hello.flat)) throw new Error(`HELLO 3: ${JSON.stringify(hello)}`)
      }
      return session
    },
  }
}

/** Why a case is not run over a network; subscribing is run there, and so is FUNCTION FLUSH. */
export function reasonOfNetwork(lines) {
  if (lines.every((words) => isFunctionFlush(words))) return undefined
  for (const [reason, commands] of Object.entries(OUT_OF_SCOPE)) {
    if (reason === SUBSCRIPTIONS) continue
    if (lines.some(([name]) => commands.includes(name.toLowerCase()))) return reason
  }
  return undefined
}

function isFunctionFlush([name, subcommand]) {
  return name.toLowerCase() === 'function' && subcommand?.toLowerCase() === 'flush'
}

class NetworkSession {
  #socket
  #received = ''
  #at = 0
  #waiting = []

  constructor(socket) {
    this.#socket = socket
    socket.setNoDelay()
    socket.setEncoding('latin1')
    socket.on('data', (text) => this.#take(text))
    socket.on('error', () => undefined)
    socket.on('close', () => {
      for (const { reject } of this.#waiting.splice(0)) reject(new Error('the server closed the connection'))
    })
  }

  /** Words are bytes as Latin-1. What the server sends unasked counts as a reply, as subscribing needs it. */
  call(argv) {
    const words = argv.map((word) => `$${word.length}\r\n${word}\r\n`)
    this.#socket.write(`*${argv.length}\r\n${words.join('')}`, 'latin1')
    return new Promise((resolve, reject) => void this.#waiting.push({ resolve, reject }))
  }

  close() {
    this.#socket.destroy()
  }

  #take(text) {
    this.#received = this.#received.slice(this.#at) + text
    this.#at = 0
    while (this.#waiting.length > 0) {
      const start = this.#at
      const reply = this.#read()
      if (reply === undefined) {
        this.#at = start
        return
      }
      this.#waiting.shift().resolve(reply)
    }
  }

  /** The next reply; undefined: not all of it is there. */
  #read() {
    const end = this.#received.indexOf(LINE_END, this.#at)
    if (end < 0) return undefined
    const type = this.#received[this.#at]
    const line = this.#received.slice(this.#at + 1, end)
    this.#at = end + LINE_END.length
    switch (type) {
      case '+':
        return { text: line }
      case '-':
        return { code: line.split(' ')[0], text: line }
      case ':':
      case '(':
        return BigInt(line)
      case '_':
        return null
      case '#':
        return line === 't' ? 1 : 0
      case ',':
        return { value: Number(line.replace('inf', 'Infinity')) }
      case '$':
        return line === '-1' ? null : this.#bulk(Number(line))
      case '=':
        return this.#bulk(Number(line))?.slice('txt:'.length)
      case '*':
      case '>':
        return line === '-1' ? { isNull: true } : this.#items(Number(line))
      case '~':
        return withName('members', this.#items(Number(line)))
      case '%':
        return withName('flat', this.#items(Number(line) * 2))
      default:
        throw new Error(`no reply begins so: ${JSON.stringify(type + line)}`)
    }
  }

  #bulk(length) {
    const start = this.#at
    if (this.#received.length < start + length + LINE_END.length) return undefined
    this.#at = start + length + LINE_END.length
    return this.#received.slice(start, start + length)
  }

  #items(count) {
    const items = []
    for (let left = count; left > 0; left--) {
      const item = this.#read()
      if (item === undefined) return undefined
      items.push(item)
    }
    return items
  }
}

function withName(name, items) {
  return items === undefined ? undefined : { [name]: items }
}
