/**
 * Two requests of a client for one key while its slot is given to another shard, and others are, too: every
 * interleaving. If the second finds the new owner, it must not go there past the first, which went to the
 * old.
 */
import { describe, expect, test } from 'vitest'
import { KeyspaceMemory } from '../../../src/keyspace/shared/keyspace-memory.ts'
import { RemoteWindow } from '../../../src/server/connection/remote-window.ts'
import { explore, type ThreadProgram } from '../../support/interleavings.ts'

const SHARDS = 2
const SLOT = 3
const NEW = 1

function giverOf(...slots: readonly number[]): ThreadProgram {
  return (memory) => {
    const keyspace = new KeyspaceMemory(memory)
    for (const slot of slots) keyspace.setOwner(slot, NEW)
  }
}

/** What a client does; `epochOf`: what it keeps before it looks for the first owner. */
function clientOf(epochOf: (keyspace: KeyspaceMemory) => number): ThreadProgram {
  return (memory) => {
    const keyspace = new KeyspaceMemory(memory)
    const window = new RemoteWindow(1024)
    window.look(epochOf(keyspace))
    const first = keyspace.ownerOf(SLOT)
    window.begin()
    const second = keyspace.ownerOf(SLOT)
    const isHeld = window.hasMoved(keyspace.epoch)
    return first === second ? 'same' : isHeld ? 'held' : 'passed'
  }
}

function outcomesOf(threads: Record<string, ThreadProgram>): readonly string[] {
  const memory = (): SharedArrayBuffer => KeyspaceMemory.allocate(SHARDS).buffer
  return explore({ memory, threads, check: (_, { client }) => String(client) }).outcomes
}

describe.each([[[giverOf(SLOT)]], [[giverOf(SLOT), giverOf(SLOT + 1)]], [[giverOf(SLOT, SLOT + 1)]]])(
  'beside %#',
  (givers) => {
    const named = Object.fromEntries(givers.map((giver, i) => [`giver${i}`, giver]))

    test('none passes the one before it', () => {
      const client = clientOf((keyspace) => keyspace.settledEpoch)
      expect(outcomesOf({ ...named, client })).toEqual(['held', 'same'])
    })

    test('a planted bug is found: an epoch is kept that changes', () => {
      const client = clientOf((keyspace) => keyspace.epoch)
      expect(outcomesOf({ ...named, client })).toContain('passed')
    })
  },
)
