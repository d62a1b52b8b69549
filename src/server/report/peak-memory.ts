/**
 * The most memory that keys and values have taken, as seen once a second by the first thread that serves.
 * Tests: test/server/commands/info-commands.race.test.ts
 */
import type { TimerHandle } from '../../base/index.ts'
import { shardFigures } from '../../keyspace/serving/index.ts'
import type { ServerThread } from '../commands/server-command.ts'

export const PEAK_TOPIC = 'memory.peak'
const LOOK_MS = 1000

/** Looks, on the first thread, and answers there; elsewhere the answer is 0. */
export function watchPeak(thread: ServerThread, place: number): void {
  const { peers, client, clock } = thread
  let peakBytes = 0
  peers.topics.set(PEAK_TOPIC, () => peakBytes)
  peers.topics.set(`${PEAK_TOPIC}.reset`, () => {
    peakBytes = 0
  })
  if (place !== 0) return
  let timer: TimerHandle
  const look = async (): Promise<void> => {
    const figures = await shardFigures(client)
    peakBytes = Math.max(
      peakBytes,
      figures.reduce((sum, { stats }) => sum + stats.usedBytes, 0),
    )
  }
  const later = (): void => {
    timer = clock.after(LOOK_MS, () => void look().finally(later), { unref: true })
  }
  later()
  thread.onEnd.add(() => timer.cancel())
}
