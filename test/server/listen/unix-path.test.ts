/** Files of Unix sockets: which are removed, and which never. */
import { execFileSync } from 'node:child_process'
import { existsSync, linkSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { removeOwnSocket, removeStaleSocket, socketAt } from '../../../src/server/listen/unix-path.ts'

const folder = mkdtempSync(join(tmpdir(), 'shl-path-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function listenAt(path: string): Promise<Server> {
  return new Promise((resolve) => {
    const server = createServer().listen(path, () => resolve(server))
  })
}

/** A socket of a process that has died without removing it. */
function leaveSocket(path: string): void {
  const program = "require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 9))"
  try {
    execFileSync(process.execPath, ['-e', program, path], { stdio: 'ignore' })
  } catch {
    // It was killed, as it should be.
  }
}

test('a socket that a dead process has left is removed', async () => {
  const path = join(folder, 'stale.sock')
  leaveSocket(path)
  expect(socketAt(path)).toBeDefined()
  expect(await removeStaleSocket(path, 'x')).toBe(true)
  expect(existsSync(path)).toBe(false)
  expect(existsSync(`${path}.x`)).toBe(false)
})

test('a socket at which somebody listens stays, and so does what is no socket', async () => {
  const path = join(folder, 'live.sock')
  const server = await listenAt(path)
  expect(await removeStaleSocket(path, 'x')).toBe(false)
  expect(socketAt(path)).toBeDefined()
  server.close()
  const file = join(folder, 'file')
  writeFileSync(file, 'mine')
  expect(await removeStaleSocket(file, 'x')).toBe(false)
  expect(existsSync(file)).toBe(true)
  expect(await removeStaleSocket(join(folder, 'none'), 'x')).toBe(false)
})

test('a server that was faster keeps its file', async () => {
  const path = join(folder, 'race.sock')
  leaveSocket(path)
  // Between the question whether anybody listens and the removal, another takes the path.
  const other = await listenAt(join(folder, 'other.sock'))
  const removed = removeStaleSocket(path, 'x')
  renameSync(join(folder, 'other.sock'), path)
  expect(await removed).toBe(false)
  expect(socketAt(path)).toBeDefined()
  expect(existsSync(`${path}.x`)).toBe(false)
  other.close()
})

test('only the own file is removed at the end', async () => {
  const path = join(folder, 'own.sock')
  const server = await listenAt(path)
  const own = socketAt(path)
  linkSync(path, join(folder, 'kept.sock'))
  rmSync(path)
  const later = await listenAt(path)
  removeOwnSocket(path, own)
  expect(socketAt(path)).toBeDefined()
  removeOwnSocket(path, socketAt(path))
  expect(existsSync(path)).toBe(false)
  removeOwnSocket(path, own)
  removeOwnSocket(join(folder, 'kept.sock'), undefined)
  expect(existsSync(join(folder, 'kept.sock'))).toBe(true)
  server.close()
  later.close()
})
