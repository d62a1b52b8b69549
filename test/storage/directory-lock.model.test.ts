/**
 * The lock on a directory, over every interleaving of two and three processes that crash anywhere: never two
 * owners, and whoever finds no owner gets it.
 *
 * The code is the real one, its system is simulated (`test/support/lock-explorer.ts`). Each mistake that the
 * order of its steps avoids is planted between the two, and has to be found.
 */
import { basename } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import type { LockSystem } from '../../src/storage/directory-lock.ts'
import { type BareSystem, exploreLock } from '../support/lock-explorer.ts'

/** What an owner and one that was refused have left when they were killed. */
const LEFT = ['owner-1.sock', 'process-1-1-left.sock']
const IS_SOAK = Boolean(process.env['SHL_SOAK'])
/** All that there are but one: that everybody is refused. */
const ENDS_OF_TWO = ['crashed crashed', 'crashed owned', 'crashed refused', 'owned owned', 'owned refused']
const ENDS_OF_THREE = 9

// The larger worlds take seconds, and more where others want the machine, too.
vi.setConfig({ testTimeout: IS_SOAK ? 600_000 : 120_000 })

describe('never two owners, and never none', () => {
  test.each([[[]], [LEFT]])('two processes, either may crash, after %j', async (before) => {
    const { states, ends } = await exploreLock({ processes: 2, crashes: 2, before })
    expect(ends).toEqual(ENDS_OF_TWO)
    expect(states).toBeGreaterThan(1_000)
  })

  test('three processes', async () => {
    const { states, ends } = await exploreLock({ processes: 3, crashes: 0 })
    expect(ends).toEqual(['owned owned owned', 'owned owned refused', 'owned refused refused'])
    expect(states).toBeGreaterThan(100_000)
  })

  test.each([[[]], [LEFT]])('three processes, all may crash, in larger steps, after %j', async (before) => {
    const { states, ends } = await exploreLock({ processes: 3, crashes: 3, before, isCoarse: true })
    expect(ends).toHaveLength(ENDS_OF_THREE)
    expect(states).toBeGreaterThan(50_000)
  })

  test.runIf(IS_SOAK)('three processes, all may crash', async () => {
    const { ends } = await exploreLock({ processes: 3, crashes: 3 })
    expect(ends).toHaveLength(ENDS_OF_THREE)
  })
})

type Sabotage = (system: LockSystem, bare: BareSystem) => LockSystem

const MISTAKES: readonly [name: string, found: string, sabotage: Sabotage, before?: readonly string[]][] = [
  [
    'a release that removes the highest number',
    'two owners',
    (system) => {
      let number = ''
      return {
        ...system,
        async link(from, to) {
          await system.link(from, to)
          number = to
        },
        async listen(path) {
          const held = await system.listen(path)
          return {
            async close() {
              await held.close()
              if (number !== '') await system.unlink(number).catch(() => undefined)
            },
          }
        },
      }
    },
  ],
  [
    'a socket that gets its number when nobody listens at it yet',
    'two owners',
    (system, bare) => {
      let first = ''
      return {
        ...system,
        async listen(path) {
          first = path
          await bare.bind(path)
          return { close: () => bare.stopListening(path) }
        },
        async link(from, to) {
          await system.link(from, to)
          await bare.startListening(first)
        },
      }
    },
  ],
  [
    'a socket that is bound to its number, and then listened at',
    'two owners',
    (system, bare) => {
      let number = ''
      return {
        ...system,
        listen: async () => ({
          close: () => (number === '' ? Promise.resolve() : bare.stopListening(number)),
        }),
        async link(_, to) {
          await bare.bind(to).catch(() => {
            throw Object.assign(new Error('taken'), { code: 'EEXIST' })
          })
          number = to
          await bare.startListening(to)
        },
      }
    },
  ],
  [
    'an owner that leaves the first names of the others where they are',
    'two owners',
    (system) => ({
      ...system,
      unlink: async (path) => (isNumber(path) ? system.unlink(path) : undefined),
    }),
  ],
  [
    'a listing from before its own first name',
    'two owners',
    (system) => {
      let names: string[] | undefined
      return {
        ...system,
        async listen(path) {
          names = await system.list('/dir/lock')
          return system.listen(path)
        },
        async list(path) {
          const found = names ?? (await system.list(path))
          names = undefined
          return found
        },
      }
    },
  ],
  [
    'a link that takes the place of another',
    'two owners',
    (system, bare) => ({ ...system, link: bare.linkOver }),
  ],
  [
    'a dead number that is removed and taken again',
    'two owners',
    (system) => ({
      ...system,
      async connect(path) {
        const state = await system.connect(path)
        if (state !== 'dead') return state
        await system.unlink(path).catch(() => undefined)
        return 'gone'
      },
    }),
  ],
  [
    'a dead owner that is taken for one that lives',
    'nobody has got it',
    (system) => ({
      ...system,
      async connect(path) {
        const state = await system.connect(path)
        return state === 'dead' ? 'alive' : state
      },
    }),
    LEFT,
  ],
  [
    'a listing that goes on naming what is not there',
    'gave up',
    (system) => ({
      ...system,
      list: async (path) => [...(await system.list(path)), 'owner-9.sock'],
    }),
  ],
]

describe('a planted mistake is found', () => {
  test.each(MISTAKES)('%s: %s', async (_, found, sabotage, before = []) => {
    const world = { crashes: 0, before, sabotage, isCoarse: true }
    // Some take a third process, and most do not.
    const text =
      (await failureOf(exploreLock({ ...world, processes: 2 }))) ||
      (await failureOf(exploreLock({ ...world, processes: 3 })))
    expect(text).toContain(`${found}\nafter\n`)
  })
})

async function failureOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => '',
    (error: Error) => error.message,
  )
}

function isNumber(path: string): boolean {
  return basename(path).startsWith('owner-')
}
