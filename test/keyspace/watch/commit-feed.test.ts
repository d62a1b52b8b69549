/** The engine hears of listeners, and of there being none. */
import { expect, test } from 'vitest'
import type { Commit } from '../../../src/keyspace/engine/index.ts'
import { CommitFeed } from '../../../src/keyspace/watch/commit-feed.ts'

const COMMIT: Commit = { revision: 1, atMs: 0, effects: [], changes: [] }

test('commits go to all listeners in their order, and to nobody when all have left', () => {
  const engine: { onCommit: ((commit: Commit) => void) | undefined } = { onCommit: undefined }
  const feed = new CommitFeed(engine)
  const heard: string[] = []
  const leaveFirst = feed.add(() => heard.push('first'))
  const leaveSecond = feed.add(() => heard.push('second'))
  engine.onCommit?.(COMMIT)
  leaveFirst()
  engine.onCommit?.(COMMIT)
  leaveFirst()
  leaveSecond()
  expect(engine.onCommit).toBeUndefined()
  expect(heard).toEqual(['first', 'second', 'second'])
})
