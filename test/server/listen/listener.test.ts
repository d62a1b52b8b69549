/** Listening sockets, with real ones: addresses, ports, files, errors, and whose descriptors they are. */
import { spawn } from 'node:child_process'
import {
  closeSync,
  existsSync,
  fstatSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import {
  type BoundAddress,
  type ListenAddress,
  tcpAddresses,
} from '../../../src/server/listen/listen-address.ts'
import { type Listener, openListener } from '../../../src/server/listen/listener.ts'
import { acceptOn, type ThreadListener } from '../../../src/server/listen/thread-listener.ts'

const folder = mkdtempSync(join(tmpdir(), 'shl-listen-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const hasIpv6 = Object.values(networkInterfaces()).some((one) =>
  one?.some(({ address }) => address === '::1'),
)

function tcp(host: string, port = 0): ListenAddress {
  return { type: 'tcp', host, port, backlog: 16 }
}

/** Greets whoever comes with its name and the address that it came by. */
function greeter(listener: Listener, seat: number): Promise<ThreadListener> {
  return acceptOn(listener.grant(seat), (socket, address) => {
    socket.on('error', () => undefined)
    socket.end(`${seat} ${address.label ?? '-'}`)
    socket.resume()
  })
}

function greetingFrom(address: BoundAddress): Promise<string> {
  return new Promise((resolve, reject) => {
    const to = address.type === 'unix' ? { path: address.path } : { host: address.host, port: address.port }
    const socket = connect(to)
    let text = ''
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
    socket.on('error', reject)
    socket.on('end', () => resolve(text))
  })
}

function portOf(address: BoundAddress): number {
  return address.type === 'tcp' ? address.port : 0
}

function listenAt(where: { host?: string; port?: number; path?: string }): Promise<Server> {
  return new Promise((resolve) => {
    const server = createServer().listen(where, () => resolve(server))
  })
}

test('port 0 is one real port for all addresses of a label, and all threads accept there', async () => {
  const hosts = hasIpv6 ? ['127.0.0.1', '::1'] : ['127.0.0.1', '127.0.0.2']
  const file: ListenAddress = { type: 'unix', path: join(folder, 'a.sock'), backlog: 4, mode: 0o600 }
  const wanted = [...tcpAddresses(hosts, 0, 16), ...tcpAddresses(['127.0.0.1'], 0, 16, 'tls'), file]
  const listener = await openListener(wanted, 2)
  expect(listener.mode).toBe('shared')
  const [first, second, tls, unix] = listener.addresses
  expect(portOf(first!)).toBeGreaterThan(0)
  expect(portOf(second!)).toBe(portOf(first!))
  expect(portOf(tls!)).not.toBe(portOf(first!))
  expect(statSync(file.path).mode & 0o777).toBe(0o600)
  // Nobody accepts yet: who comes early waits, and is not refused.
  const early = greetingFrom(first!)
  const threads = await Promise.all([greeter(listener, 0), greeter(listener, 1)])
  expect(await early).toMatch(/^[01] -$/)
  expect(await greetingFrom(second!)).toMatch(/^[01] -$/)
  expect(await greetingFrom(tls!)).toMatch(/^[01] tls$/)
  expect(await greetingFrom(unix!)).toMatch(/^[01] -$/)
  for (const thread of threads) thread.close()
  await listener.close()
  await listener.close()
  expect(existsSync(file.path)).toBe(false)
  await expect(greetingFrom(first!)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
})

test('an address where somebody listens is refused, with what to do, and nothing stays open', async () => {
  const other = await listenAt({ host: '127.0.0.1', port: 0 })
  const { port } = other.address() as { port: number }
  const path = join(folder, 'b.sock')
  const wanted: ListenAddress[] = [{ type: 'unix', path, backlog: 4 }, tcp('127.0.0.1', port)]
  await expect(openListener(wanted, 2)).rejects.toMatchObject({
    code: 'SHL_LISTEN_FAILED',
    message:
      `cannot listen: address=127.0.0.1:${port}: somebody listens there already (EADDRINUSE); ` +
      'stop who listens there, or choose another address or port',
  })
  expect(existsSync(path)).toBe(false)
  other.close()
})

test('two listeners never share a port', async () => {
  const listener = await openListener(tcp('127.0.0.1'), 2)
  const again = openListener(tcp('127.0.0.1', portOf(listener.address)), 2)
  await expect(again).rejects.toMatchObject({ details: { code: 'EADDRINUSE' } })
  // Also while its threads accept, and after they have gone.
  const thread = await greeter(listener, 0)
  thread.close()
  const third = openListener(tcp('0.0.0.0', portOf(listener.address)), 2)
  await expect(third).rejects.toMatchObject({ details: { code: 'EADDRINUSE' } })
  await listener.close()
  const later = await openListener(tcp('127.0.0.1', portOf(listener.address)), 1)
  await later.close()
})

test('an address that the machine has not is passed over when it may be, and refused when not', async () => {
  // Of a network that is kept for documentation.
  const missing = '192.0.2.1'
  await expect(openListener(tcp(missing), 1)).rejects.toMatchObject({
    message: expect.stringContaining('this machine has no such address'),
  })
  const listener = await openListener(tcpAddresses(['127.0.0.1', `-${missing}`], 0, 16), 1)
  expect(listener.addresses).toHaveLength(1)
  expect(listener.notes).toEqual([`passed over: ${missing}:0: EADDRNOTAVAIL`])
  await listener.close()
  await expect(openListener(tcpAddresses([`-${missing}`], 0, 16), 1)).rejects.toThrow('no such address')
})

test('a name is looked up, and one that nobody knows is refused', async () => {
  const listener = await openListener(tcp('localhost'), 1)
  expect(['127.0.0.1', '::1']).toContain((listener.address as { host: string }).host)
  await listener.close()
  await expect(openListener(tcp('no-such-name.invalid'), 1)).rejects.toMatchObject({
    code: 'SHL_LISTEN_FAILED',
  })
})

test.runIf(hasIpv6)('addresses of IPv6 are for IPv6 alone', async () => {
  const other = await listenAt({ host: '0.0.0.0', port: 0 })
  const { port } = other.address() as { port: number }
  const listener = await openListener(tcp('::*', port), 1)
  expect(listener.address).toMatchObject({ host: '::', port })
  await listener.close()
  other.close()
})

test('a file is refused where somebody listens, or where it is something else', async () => {
  const path = join(folder, 'c.sock')
  const other = await listenAt({ path })
  const at = (path: string): ListenAddress => ({ type: 'unix', path, backlog: 4 })
  await expect(openListener(at(path), 1)).rejects.toMatchObject({ details: { code: 'EADDRINUSE' } })
  other.close()
  const file = join(folder, 'file')
  writeFileSync(file, 'mine')
  await expect(openListener(at(file), 1)).rejects.toThrow('there is a file that is no socket')
  await expect(openListener(at(join(folder, 'none', 'x.sock')), 1)).rejects.toThrow('does not exist')
  await expect(openListener(at(join(folder, 'x'.repeat(120))), 1)).rejects.toThrow('path is too long')
})

test('a file that a dead process has left is taken over', async () => {
  const path = join(folder, 'stale.sock')
  const program = "require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 9))"
  await new Promise((resolve) => {
    spawn(process.execPath, ['-e', program, path]).on('close', resolve)
  })
  expect(existsSync(path)).toBe(true)
  const listener = await openListener({ type: 'unix', path, backlog: 4, mode: 0o660 }, 1)
  const thread = await greeter(listener, 0)
  expect(await greetingFrom(listener.address)).toBe('0 -')
  thread.close()
  await listener.close()
  expect(existsSync(path)).toBe(false)
})

test('descriptors are closed by their owner alone: files that get their numbers stay open', async () => {
  const listener = await openListener([tcp('127.0.0.1'), tcp('127.0.0.2')], 2)
  const first = await greeter(listener, 0)
  const second = await greeter(listener, 1)
  const files: number[] = []
  const openFiles = (count: number): void => {
    for (let i = 0; i < count; i++) files.push(openSync(join(folder, `log-${files.length}`), 'w'))
  }
  const check = (): void => {
    for (const [index, fd] of files.entries()) {
      expect(fstatSync(fd).ino).toBe(statSync(join(folder, `log-${index}`)).ino)
    }
  }
  const turn = (): Promise<unknown> => new Promise((resolve) => setTimeout(resolve, 5))
  first.close()
  openFiles(100)
  await turn()
  check()
  await listener.close()
  openFiles(10)
  await turn()
  check()
  // It goes on without the others.
  expect(await greetingFrom(listener.address)).toBe('1 -')
  second.close()
  openFiles(100)
  await turn()
  second.close()
  check()
  for (const fd of files) closeSync(fd)
})

test('after the listener is closed, no thread begins to accept', async () => {
  const listener = await openListener(tcp('127.0.0.1'), 2)
  const grant = listener.grant(0)
  await listener.close()
  await expect(acceptOn(grant, () => undefined)).rejects.toMatchObject({
    code: 'SHL_LISTEN_FAILED',
    message: expect.stringContaining('the listener is closed'),
  })
})

test('a thread may get its descriptors first, and accept later', async () => {
  const listener = await openListener(tcp('127.0.0.1'), 1)
  const thread = await acceptOn(listener.grant(), (socket) => socket.end('late'), { isPaused: true })
  expect(thread.isListening).toBe(false)
  const greeting = greetingFrom(listener.address)
  await thread.resume()
  expect([thread.isListening, await greeting]).toEqual([true, 'late'])
  thread.close()
  await listener.close()
})

test('grants are given in the order of threads, unless a seat is named', async () => {
  const listener = await openListener(tcp('127.0.0.1'), 2)
  expect([0, 1, 2].map(() => listener.grant().seat)).toEqual([0, 1, 0])
  expect(listener.grant(1).seat).toBe(1)
  expect(structuredClone(listener.grant(1)).sockets).toEqual(listener.grant(1).sockets)
  await listener.close()
})

test.each(['where sockets cannot be given to threads', 'where no process can be started'])(
  '%s, one thread accepts',
  async (why) => {
    const isWindows = why.includes('threads')
    const path = join(folder, 'single.sock')
    const { execPath } = process
    const wanted: ListenAddress[] = [tcp('127.0.0.1'), { type: 'unix', path, backlog: 4, mode: 0o600 }]
    let listener: Listener
    try {
      if (!isWindows) process.execPath = join(folder, 'no-such-program')
      listener = await openListener(wanted, 2, isWindows ? { platform: 'win32' } : {})
    } finally {
      process.execPath = execPath
    }
    expect(listener.mode).toBe('single')
    expect(listener.notes[0]).toMatch(/^one thread accepts all connections: /)
    const first = await greeter(listener, 0)
    const second = await greeter(listener, 1)
    expect([first.isListening, second.isListening]).toEqual([true, false])
    expect(await greetingFrom(listener.address)).toBe('0 -')
    expect(statSync(path).mode & 0o777).toBe(0o600)
    first.close()
    second.close()
    // The thread that takes its place accepts.
    const again = await greeter(listener, 0)
    expect(again.isListening).toBe(true)
    again.close()
    await listener.close()
  },
)
