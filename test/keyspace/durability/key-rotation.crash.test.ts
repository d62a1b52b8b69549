/**
 * A key is changed, and the process or the machine stops at any call of the disk meanwhile: everything is
 * there, and when the change is over nothing needs the key of before.
 */
import { expect, test } from 'vitest'
import { examineLog, KeyRing, type RevealedKeys } from '../../../src/storage/index.ts'
import { type DiskFault, SimulatedDisk } from '../../../src/testkit/index.ts'
import { DIRECTORY, type DurableShard, FOLDER, openShard, turns } from '../../support/durable-shard.ts'
import { untilStopped } from '../../support/log-world.ts'
import { stateOf } from '../../support/shard-state.ts'

const [A, B] = [1, 2].map((byte) => new Uint8Array(32).fill(byte)) as [Uint8Array, Uint8Array]
/** Calls that are looked at. */
const STEP = process.env['SHL_SOAK'] ? 1 : 3
const CALLER = { id: 'test', resp: 2, db: 0 } as const
/** From one to another; undefined: in the clear. */
const CHANGES: [string, RevealedKeys | undefined, RevealedKeys | undefined][] = [
  ['another key', { current: A, previous: [] }, { current: B, previous: [A] }],
  ['in the clear', { current: A, previous: [] }, { current: undefined, previous: [A] }],
  ['encrypted', undefined, { current: B, previous: [] }],
]

const open = (disk: SimulatedDisk, keys: RevealedKeys | undefined): Promise<DurableShard> =>
  openShard(disk, { store: { segmentBytes: 4096, keys, level: 'fsync' } })

function write({ shard }: DurableShard, from: number): void {
  for (let i = from; i < from + 20; i++)
    shard.engine.execute(CALLER, ['SET', `key${i}`, `value ${i}`.repeat(8)])
}

const stateIn = ({ shard }: DurableShard): readonly string[] =>
  shard.engine.atomically(() => stateOf(shard.engine))

/** Ends doubts, of which there are none, by which a change begins; and lets it end. */
async function change(durable: DurableShard): Promise<void> {
  durable.shard.durability.resolve([])
  await turns(durable.clock, 6)
  await durable.journal.log.reached('fsync', durable.journal.log.appended)
}

async function keysOn(disk: SimulatedDisk, keys: RevealedKeys | undefined): Promise<Set<string | undefined>> {
  const owner = { directory: DIRECTORY, shard: 0, keys: KeyRing.of(keys) }
  const { segments } = await examineLog(disk, FOLDER, owner, () => undefined)
  return new Set(segments.map(({ info }) => info.sealing?.key))
}

test.each(CHANGES)(
  'to %s: a stop at any call loses nothing, and the change ends in the end',
  async (_, from, to) => {
    const before = new SimulatedDisk()
    before.putFolder(FOLDER)
    const first = await open(before, from)
    write(first, 0)
    await change(first)
    write(first, 20)
    const state = stateIn(first)
    await first.shard.close()
    const wanted = new Set([KeyRing.of(to).current?.id])
    const run = async (fault: (index: number) => DiskFault | undefined): Promise<SimulatedDisk> => {
      const disk = before.afterKill()
      disk.onCall = ({ index }) => fault(index)
      await untilStopped(disk, async () => {
        const durable = await open(disk, to)
        expect(stateIn(durable)).toEqual(state)
        await change(durable)
        await durable.shard.close()
      })
      return disk
    }
    const whole = await run(() => undefined)
    expect(await keysOn(whole, to)).toEqual(wanted)
    let inBetween = 0
    for (let call = 0; call < whole.calls.length; call += STEP) {
      const stopped = await run((index) =>
        index === call ? { type: (call / STEP) % 2 === 0 ? 'stop' : 'stop_after' } : undefined,
      )
      for (const left of [stopped.afterKill(), stopped.afterPowerCut(call)]) {
        // Before it is opened: both kinds are there.
        if ((await keysOn(left, to)).size > 1) inBetween++
        const next = await open(left, to)
        expect(stateIn(next), `call ${call}`).toEqual(state)
        await change(next)
        expect(await keysOn(left, to), `call ${call}`).toEqual(wanted)
        expect(stateIn(next)).toEqual(state)
      }
    }
    expect(inBetween).toBeGreaterThan(1)
  },
)
