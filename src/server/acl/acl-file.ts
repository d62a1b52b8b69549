/**
 * The file of users (`aclfile`): a line per user, as `ACL LIST` prints it.
 *
 * It is read as a whole: every line that is wrong is told by its number, and then nothing of the file holds.
 * What is told holds no word of a file but commands and categories that do not exist: a slip could show a
 * password. There are no comments, since a save would lose them.
 *
 * It is written to another name, synced, and renamed, so that after a crash there is the old file or the new
 * one.
 *
 * Tests: test/server/acl/acl-file.test.ts
 */
import { dirname } from 'node:path'
import { type Disk, type DiskFile, ShardloomError } from '../../base/index.ts'
import type { ByteString } from '../../keyspace/engine/index.ts'
import { AclUser, type AclUserOptions } from './acl-user.ts'
import { hasSpaces, RULE_FAULTS } from './rule-fault.ts'
import { mergeSelectors, userLine, withoutPasswords } from './user-line.ts'

/** Some millions of users. */
const FILE_BYTES_MAX = 256 * 1024 * 1024
const NOTHING_CHANGED =
  'WARNING: ACL errors detected, no change to the previously active ACL rules was performed'

/** Users of a file, or what is wrong with it. */
export type ParsedFile = { readonly users: readonly AclUser[] } | { readonly errors: string }

/** Reads the text of a file. `fileName` is for errors. */
export function parseAclFile(text: ByteString, fileName: string, options: AclUserOptions): ParsedFile {
  const users = new Map<ByteString, AclUser>()
  const errors: string[] = []
  for (const [i, line] of text.split('\n').entries()) {
    const trimmed = line.replace(/^[ \t\r]+|[ \t\r]+$/g, '')
    if (trimmed === '') continue
    const place = `${fileName}:${i + 1}`
    const [keyword, name, ...words] = trimmed.split(' ')
    if (keyword !== 'user' || name === undefined) {
      errors.push(`${place} should start with user keyword followed by the username. `)
    } else if (hasSpaces(name)) {
      errors.push(`${place}: username contains invalid characters. `)
    } else if (users.has(name)) {
      errors.push(`WARNING: Duplicate user '${name}' found on line ${i + 1}. `)
    } else {
      const user = new AclUser(name, options)
      users.set(name, user)
      errors.push(...faultsOf(user, words, place))
    }
  }
  return errors.length === 0 ? { users: [...users.values()] } : { errors: errors.join('') + NOTHING_CHANGED }
}

/** The text of a file: users by name. */
export function printAclFile(users: Iterable<AclUser>): ByteString {
  return [...users].map((user) => `${userLine(user)}\n`).join('')
}

/** A file of users, as the requests take it. */
export interface AclFile {
  /** For errors. */
  readonly name: string
  /** @throws what the disk throws, SHL_ACL_FILE */
  read(): Promise<ByteString>
  /** In the place of the old one, or not at all. @throws what the disk throws */
  write(text: ByteString): Promise<void>
}

/** The file at a path. Saves of one process have different `id`s. */
export function aclFileOf(disk: Disk, path: string, id: () => string): AclFile {
  return {
    name: path,
    read: () => readAclFile(disk, path),
    write: (text) => saveAclFile(disk, path, text, id()),
  }
}

/** Reads a file. @throws what the disk throws, SHL_ACL_FILE */
async function readAclFile(disk: Disk, path: string): Promise<ByteString> {
  const file = await disk.open(path, 'read')
  try {
    const size = await file.size()
    if (size > FILE_BYTES_MAX) {
      throw new ShardloomError('SHL_ACL_FILE', { path, reason: `longer than ${FILE_BYTES_MAX} bytes` })
    }
    const bytes = Buffer.alloc(size)
    const count = await file.read(0, bytes)
    return bytes.subarray(0, count).toString('latin1')
  } finally {
    await file.close()
  }
}

/**
 * Writes a file in the place of the old one. `id` tells this save from others. @throws what the disk throws
 */
async function saveAclFile(disk: Disk, path: string, text: ByteString, id: string): Promise<void> {
  const draft = `${path}.tmp-${id}`
  const file = await disk.open(draft, 'create')
  try {
    try {
      await writeAll(file, Buffer.from(text, 'latin1'))
      await file.sync()
    } finally {
      await file.close()
    }
    await disk.rename(draft, path)
  } catch (error) {
    // What went wrong is told; that the draft is left as well matters less.
    await disk.remove(draft).catch(() => undefined)
    throw error
  }
  await disk.syncFolder(dirname(path))
}

async function writeAll(file: DiskFile, bytes: Uint8Array): Promise<void> {
  for (let position = 0; position < bytes.length; ) {
    position += await file.write(position, bytes.subarray(position))
  }
}

/** Unknown commands are all told, of other faults only the first: the others may follow from it. */
function faultsOf(user: AclUser, words: readonly ByteString[], place: string): readonly string[] {
  const merged = mergeSelectors(words)
  if ('open' in merged) return [`${place}: Unmatched parenthesis in selector definition.`]
  const faults: string[] = []
  let isOtherTold = false
  for (const rule of withoutPasswords(merged.map((one) => one.replace(/^[\t\r]+|[\t\r]+$/g, '')))) {
    const fault = user.apply(rule)
    if (fault === 'unknown') {
      faults.push(`${place}: Error in applying operation '${rule}': ${RULE_FAULTS[fault]}. `)
    } else if (fault !== undefined && !isOtherTold) {
      isOtherTold = true
      faults.push(`${place}: ${RULE_FAULTS[fault]}. `)
    }
  }
  return faults
}
