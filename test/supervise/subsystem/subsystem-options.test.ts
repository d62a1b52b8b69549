/** Options of subsystems: defaults, and what cannot be meant. */
import { expect, test } from 'vitest'
import { subsystemSettings } from '../../../src/supervise/subsystem/subsystem-options.ts'

const module = new URL('file:///x.js')
const settings = (options: object) => subsystemSettings({ name: 'x', module, ...options })

test('everything has a default', () => {
  expect(settings({})).toMatchObject({
    placement: 'dedicated',
    dependsOn: [],
    restart: { intensity: 3, periodMs: 5000 },
    health: { everyMs: 10_000, timeoutMs: 1000, failures: 3 },
    shutdown: { drainMs: 2000, stopMs: 5000, killMs: 2000 },
    startMs: 10_000,
    profileMs: 100,
    snapshotEveryMs: undefined,
  })
  expect(settings({ health: false }).health).toBeUndefined()
  expect(settings({ dependsOn: ['a', 'a', 'b'] }).dependsOn).toEqual(['a', 'b'])
})

test.each([
  [{ name: '' }, 'name'],
  [{ module: 'x.js' }, 'new URL'],
  [{ dependsOn: 'a' }, 'dependsOn'],
  [{ placement: 'near' }, 'placement'],
  [{ limits: { messageMs: 0 } }, 'limits.messageMs'],
  [{ limits: { memory: { heapBytes: -1 } } }, 'limits.memory.heapBytes'],
  [{ limits: { memory: { heap: 1 } } }, 'heapBytes'],
  [{ limits: { profileMs: -1 } }, 'limits.profileMs'],
  [{ placement: 'shared', limits: { resourceLimits: {} } }, 'dedicated'],
  [{ restart: { type: 'always' } }, 'restart.type'],
  [{ restart: { intensity: -1 } }, 'intensity'],
  [{ restart: { retries: 1 } }, 'retries'],
  [{ health: { everyMs: 0 } }, 'health.everyMs'],
  [{ health: { failures: 1.5 } }, 'health.failures'],
  [{ shutdown: { stopMs: -1 } }, 'shutdown.stopMs'],
  [{ snapshotEveryMs: 0 }, 'snapshotEveryMs'],
  [{ depends: [] }, 'dependsOn'],
])('%j is refused', (options, text) => {
  expect(() => settings(options)).toThrow(text)
})

test('arena bytes may be limited anywhere, since each subsystem tells its own', () => {
  expect(() => settings({ placement: 'shared', limits: { memory: { arenaBytes: 1 } } })).not.toThrow()
})
