/**
 * Processes that are killed while random clients are at work on all their threads: the history over all of
 * them is that of one keyspace that never died. Whoever has started them notes what was asked and answered.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { judgeLives } from '../../support/histories/judge-lives.ts'
import { killedLife } from '../../support/histories/killed-lives.ts'
import type { Life } from '../../support/histories/lives.ts'

const SOAK = Number(process.env['SHL_SOAK'] ?? 0) > 0
const DIRECTORIES = SOAK ? 60 : 1
const LIVES = SOAK ? 5 : 2
const LOAD_MS_MIN = 20
const LOAD_MS = 150

let dir: string

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'shl-histories-'))
})

afterEach(() => {
  rmSync(dir, { recursive: true, force: true, maxRetries: 5 })
})

const LEVELS = SOAK ? (['os', 'fsync'] as const) : (['os'] as const)

test.each(LEVELS)(
  'histories go on as if nothing had happened, with %s',
  { timeout: 3_600_000 },
  async (level) => {
    let state = level.length * 7919
    let answered = 0
    for (let round = 0; round < DIRECTORIES; round++) {
      const lives: Life[] = []
      for (let life = 0; life <= LIVES; life++) {
        state = (state * 48_271) % 2_147_483_647
        const loadMs = LOAD_MS_MIN + (state % LOAD_MS)
        const isLast = life === LIVES
        lives.push(
          await killedLife({ dir: join(dir, `${round}`), level, life, isLast, loadMs: isLast ? 0 : loadMs }),
        )
      }
      const notes = lives.flatMap((life) => life.notes)
      // Nobody was lost but with the process.
      expect(notes.flatMap(({ errors }) => errors)).toEqual([])
      expect(judgeLives({ lives }), `round ${round}, ${level}`).toEqual([])
      for (const { operations } of notes) {
        answered += Object.values(operations)
          .flat()
          .filter(({ pending }) => pending !== true).length
      }
    }
    expect(answered).toBeGreaterThan(20)
  },
)
