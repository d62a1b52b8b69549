/**
 * Keys on their way from the gate into the line editor: text that comes in one piece goes in at once, all
 * else key by key.
 *
 * Readline takes several characters in one piece for a paste, and writes each without looking where the row
 * ends: it forgets on which row it stands, so that the next it draws lies over others; and in the middle of a
 * line it adds to the end. Neither happens to a key that comes alone, nor to a text that is given to `write`,
 * where a long line is looked through once and not once for each character.
 *
 * Tests: test/cli/prompt/key-feed.test.ts, test/cli/prompt/interactive.test.ts
 */
import { PassThrough, type Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'

const ESCAPE = '\x1b'
/** Text of two characters and more. A Tab within it is a character; at its end it is a key. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: keys are control characters.
const TEXT = /([^\x00-\x1f\x7f][^\x00-\x08\x0a-\x1f\x7f]*[^\x00-\x1f\x7f])/

/** What the line editor reads. */
export class KeyFeed {
  /** Keys, each on its own. */
  readonly input: PassThrough
  /** Takes text that came in one piece. */
  onText: (text: string) => void = () => undefined
  readonly #decoder = new StringDecoder('utf8')
  #isEscaped = false

  constructor(source: Readable, setRawMode: (isRaw: boolean) => unknown) {
    this.input = Object.assign(new PassThrough(), { isTTY: true, setRawMode })
    source.on('data', (bytes: Buffer) => this.#take(this.#decoder.write(bytes)))
    source.on('end', () => this.input.end())
  }

  #take(keys: string): void {
    // Letters behind an escape are a part of a key, and may come later than it.
    const isEscaped = this.#isEscaped || keys.includes(ESCAPE)
    this.#isEscaped = keys.endsWith(ESCAPE)
    if (isEscaped) return this.#passEach(keys)
    for (const [at, piece] of keys.split(TEXT).entries()) {
      if (at % 2 === 1 && Array.from(piece).length > 1) this.onText(piece)
      else this.#passEach(piece)
    }
  }

  /** Not written: it would come later than text that was given meanwhile. */
  #passEach(keys: string): void {
    for (const key of keys) this.input.emit('data', Buffer.from(key))
  }
}
