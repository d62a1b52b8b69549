/**
 * The program of the helper process, as text.
 *
 * Text and no file: a bundler would not find a file, and a user may have packed the package into one. It is
 * plain CommonJS for Node 20 and uses nothing but Node. It lives for some 50 ms.
 *
 * Two orders. `open`: it opens sockets one after the other, as asked, and sends each back before its own
 * event loop has turned, so that nobody is ever accepted here. It is killed at once then: a normal end would
 * remove the file of a Unix socket. `lend`: it has inherited listening sockets, and sends back copies of
 * them.
 *
 * A handle is sent, and not a `net.Server`: Node would make the receiver listen with a backlog of its own
 * choice. The module `cluster` passes handles in the same way.
 *
 * Tests: test/server/listen/listener.test.ts
 */

/** Descriptors that are inherited begin here: 0 to 2 are standard, 3 is the channel. */
export const INHERITED_FROM = 4

/** What the helper is asked for. */
export type HelperOrder = { readonly open: true } | { readonly lend: number; readonly copies: number }

/** What `open` takes, one message for each socket. */
export interface OpenRequest {
  readonly host?: string
  readonly port?: number
  readonly ipv6Only?: boolean
  readonly path?: string
  readonly backlog: number
  /** The umask to make the file with. */
  readonly umask?: number
}

/** What it answers; `opened` and `lent` come with a handle. */
export type HelperAnswer =
  | { readonly opened: number }
  | { readonly failed: string; readonly text: string }
  | { readonly lent: number }
  | { readonly done: true }

export const HELPER_SOURCE = `'use strict'
const net = require('node:net')
const order = JSON.parse(process.argv[1])
const die = () => process.kill(process.pid, 'SIGKILL')
process.on('disconnect', die)
if (order.open) {
  process.on('message', (request) => {
    if (request.umask !== undefined) process.umask(request.umask)
    const server = net.createServer()
    server.on('error', (error) => {
      process.send({ failed: error.code || 'unknown', text: String(error.message) })
    })
    server.listen({ ...request, exclusive: true }, () => {
      const address = server.address()
      const port = typeof address === 'object' ? address.port : 0
      process.send({ opened: port }, server._handle, () => (request.path ? die() : server.close()))
    })
  })
} else {
  for (let i = 0; i < order.lend; i++) {
    const held = new net.Socket({ fd: ${INHERITED_FROM} + i, readable: false, writable: false })
    for (let copy = 0; copy < order.copies; copy++) process.send({ lent: i }, held._handle)
  }
  process.send({ done: true })
}
`
