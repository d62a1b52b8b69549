/**
 * A program that is killed: it appends to a log for ever, and says what was acknowledged.
 *
 *     node log-program.mjs FOLDER FIRST
 *
 * Records have the revisions from FIRST on; each payload is its revision, again and again. Every line of
 * output is the last revision of which `os` was acknowledged, written before anything else happens.
 */
import { writeSync } from 'node:fs'
import { systemClock } from '../../dist/src/base/index.js'
import { examineLog, KIND_COMMIT, LogWriter, systemDisk } from '../../dist/src/storage/index.js'

const [folder, first] = process.argv.slice(2)
const owner = { directory: 'f00d', shard: 0 }
const disk = systemDisk()
const options = { disk, clock: systemClock(), folder, ...owner }
const log = await LogWriter.open(
  { ...options, segmentBytes: 200_000, syncEveryMs: 20, reserveBytes: 100_000 },
  await examineLog(disk, folder, owner, () => undefined),
)
for (let revision = Number(first); ; ) {
  for (let count = 1 + (revision % 7); count > 0; count--, revision++) {
    const sink = log.begin()
    for (let i = 0; i < revision % 100; i++) sink.number(revision)
    log.append({ kind: KIND_COMMIT, revision, atMs: 0, participants: [] })
  }
  await log.reached(revision % 50 === 0 ? 'fsync' : 'os', log.appended)
  writeSync(1, `${revision - 1}\n`)
}
