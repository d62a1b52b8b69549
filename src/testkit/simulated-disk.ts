/**
 * A disk in memory that promises what POSIX does, and no more: for tests of what is left after a crash.
 *
 *     const disk = new SimulatedDisk({ onCall: (call) => (call.index === 7 ? { type: 'stop' } : undefined) })
 *     … run what is to be tested on it, until it has stopped …
 *     recover(disk.afterKill())            what was written is there
 *     recover(disk.afterPowerCut(seed))    what was synced is there; of the rest, what the seed says
 *
 * Both make another disk and leave this one as it is: one run is good for many seeds, and they may be asked
 * for at any moment, between two calls of the same run.
 *
 * A power cut takes sectors of 512 bytes one by one, and the lengths of files, and names in folders that were
 * not synced. A folder that was made is a name in the one above it.
 *
 * Every call is numbered, counted and shown to `onCall` before it happens, which may let it fail, write less,
 * be under way until it is released, or be the last one. A sync covers what was written before it was called,
 * not what was written until it ended. What a process has open stays open when its name is gone.
 *
 * Nothing here takes time or chance but by argument: the same calls give the same disk.
 * Tests: test/testkit/simulated-disk.test.ts
 */
import type { Disk, DiskFile, DiskMode } from '../base/index.ts'
import { seededRandom } from '../base/index.ts'
import { checkMode, DiskError } from './disk-error.ts'
import { SimulatedFile } from './simulated-file.ts'
import { type DiskNode, SimulatedFolder } from './simulated-folder.ts'

/** What can be called. */
export type DiskOperation =
  | 'makeFolder'
  | 'list'
  | 'open'
  | 'rename'
  | 'remove'
  | 'syncFolder'
  | 'size'
  | 'read'
  | 'write'
  | 'sync'
  | 'truncate'
  | 'close'

/** One call. */
export interface DiskCall {
  /** From 0 on. */
  readonly index: number
  readonly operation: DiskOperation
  readonly path: string
  /** Of a read or a write. */
  readonly position?: number
  /** Of a read, a write or a truncate. */
  readonly sizeBytes?: number
}

/** What becomes of a call. Discriminated by `type`. */
export type DiskFault =
  /**
   * It fails with this code. A write has taken `sizeBytes` by then; a sync leaves it open what is durable.
   */
  | { readonly type: 'fail'; readonly code: string; readonly sizeBytes?: number }
  /** A write takes so many bytes, and says so. */
  | { readonly type: 'short'; readonly sizeBytes: number }
  /** It is the last one: it never returns, nor does any other. A write has taken `sizeBytes` by then. */
  | { readonly type: 'stop'; readonly sizeBytes?: number }
  /** It is done, and never returns, nor does any other. */
  | { readonly type: 'stop_after' }
  /** It is under way until `release` is called. */
  | { readonly type: 'hold' }

/** How a disk behaves. */
export interface SimulatedDiskOptions {
  /** Room for the contents of all files together. Default: there is always some. */
  readonly capacityBytes?: number
  /** Decides what becomes of a call; undefined: it is done. */
  readonly onCall?: (call: DiskCall) => DiskFault | undefined
}

interface Held {
  readonly call: DiskCall
  readonly run: () => void
  readonly fail: (code: string) => void
}

const NEVER = new Promise<never>(() => undefined)

/** A disk in memory. */
export class SimulatedDisk implements Disk {
  /** May be changed at any time. */
  capacityBytes: number
  /** May be changed at any time. */
  onCall: SimulatedDiskOptions['onCall']
  #root = new SimulatedFolder()
  readonly #open = new Set<SimulatedFile>()
  readonly #calls: DiskCall[] = []
  #held: Held[] = []
  #isStopped = false
  #tellStopped: () => void = () => undefined
  /** Resolves when a call was the last one. */
  readonly stopped: Promise<void> = new Promise((resolve) => {
    this.#tellStopped = resolve
  })

  constructor(options: SimulatedDiskOptions = {}) {
    this.capacityBytes = options.capacityBytes ?? Number.POSITIVE_INFINITY
    this.onCall = options.onCall
  }

  /** All calls so far. */
  get calls(): readonly DiskCall[] {
    return this.#calls
  }

  /** How many of them there were of one operation. */
  count(operation: DiskOperation): number {
    return this.#calls.filter((call) => call.operation === operation).length
  }

  /** Calls that are under way, the oldest first. */
  get held(): readonly DiskCall[] {
    return this.#held.map(({ call }) => call)
  }

  /** Whether a call was the last one. */
  get isStopped(): boolean {
    return this.#isStopped
  }

  /** Bytes of all files, also of those that are open and have no name any more. */
  get usedBytes(): number {
    const files = new Set(this.#open)
    collectFiles(this.#root, files)
    return [...files].reduce((sum, file) => sum + file.size, 0)
  }

  /** Ends a call that is under way: the oldest one, unless another is named. */
  release(call: DiskCall | undefined = this.#held[0]?.call): void {
    this.#takeHeld(call)?.run()
  }

  /** Lets a call that is under way fail with a code: the oldest one, unless another is named. */
  fail(code: string, call: DiskCall | undefined = this.#held[0]?.call): void {
    this.#takeHeld(call)?.fail(code)
  }

  /** The disk that the next process finds when this one is killed now. */
  afterKill(options: SimulatedDiskOptions = {}): SimulatedDisk {
    const disk = new SimulatedDisk(options)
    disk.#root = this.#root.copy()
    return disk
  }

  /** One of the disks that may be found after a power cut now. */
  afterPowerCut(seed: number, options: SimulatedDiskOptions = {}): SimulatedDisk {
    const disk = new SimulatedDisk(options)
    const random = seededRandom(seed)
    // Some cuts come late, when nearly everything is written, and some early.
    const keepRate = [0, 0.5, 0.9, 1][random.below(4)]!
    disk.#root = this.#root.cut(random, keepRate)
    return disk
  }

  /** What a file holds now; undefined when there is none. No call is counted. */
  contentOf(path: string): Uint8Array | undefined {
    const node = this.#find(path)
    return node instanceof SimulatedFile ? node.bytes : undefined
  }

  /** Puts a file there, with its folders, as if it had been synced long ago. No call is counted. */
  putFile(path: string, bytes: Uint8Array): void {
    const names = partsOf(path)
    const folder = this.#makeFolders(names.slice(0, -1), true)
    folder.set(names.at(-1) ?? '', new SimulatedFile(bytes))
    folder.sync(folder.moment)
  }

  /** Puts a folder there in the same way. */
  putFolder(path: string): void {
    this.#makeFolders(partsOf(path), true)
  }

  makeFolder(path: string): Promise<void> {
    return this.#call({ operation: 'makeFolder', path }, () => void this.#makeFolders(partsOf(path), false))
  }

  list(path: string): Promise<string[]> {
    return this.#call({ operation: 'list', path }, () => this.#folder(path, 'list').names)
  }

  open(path: string, mode: DiskMode): Promise<DiskFile> {
    return this.#call({ operation: 'open', path }, () => {
      const { folder, name } = this.#place(path, 'open')
      let node = folder.get(name)
      checkMode(path, mode, node)
      if (node === undefined) {
        node = new SimulatedFile()
        folder.set(name, node)
      }
      return this.#opened(path, node as SimulatedFile, mode)
    })
  }

  rename(from: string, to: string): Promise<void> {
    return this.#call({ operation: 'rename', path: from }, () => {
      const source = this.#place(from, 'rename')
      const target = this.#place(to, 'rename')
      const node = source.folder.get(source.name)
      if (node === undefined) throw new DiskError('ENOENT', 'rename', from)
      const replaced = target.folder.get(target.name)
      if (replaced === node) return
      if (replaced instanceof SimulatedFolder) throw new DiskError('EISDIR', 'rename', to)
      target.folder.set(target.name, node)
      source.folder.set(source.name, undefined)
    })
  }

  remove(path: string): Promise<void> {
    return this.#call({ operation: 'remove', path }, () => {
      const { folder, name } = this.#place(path, 'remove')
      const node = folder.get(name)
      if (node === undefined) throw new DiskError('ENOENT', 'remove', path)
      if (node instanceof SimulatedFolder) throw new DiskError('EISDIR', 'remove', path)
      folder.set(name, undefined)
    })
  }

  syncFolder(path: string): Promise<void> {
    const folder = this.#find(path)
    const moment = folder?.moment ?? 0
    return this.#call({ operation: 'syncFolder', path }, () => this.#folder(path, 'syncFolder').sync(moment))
  }

  #opened(path: string, file: SimulatedFile, mode: DiskMode): DiskFile {
    let isOpen = true
    file.openCount++
    this.#open.add(file)
    const call = <T>(
      about: Omit<DiskCall, 'index' | 'path'>,
      run: (sizeBytes?: number) => T,
      onFail?: () => void,
    ): Promise<T> => {
      const checked = (sizeBytes?: number): T => {
        const isAllowed = mode !== 'read' || !['write', 'truncate'].includes(about.operation)
        if (!isOpen || !isAllowed) throw new DiskError('EBADF', about.operation, path)
        return run(sizeBytes)
      }
      return this.#call({ ...about, path }, checked, onFail)
    }
    return {
      size: () => call({ operation: 'size' }, () => file.size),
      read: (position, bytes) =>
        call({ operation: 'read', position, sizeBytes: bytes.length }, () => file.read(position, bytes)),
      write: (position, bytes) =>
        call({ operation: 'write', position, sizeBytes: bytes.length }, (sizeBytes = bytes.length) =>
          this.#write(path, file, position, bytes.subarray(0, sizeBytes)),
        ),
      sync: () => {
        const { moment } = file
        const fail = (): void => file.failSync(moment)
        return call({ operation: 'sync' }, () => file.sync(moment), fail)
      },
      truncate: (sizeBytes) =>
        call({ operation: 'truncate', sizeBytes }, () => {
          if (sizeBytes - file.size > this.#freeBytes()) throw new DiskError('ENOSPC', 'truncate', path)
          file.truncate(sizeBytes)
        }),
      close: () =>
        call({ operation: 'close' }, () => {
          isOpen = false
          if (--file.openCount === 0) this.#open.delete(file)
        }),
    }
  }

  #write(path: string, file: SimulatedFile, position: number, bytes: Uint8Array): number {
    const end = Math.min(position + bytes.length, file.size + this.#freeBytes())
    if (end <= position && bytes.length > 0) throw new DiskError('ENOSPC', 'write', path)
    file.write(position, bytes.subarray(0, end - position))
    return end - position
  }

  #freeBytes(): number {
    return this.capacityBytes === Number.POSITIVE_INFINITY
      ? Number.POSITIVE_INFINITY
      : Math.max(0, this.capacityBytes - this.usedBytes)
  }

  /** Makes a call happen, or what `onCall` says. `run` is told how much of a write there is. */
  async #call<T>(
    about: Omit<DiskCall, 'index'>,
    run: (sizeBytes?: number) => T,
    onFail: () => void = () => undefined,
  ): Promise<T> {
    if (this.#isStopped) return NEVER
    const call: DiskCall = { index: this.#calls.length, ...about }
    this.#calls.push(call)
    const fault = this.onCall?.(call)
    const isWrite = call.operation === 'write'
    const fail = (code: string): never => {
      onFail()
      throw new DiskError(code, call.operation, call.path)
    }
    switch (fault?.type) {
      case undefined:
        return run()
      case 'short':
        return run(isWrite ? fault.sizeBytes : undefined)
      case 'fail':
        if (isWrite && fault.sizeBytes) run(fault.sizeBytes)
        return fail(fault.code)
      case 'stop':
        if (isWrite && fault.sizeBytes) run(fault.sizeBytes)
        return this.#stop()
      case 'stop_after':
        run()
        return this.#stop()
      case 'hold':
        return await new Promise<T>((resolve) => {
          // What it throws is the call's, not that of whoever releases it.
          const end = (how: () => T): void => resolve((async () => how())())
          this.#held.push({ call, run: () => end(run), fail: (code) => end(() => fail(code)) })
        })
    }
  }

  #takeHeld(call: DiskCall | undefined): Held | undefined {
    const held = this.#held.find((one) => one.call === call)
    this.#held = this.#held.filter((one) => one !== held)
    return held
  }

  #stop(): Promise<never> {
    this.#isStopped = true
    this.#tellStopped()
    return NEVER
  }

  #find(path: string): DiskNode | undefined {
    let node: DiskNode | undefined = this.#root
    for (const part of partsOf(path)) node = node instanceof SimulatedFolder ? node.get(part) : undefined
    return node
  }

  #folder(path: string, operation: DiskOperation): SimulatedFolder {
    const node = this.#find(path)
    if (node === undefined) throw new DiskError('ENOENT', operation, path)
    if (node instanceof SimulatedFile) throw new DiskError('ENOTDIR', operation, path)
    return node
  }

  #place(path: string, operation: DiskOperation): { folder: SimulatedFolder; name: string } {
    const parts = partsOf(path)
    return { folder: this.#folder(parts.slice(0, -1).join('/'), operation), name: parts.at(-1) ?? '' }
  }

  #makeFolders(parts: readonly string[], isDurable: boolean): SimulatedFolder {
    let folder = this.#root
    for (const part of parts) {
      let node = folder.get(part)
      if (node instanceof SimulatedFile) throw new DiskError('EEXIST', 'makeFolder', parts.join('/'))
      if (node === undefined) {
        node = new SimulatedFolder()
        folder.set(part, node)
      }
      if (isDurable) folder.sync(folder.moment)
      folder = node
    }
    return folder
  }
}

function collectFiles(folder: SimulatedFolder, files: Set<SimulatedFile>): void {
  for (const node of folder.nodes) {
    if (node instanceof SimulatedFile) files.add(node)
    else collectFiles(node, files)
  }
}

/** Both kinds of separators: tests run on Windows, too. */
function partsOf(path: string): string[] {
  return path.split(/[\\/]+/).filter((part) => part !== '' && part !== '.')
}
