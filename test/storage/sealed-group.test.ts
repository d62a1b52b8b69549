/** Sealed records: what went in comes out, in its place only; and whoever has no key changes nothing. */
import { describe, expect, test } from 'vitest'
import { type ShardloomError, seededRandom } from '../../src/base/index.ts'
import { examineLog } from '../../src/storage/log-examination.ts'
import { KIND_COMMIT, KIND_SEALED, KIND_SYNCED, type LogRecord } from '../../src/storage/log-format.ts'
import { KeyRing } from '../../src/storage/log-key.ts'
import { GROUP_BYTES, GROUP_OVERHEAD_BYTES } from '../../src/storage/sealed-group.ts'
import { readSegment } from '../../src/storage/segment-reader.ts'
import { putTogether, type RawRecord, takenApart } from '../support/forger.ts'
import { FOLDER, keyOf, type LogWorld, OWNER, opened, payloadOf, segmentPath } from '../support/log-world.ts'
import { rejection } from '../support/runtime.ts'

const KEY = keyOf(1)

/** Groups of some records each, all synced, and closed. */
async function worldOf(groups: readonly (readonly number[])[]): Promise<LogWorld> {
  const world = await opened({ key: KEY })
  for (const sizes of groups) {
    for (const sizeBytes of sizes) world.append(sizeBytes, sizeBytes % 2 === 1 ? [1, 3] : [])
    await world.wait('os')
  }
  return world
}

const contentOf = (world: LogWorld, number = 1): Buffer =>
  Buffer.from(world.disk.contentOf(segmentPath(number))!)

/** The next process, with other files. */
function withFiles(world: LogWorld, files: Readonly<Record<number, Uint8Array>>): LogWorld {
  const disk = world.disk.afterKill()
  for (const [number, bytes] of Object.entries(files)) disk.putFile(segmentPath(Number(number)), bytes)
  const next = world.after(disk, 'os')
  next.expectedCount = 0
  return next
}

test('records of any size come back, one sealed record for each group', async () => {
  const random = seededRandom(3)
  const groups = Array.from({ length: 12 }, () =>
    Array.from({ length: 1 + random.below(9) }, () => random.below(900)),
  )
  const world = await worldOf([...groups, [0], [GROUP_BYTES - 100, 5, 6], [3 * GROUP_BYTES], [1]])
  await world.log.close()
  const raw = takenApart(contentOf(world))
  // A group that has grown long enough takes no more records.
  expect(raw.filter(({ kind }) => kind === KIND_SEALED)).toHaveLength(groups.length + 5)
  expect(raw.some(({ kind }) => kind === KIND_COMMIT)).toBe(false)
  const next = world.after(world.disk.afterKill(), 'fsync')
  const { tail, segments } = await next.examine()
  expect(tail).toBeUndefined()
  expect(next.entries).toHaveLength(world.entries.length)
  expect(segments[0]?.seal).toBe(
    raw
      .findLast(({ kind }) => kind === KIND_SEALED)
      ?.payload.toString('hex')
      .slice(-32),
  )
})

test('records of a group have its place, and their number in it', async () => {
  const world = await worldOf([[10, 20, 30], [5]])
  const file = await world.disk.open(segmentPath(1), 'read')
  const records: LogRecord[] = []
  await readSegment(file, (record) => void records.push(record), { keys: new KeyRing(KEY) })
  const [, first, second, third, fourth] = records
  expect([first, second, third, fourth].map((one) => one?.index)).toEqual([0, 1, 2, 0])
  expect(second).toMatchObject({ offset: first?.offset, endOffset: first?.endOffset })
  expect(fourth?.offset).toBe(third?.endOffset)
  expect(first!.endOffset - first!.offset).toBe(GROUP_OVERHEAD_BYTES + 48 + 56 + 64)
  const [{ revision, atMs, participants } = {} as RawRecord] = takenApart(contentOf(world)).filter(
    ({ kind }) => kind === KIND_SEALED,
  )
  expect({ revision, atMs, participants }).toEqual({ revision: 3, atMs: 0, participants: [] })
})

test('neither keys, nor values, nor times are to be seen in a file', async () => {
  const world = await worldOf([[100, 200], [300]])
  await world.log.close()
  const bytes = contentOf(world)
  for (const { payload } of world.entries) {
    if (payload.some((byte) => byte !== 0)) expect(bytes.includes(payload.subarray(0, 12))).toBe(false)
  }
  expect(bytes.includes(payloadOf(1, 100).subarray(0, 8))).toBe(false)
})

test('without the key it is not read, and the error says which one it is', async () => {
  const world = await worldOf([[10]])
  for (const keys of [undefined, new KeyRing(keyOf(2)), new KeyRing(undefined, [keyOf(3)])]) {
    const file = await world.disk.open(segmentPath(1), 'read')
    const error = await rejection(readSegment(file, () => expect.unreachable(), { keys, path: '/some/file' }))
    expect(error['code']).toBe('SHL_KEY_MISSING')
    expect(error['details']).toMatchObject({ file: '/some/file', wanted: KEY.id })
  }
})

describe('whoever writes to a file and has no key', () => {
  const groups = [[30, 40], [50], [60, 70], [80]]

  /** What becomes of a log of one segment when its records are changed. */
  async function outcomeOf(change: (records: RawRecord[]) => RawRecord[]): Promise<unknown> {
    const world = await worldOf(groups)
    const records = takenApart(contentOf(world))
    expect(putTogether(records).bytes.equals(contentOf(world))).toBe(true)
    const next = withFiles(world, { 1: putTogether(change(records)).bytes })
    try {
      const { tail } = await next.examine()
      return tail === undefined ? `whole, ${next.entries.length} records` : 'a tail'
    } catch (error) {
      const { code, details } = error as ShardloomError
      return `${code}: ${details['reason']}`
    }
  }

  const BROKEN = 'SHL_LOG_DAMAGED: the seal of a record is broken'
  const sealedAt = (records: readonly RawRecord[]): number[] =>
    records.flatMap(({ kind }, i) => (kind === KIND_SEALED ? i : []))
  const FORGED: RawRecord = {
    kind: KIND_COMMIT,
    revision: 99,
    atMs: 0,
    participants: [],
    payload: Buffer.from('x'),
  }

  test('cannot change a bit of what is sealed, or of what the header says of it', async () => {
    const world = await worldOf(groups)
    const [at = 0] = sealedAt(takenApart(contentOf(world))).slice(1)
    const { length } = takenApart(contentOf(world))[at]!.payload
    for (let bit = 0; bit < 8 * length; bit += 37) {
      const outcome = await outcomeOf((records) => {
        records[at]!.payload[bit >> 3]! ^= 1 << (bit & 7)
        return records
      })
      expect(outcome, `bit ${bit}`).toBe(BROKEN)
    }
    expect(await outcomeOf((all) => all.with(at, { ...all[at]!, revision: 1 }))).toBe(BROKEN)
  })

  test('cannot leave one out, repeat one, exchange two, or move one along', async () => {
    const changes: ((records: RawRecord[], at: number[]) => RawRecord[])[] = [
      (records, at) => records.toSpliced(at[1]!, 1),
      (records, at) => records.toSpliced(at[0]!, 1),
      (records, at) => records.toSpliced(at[1]!, 0, records[at[1]!]!),
      (records, at) => records.with(at[1]!, records[at[2]!]!).with(at[2]!, records[at[1]!]!),
      (records, at) =>
        records.toSpliced(at[1]!, 0, { ...FORGED, kind: KIND_SYNCED, payload: Buffer.alloc(0) }),
    ]
    for (const change of changes) {
      expect(await outcomeOf((records) => change(records, sealedAt(records)))).toBe(BROKEN)
    }
  })

  test('cannot put back what was once in its place, and was cut since', async () => {
    const world = await worldOf([[30]])
    // Told of before the second group, as by whoever opens the log.
    await world.wait('fsync')
    world.append(40)
    await world.wait('os')
    const kept = takenApart(contentOf(world))
    // The machine stopped before the second group was on the disk, and it was written anew.
    const cut = world.disk.afterKill()
    cut.putFile(segmentPath(1), putTogether(kept.slice(0, -2)).bytes)
    const next = world.after(cut, 'os')
    next.expectedCount = 0
    await next.open()
    for (const sizeBytes of [40, 50]) {
      next.append(sizeBytes)
      await next.wait('os')
    }
    const now = takenApart(contentOf(next))
    const at = sealedAt(now)[1]!
    expect(now[at]!.payload).toHaveLength(kept.at(-1)!.payload.length)
    const offsetOf = (records: RawRecord[], i: number): number =>
      putTogether(records.slice(0, i)).bytes.length
    expect(offsetOf(now, at)).toBe(offsetOf(kept, kept.length - 1))
    const forged = withFiles(next, { 1: putTogether(now.with(at, kept.at(-1)!)).bytes })
    const owner = { ...OWNER, keys: new KeyRing(KEY) }
    const error = await rejection(examineLog(forged.disk, FOLDER, owner, () => undefined))
    expect(error.message).toMatch(/seal of a record is broken/)
    // But behind it there must be something.
    const end = withFiles(next, { 1: putTogether([...now.slice(0, at), kept.at(-1)!]).bytes })
    expect((await examineLog(end.disk, FOLDER, owner, () => undefined)).tail).toBeUndefined()
  })

  test('cannot put in records in the clear, but may cut off the end', async () => {
    const reason = 'SHL_LOG_DAMAGED: a record is not sealed, in a segment that is encrypted'
    expect(await outcomeOf((records) => records.toSpliced(2, 0, FORGED))).toBe(reason)
    expect(await outcomeOf((records) => [...records, FORGED])).toBe(reason)
    // Nothing tells it from a crash: docs/formats/log.md says so.
    expect(await outcomeOf((records) => records.slice(0, -1))).toBe('whole, 5 records')
  })

  test('cannot make a segment in the clear hold sealed ones', async () => {
    const outcome = await outcomeOf(([first, ...rest]) => {
      const { key: _, salt: __, seal: ___, ...info } = JSON.parse(first!.payload.toString())
      return [{ ...first!, payload: Buffer.from(JSON.stringify(info)) }, ...rest]
    })
    expect(outcome).toBe('SHL_LOG_DAMAGED: a record is sealed, in a segment that is not encrypted')
  })

  test('cannot change what a segment says of itself', async () => {
    for (const change of [
      { salt: '00'.repeat(32) },
      { seal: '11'.repeat(16) },
      { previous: 0, base: 0, salt: '1'.repeat(64) },
    ]) {
      const outcome = await outcomeOf(([first, ...rest]) => {
        const info = { ...JSON.parse(first!.payload.toString()), ...change }
        return [{ ...first!, payload: Buffer.from(JSON.stringify(info)) }, ...rest]
      })
      expect(String(outcome)).toMatch(/SHL_LOG_DAMAGED/)
    }
  })

  test('cannot take anything from the end of a segment that another one follows', async () => {
    const world = await worldOf([[30, 40], [50]])
    world.nextSegment()
    world.append(60)
    await world.wait('fsync')
    const records = takenApart(contentOf(world, 1))
    const last = sealedAt(records).at(-1)!
    const { length } = contentOf(world, 1)
    const cut = records.slice(0, last)
    // As long as before, and with a description behind it that fits.
    const missing = length - putTogether(cut).bytes.length
    for (let left = missing; left > 0; left -= 32)
      cut.push({ ...FORGED, kind: KIND_SYNCED, payload: Buffer.alloc(0) })
    const first = putTogether(cut)
    const [info, ...rest] = takenApart(contentOf(world, 2))
    const said = JSON.parse(info!.payload.toString())
    const base = first.bytes.length - 16
    const forged = { ...said, base, previous: first.checksum }
    for (const seal of [said.seal, records[sealedAt(records)[0]!]!.payload.toString('hex').slice(-32)]) {
      const second = [{ ...info!, payload: Buffer.from(JSON.stringify({ ...forged, seal })) }, ...rest]
      const next = withFiles(world, { 1: first.bytes, 2: putTogether(second).bytes })
      const error = await rejection(next.examine())
      expect(error['code']).toBe('SHL_LOG_DAMAGED')
      expect(error.message).toMatch(seal === said.seal ? /does not follow/ : /seal of a record is broken/)
    }
  })
})
