/**
 * What the threads of key-table-reader.race.test.ts do: one writes, the others read, over the compiled
 * classes.
 *
 * A value says which key it belongs to and which write it is from, and every byte of it follows from that and
 * its length, so a reader sees whether it is whole, and whether it goes back. Segments are handed over as in
 * the product: a message per segment, which a reader takes from its port when it meets a reference.
 */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { KeyTableReader, KeyTableWriter, NOT_A_STRING, TORN } from '../../dist/src/memory/index.js'

const NAP_MS = 1
const HEAD_CHARS = 20
const BLOCK_CHARS = 16
const OBJECT_TYPE = 3
const NOW = 1_000_000

const napWord = new Int32Array(new SharedArrayBuffer(4))
const { role, barrier, threads, port, ...task } = workerData
const shared = new Int32Array(barrier)
parentPort.postMessage({ write, read }[role](task))

/** Puts, appends, removes, expires, grows, shrinks, compacts: `operations` of them, by a seed. */
function write({ ports, seed, keys, operations, options }) {
  const seen = {
    puts: 0,
    appends: 0,
    overwrites: 0,
    removed: 0,
    moved: 0,
    objects: 0,
    clears: 0,
    segments: 0,
  }
  const table = new KeyTableWriter({
    ...options,
    onSegment(id, buffer) {
      for (const each of ports) each.postMessage({ id, buffer })
      seen.segments++
    },
  })
  meet()
  const draw = drawOf(seed)
  const writes = new Int32Array(keys)
  // Growth and shrinking go in waves: mostly puts, then mostly removals.
  for (let i = 0; i < operations; i++) {
    const isEbb = Math.floor(i / (keys * 4)) % 2 === 1
    const key = draw(keys)
    const name = keyOf(key)
    const ref = table.find(name)
    const choice = draw(100)
    if (choice < (isEbb ? 60 : 5)) {
      if (ref === 0) continue
      table.remove(ref)
      seen.removed++
    } else if (choice < 80) {
      const expireAt = draw(8) === 0 ? NOW - 1 : draw(4) === 0 ? NOW + 1 : 0
      // Even numbers of writes have no expiry that has passed: see `read`.
      writes[key] += 1 + (((writes[key] + 1) & 1) ^ (expireAt === NOW - 1 ? 1 : 0))
      table.putString(name, writtenValue(key, writes[key], sizeOf(draw)), { expireAt, revision: writes[key] })
      seen.puts++
    } else if (choice < 88) {
      if (ref === 0 || table.typeOf(ref) !== 0 || table.valueLength(ref) > 60_000) continue
      // A whole value that continues the one that is there: the same write, only longer.
      const before = table.valueLength(ref)
      const longer = writtenValue(key, writeOf(table.valueSlice(ref, 0, HEAD_CHARS)), before + 1 + draw(700))
      table.append(ref, longer.slice(before))
      seen.appends++
    } else if (choice < 92) {
      // In place: another write over all of the value, with what surrounds it in one update.
      if (ref === 0 || table.typeOf(ref) !== 0 || (writes[key] & 1) !== 0) continue
      writes[key] += 2
      table.beginUpdate(table.hashOf(ref))
      const value = writtenValue(key, writes[key], table.valueLength(ref))
      const half = value.length >> 1
      table.overwrite(table.overwrite(ref, 0, value.slice(0, half)), half, value.slice(half))
      table.endUpdate()
      seen.overwrites++
    } else if (choice < 94) {
      table.putObject(name, OBJECT_TYPE, key, { expireAt: 0 })
      seen.objects++
    } else if (choice < 97) seen.moved += table.compact(1 + draw(50))
    else if (draw(100) === 0) {
      table.clear()
      seen.clears++
    }
    if (i % 4096 === 0) table.checkTable()
  }
  table.checkTable()
  Atomics.store(shared, 1, 1)
  return { ...seen, pages: table.pagesUsed }
}

/** Reads keys at random until the writer is done, in every way there is. */
function read({ seed, keys, options }) {
  const segments = []
  const segmentOf = (id) => {
    while (segments[id] === undefined) {
      const came = receiveMessageOnPort(port)
      if (came === undefined) break
      segments[came.message.id] = came.message.buffer
    }
    return segments[id]
  }
  meet()
  while (segmentOf(0) === undefined) nap()
  const table = new KeyTableReader(segments[0], segmentOf, { arch: options.arch })
  const draw = drawOf(seed)
  const seen = { strings: 0, bytes: 0, missing: 0, objects: 0, torn: 0, long: 0 }
  const last = new Int32Array(keys)
  const now = () => NOW
  for (let i = 0; Atomics.load(shared, 1) === 0 || i < 1000; i++) {
    const key = draw(keys)
    const isText = draw(4) !== 0
    const name = nameOf(key)
    const value = isText ? table.getString(name, now) : table.getBytes(name, now)
    if (value === undefined) seen.missing++
    else if (value === TORN) seen.torn++
    else if (value === NOT_A_STRING) seen.objects++
    else {
      const text = isText ? value : Buffer.from(value.buffer, value.byteOffset, value.length).toString()
      const number = writeOf(text)
      const length = isText ? lengthOf(key, text) : value.length
      if (text !== decodedValue(key, number, length)) throw new Error(`torn: ${text.slice(0, 60)}…`)
      if (number < last[key]) throw new Error(`key ${key} went back from ${last[key]} to ${number}`)
      if (number % 2 === 1) throw new Error(`key ${key} has expired and is read all the same`)
      last[key] = number
      if (isText) seen.strings++
      else seen.bytes++
      if (length > 40_000) seen.long++
    }
    if (draw(16) === 0) {
      const type = table.typeOf(name, now)
      if (![undefined, TORN, 0, OBJECT_TYPE].includes(type)) throw new Error(`type ${String(type)}`)
      const expireAt = table.expireAt(name, now)
      if (![undefined, TORN, 0, NOW + 1].includes(expireAt)) throw new Error(`expiry ${String(expireAt)}`)
    }
  }
  return seen
}

/** A key as its user writes it: half of them are not ASCII. */
function nameOf(key) {
  return key % 2 === 0 ? `key:${key}` : `ключ:${key}:${'k'.repeat(key % 50)}`
}

/** The same as a byte string. */
function keyOf(key) {
  return Buffer.from(nameOf(key)).toString('latin1')
}

/** A value as a byte string: who it is of, and a pattern that follows from it. A third is not ASCII. */
function writtenValue(key, number, length) {
  const head = `${key}/${number}/`.padEnd(HEAD_CHARS, '.')
  let block = ''
  for (let i = 0; i < BLOCK_CHARS / 2; i++) {
    const code = mix(key, number * 16 + i)
    block += isAscii(key)
      ? String.fromCharCode(32 + (code & 63), 32 + ((code >>> 8) & 63))
      : String.fromCharCode(0xc3, 0x80 + (code & 63))
  }
  return (head + block.repeat(Math.ceil(length / BLOCK_CHARS))).slice(0, length)
}

/** The same as it is decoded. */
function decodedValue(key, number, length) {
  const value = writtenValue(key, number, length)
  return isAscii(key) ? value : Buffer.from(value, 'latin1').toString()
}

/** How many bytes a text had before it was decoded: its last character may have been cut. */
function lengthOf(key, text) {
  if (isAscii(key)) return text.length
  return HEAD_CHARS + (text.length - HEAD_CHARS) * 2 - (text.endsWith('\ufffd') ? 1 : 0)
}

function isAscii(key) {
  return key % 3 !== 0
}

function writeOf(text) {
  return Number(text.slice(0, HEAD_CHARS).split('/')[1])
}

/** Mostly short; some as long as a page, some of several chunks. */
function sizeOf(draw) {
  const choice = draw(100)
  return HEAD_CHARS + (choice < 80 ? draw(120) : choice < 95 ? draw(3000) : draw(100_000))
}

/** Draws below a bound, by a seed. */
function drawOf(seed) {
  let state = seed
  return (bound) => {
    state = (state + 1) | 0
    return mix(seed, state) % bound
  }
}

/** 32 bits that look random and follow from two numbers. */
function mix(a, b) {
  let x = Math.imul(a + 1, 0x9e3779b1) ^ Math.imul(b + 1, 0x85ebca6b)
  x = Math.imul(x ^ (x >>> 15), 0x2c1b3c6d)
  x = Math.imul(x ^ (x >>> 12), 0x297a2d39)
  return (x ^ (x >>> 15)) >>> 0
}

function nap() {
  Atomics.wait(napWord, 0, 0, NAP_MS)
}

/** Waits until all threads are here. */
function meet() {
  if (Atomics.add(shared, 0, 1) + 1 === threads) Atomics.notify(shared, 0)
  for (let here = Atomics.load(shared, 0); here < threads; here = Atomics.load(shared, 0)) {
    Atomics.wait(shared, 0, here, NAP_MS)
  }
}
