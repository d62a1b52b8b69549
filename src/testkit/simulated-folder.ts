/**
 * A folder of a simulated disk: the names that a process sees, and those that a power cut leaves.
 *
 * Each name is a place of its own: what was created, renamed or removed is undone by a power cut, one without
 * the other, unless the folder was synced after. A name that was given to something else always has one of
 * the two.
 *
 * Tests: test/testkit/simulated-folder.test.ts
 */
import type { Random } from '../base/index.ts'
import { DiskVersions } from './disk-versions.ts'
import { SimulatedFile } from './simulated-file.ts'

/** What a name stands for; undefined: nothing has it. */
export type DiskNode = SimulatedFile | SimulatedFolder
type Seen = Map<DiskNode, DiskNode>

/** A folder, whatever its name. */
export class SimulatedFolder {
  readonly #nodes = new Map<string, DiskNode>()
  readonly #names = new Map<string, DiskVersions<DiskNode | undefined>>()
  #moment = 0

  /** Names, in no order that anybody should count on. */
  get names(): string[] {
    return [...this.#nodes.keys()]
  }

  get nodes(): IterableIterator<DiskNode> {
    return this.#nodes.values()
  }

  /** Changes with every change; a sync is told what it is to make durable by it. */
  get moment(): number {
    return this.#moment
  }

  get(name: string): DiskNode | undefined {
    return this.#nodes.get(name)
  }

  /** Lets a name stand for something; undefined: for nothing. */
  set(name: string, node: DiskNode | undefined): void {
    if (node === undefined) this.#nodes.delete(name)
    else this.#nodes.set(name, node)
    this.#moment++
    let versions = this.#names.get(name)
    if (versions === undefined) {
      versions = new DiskVersions<DiskNode | undefined>(undefined)
      this.#names.set(name, versions)
    }
    versions.write(this.#moment, node)
  }

  /** A sync that began at `moment` is done. */
  sync(moment: number): void {
    for (const versions of this.#names.values()) versions.sync(moment)
  }

  /** What a power cut leaves. A file that is left under two names is one file. */
  cut(random: Random, keepRate: number, seen: Seen = new Map()): SimulatedFolder {
    const folder = new SimulatedFolder()
    for (const [name, versions] of this.#names) {
      const node = versions.pick(random, keepRate)
      if (node === undefined) continue
      folder.set(
        name,
        once(seen, node, () => cutNode(node, random, keepRate, seen)),
      )
    }
    folder.sync(folder.moment)
    return folder
  }

  /** The same again: what a process that was killed leaves. */
  copy(seen: Seen = new Map()): SimulatedFolder {
    const folder = new SimulatedFolder()
    const copyOf = (node: DiskNode): DiskNode =>
      once(seen, node, () => (node instanceof SimulatedFile ? node.copy() : node.copy(seen)))
    for (const [name, node] of this.#nodes) folder.#nodes.set(name, copyOf(node))
    for (const [name, versions] of this.#names) {
      folder.#names.set(
        name,
        versions.copy((node) => node && copyOf(node)),
      )
    }
    folder.#moment = this.#moment
    return folder
  }
}

function cutNode(node: DiskNode, random: Random, keepRate: number, seen: Seen): DiskNode {
  return node instanceof SimulatedFile ? node.cut(random, keepRate) : node.cut(random, keepRate, seen)
}

function once(seen: Seen, node: DiskNode, make: () => DiskNode): DiskNode {
  const known = seen.get(node)
  if (known !== undefined) return known
  const made = make()
  seen.set(node, made)
  return made
}
