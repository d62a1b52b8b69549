/** The smallest client of RESP2: commands go out in one piece, replies come back in their order. */
import { connect, type Socket } from 'node:net'
import type { Resp2Form } from '../resp2.mjs'

const LINE_END = '\r\n'

export function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** A connection. Words are bytes as Latin-1. */
export class RespClient {
  readonly #socket: Socket
  #received = ''
  #position = 0
  readonly #waiting: { readonly resolve: (form: Resp2Form) => void; reject(error: Error): void }[] = []

  static connect(port: number): Promise<RespClient> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1')
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(new RespClient(socket))
      })
    })
  }

  constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay()
    socket.setEncoding('latin1')
    socket.on('data', (text) => this.#take(String(text)))
    socket.on('error', () => undefined)
    socket.on('close', () => {
      for (const { reject } of this.#waiting.splice(0)) reject(new Error('Redis closed the connection'))
    })
  }

  call(...argv: string[]): Promise<Resp2Form> {
    return this.pipeline([argv]).then(([form]) => form as Resp2Form)
  }

  /** Sends commands in one piece. */
  pipeline(commands: readonly (readonly string[])[]): Promise<Resp2Form[]> {
    if (this.#socket.destroyed) return Promise.reject(new Error('Redis closed the connection'))
    const replies = commands.map(
      () => new Promise<Resp2Form>((resolve, reject) => void this.#waiting.push({ resolve, reject })),
    )
    this.send(commands)
    return Promise.all(replies)
  }

  /** The same for commands that are not answered. */
  send(commands: readonly (readonly string[])[]): void {
    const text = commands.map((argv) => `*${argv.length}\r\n${argv.map(bulk).join('')}`)
    this.#socket.write(text.join(''), 'latin1')
  }

  close(): void {
    this.#socket.destroy()
  }

  #take(text: string): void {
    this.#received = this.#received.slice(this.#position) + text
    this.#position = 0
    while (this.#waiting.length > 0) {
      const start = this.#position
      const form = this.#read()
      if (form === undefined) {
        this.#position = start
        return
      }
      this.#waiting.shift()!.resolve(form)
    }
  }

  /** The next reply; undefined: not all of it is there. */
  #read(): Resp2Form | undefined {
    const end = this.#received.indexOf(LINE_END, this.#position)
    if (end < 0) return undefined
    const line = this.#received.slice(this.#position, end)
    this.#position = end + LINE_END.length
    if (line === '$-1') return '_'
    if (line === '*-1') return '*_'
    if (line[0] === '$') return this.#bulk(Number(line.slice(1)))
    if (line[0] !== '*') return line
    const items: Resp2Form[] = []
    for (let left = Number(line.slice(1)); left > 0; left--) {
      const item = this.#read()
      if (item === undefined) return undefined
      items.push(item)
    }
    return items
  }

  #bulk(length: number): string | undefined {
    const start = this.#position
    if (this.#received.length < start + length + LINE_END.length) return undefined
    this.#position = start + length + LINE_END.length
    return `$${this.#received.slice(start, start + length)}`
  }
}

function bulk(word: string): string {
  return `$${word.length}\r\n${word}\r\n`
}
