/**
 * The prompt: lines are read with what helps to type them, commands are run one after the other, and what the
 * server says in between is shown above the line.
 *
 * The line editor is Node's, with its keys and its history; hints are drawn around it (hint-line.ts). What is
 * typed while a command runs waits for it (line-gate.ts). Ctrl-C ends what runs by closing the connection,
 * since nothing else ends a blocking command or a stream at every server; the next command has a new one.
 *
 * Tests: test/cli/prompt/interactive.test.ts
 */
import { createInterface, type Interface, type Key } from 'node:readline'
import type { Clock } from '../../base/index.ts'
import type { RespValue } from '../../server/resp/index.ts'
import type { Paint } from '../connection/paint.ts'
import { bytesOf } from '../connection/resp-connection.ts'
import { type CommandDocs, commandDocsOf, commandNamesOf, NO_DOCS } from './command-docs.ts'
import { INVALID_TEXT, STREAM_TEXT } from './context.ts'
import { helpText } from './help.ts'
import { drawnHint, HINT_ERASED } from './hint-line.ts'
import { completionsFor, hintFor } from './hints.ts'
import { History } from './history.ts'
import { KeyFeed } from './key-feed.ts'
import { type KeySource, LineGate } from './line-gate.ts'
import { type OutputForm, type OutputFormat, printedReply } from './output-format.ts'
import { typedWord } from './quote.ts'
import type { Session } from './session.ts'
import { countedWords, splitLine } from './split-line.ts'

/** A terminal, both ways. */
export interface Terminal {
  readonly input: KeySource
  readonly output: NodeJS.WritableStream & { readonly columns?: number }
}

/** What a prompt needs. */
export interface InteractiveOptions {
  readonly terminal: Terminal
  readonly clock: Clock
  readonly paint: Paint
  readonly format: OutputFormat
  readonly historyPath: string | undefined
  readonly isPushShown: boolean
  readonly makeSession: (events: ConstructorParameters<typeof Session>[1]) => Session
}

const COLUMNS_DEFAULT = 80
const SLOW_MS = 500
const FORMS: readonly OutputForm[] = ['standard', 'raw', 'csv', 'json', 'quoted-json']
const CONTINUED = '... '
const LOST = 'Error: the connection was lost before the reply; the command may have been run\n'

/** One prompt, from its first line to the last. */
export class Interactive {
  readonly #options: InteractiveOptions
  readonly #session: Session
  readonly #history: History
  readonly #gate: LineGate
  readonly #feed: KeyFeed
  /** What readline goes through with the arrows. */
  #shownHistory: string[] = []
  /** Lines that were typed and wait. */
  readonly #lines: string[] = []
  #readline: Interface | undefined
  #format: OutputFormat
  #docs: CommandDocs = NO_DOCS
  #isHinting: boolean
  #isHintShown = false
  /** What a quote that is still open was begun with. */
  #begun = ''
  #isRunning = false
  #isStopped = false
  #isEnded = false
  #wake: () => void = () => undefined

  constructor(options: InteractiveOptions) {
    this.#options = options
    this.#format = options.format
    this.#isHinting = true
    this.#history = new History(options.historyPath)
    const { input } = options.terminal
    this.#gate = new LineGate(input, () => this.#interrupt())
    this.#feed = new KeyFeed(this.#gate.input, (isRaw) => input.setRawMode?.(isRaw))
    this.#session = options.makeSession({
      say: (line) => this.#write(`${line}\n`),
      onPush: (value) => this.#showPush(value),
      onIdleLoss: () => this.#aside(`Connection to ${this.#session.address} is lost\n`),
    })
  }

  /** Reads and runs lines until somebody leaves. */
  async run(): Promise<void> {
    await this.#session.connect()
    this.#readline = this.#openReadline()
    void this.#learn()
    while (!this.#isEnded) {
      this.#showPrompt()
      const line = await this.#nextLine()
      if (line === undefined) {
        // Else the shell's prompt would stand behind ours.
        this.#write('\n')
        break
      }
      this.#isRunning = true
      this.#isStopped = false
      await this.#take(line)
      this.#isRunning = false
    }
    this.#readline.close()
    this.#gate.close()
    this.#session.close()
  }

  #openReadline(): Interface {
    const { output } = this.#options.terminal
    const { input } = this.#feed
    const readline = createInterface({
      input,
      output,
      terminal: true,
      history: [...this.#history.lines],
      removeHistoryDuplicates: false,
      completer: (line: string) => this.#complete(line),
    })
    // What is remembered is the business of our own history; readline only goes through it. The array is
    // readline's own.
    readline.on('history', (shown: string[]) => {
      this.#shownHistory = shown
      shown.splice(0, shown.length, ...this.#history.lines)
    })
    readline.on('line', (line) => {
      this.#lines.push(line)
      this.#wake()
    })
    readline.on('close', () => {
      this.#isEnded = true
      this.#session.close()
      this.#wake()
    })
    readline.on('SIGINT', () => this.#interrupt())
    input.prependListener('keypress', () => this.#eraseHint())
    input.on('keypress', (_: string | undefined, key: Key | undefined) => {
      if (key?.name !== 'return' && key?.name !== 'enter') this.#showHint()
    })
    this.#feed.onText = (text) => {
      if (this.#isEnded) return
      this.#eraseHint()
      readline.write(text)
      this.#showHint()
    }
    return readline
  }

  /** Asks the server for its commands, beside what somebody types. */
  async #learn(): Promise<void> {
    const docs = await this.#session.query(['COMMAND', 'DOCS'])
    const names = docs === undefined ? await this.#session.query(['COMMAND']) : undefined
    if (docs !== undefined) this.#docs = commandDocsOf(docs)
    else if (names !== undefined) this.#docs = commandNamesOf(names)
    this.#eraseHint()
    this.#showHint()
  }

  #nextLine(): Promise<string | undefined> {
    return new Promise((resolve) => {
      this.#wake = () => {
        const line = this.#lines.shift()
        if (line === undefined && !this.#isEnded) return
        this.#wake = () => undefined
        resolve(line)
      }
      this.#wake()
    })
  }

  #showPrompt(): void {
    if (this.#isEnded) return
    this.#readline?.setPrompt(this.#begun === '' ? this.#session.prompt : CONTINUED)
    this.#readline?.prompt()
    this.#gate.open()
  }

  /** A line, or one more of a word that goes over several. */
  async #take(line: string): Promise<void> {
    const text = this.#begun + line
    const { words, openQuote, isInvalid } = splitLine(bytesOf(text))
    if (openQuote !== undefined) {
      this.#begun = `${text}\n`
      return
    }
    this.#remember(text, words)
    this.#begun = ''
    if (isInvalid) this.#write(INVALID_TEXT)
    else if (words.length > 0) await this.#run(words)
  }

  /** What goes over several lines is remembered in one, with escapes. */
  #remember(text: string, words: readonly string[]): void {
    this.#history.add(text.includes('\n') ? words.map(typedWord).join(' ') : text)
    this.#shownHistory.splice(0, this.#shownHistory.length, ...this.#history.lines)
  }

  async #run(words: readonly string[]): Promise<void> {
    const { runs, argv } = countedWords(words)
    if (runs === undefined && (await this.#runLocally(argv))) return
    for (let left = runs ?? 1; left > 0 && !this.#isStopped && !this.#isEnded; left--) {
      if (!(await this.#runCommand(argv))) return
    }
  }

  /** Commands of the prompt itself. */
  async #runLocally(words: readonly string[]): Promise<boolean> {
    const [first = '', ...rest] = words
    switch (first.toLowerCase()) {
      case 'exit':
      case 'quit':
        this.#isEnded = true
        return true
      case 'help':
      case '?':
        this.#write(helpText(this.#docs, rest, this.#options.paint))
        return true
      case 'clear':
        this.#write('\x1b[H\x1b[2J')
        return true
      case 'history':
        this.#write(bytesOf(`${this.#history.lines.toReversed().join('\n')}\n`))
        return true
      case 'connect':
        await this.#connectTo(rest)
        return true
      case ':set':
        this.#set(rest)
        return true
      default:
        return false
    }
  }

  async #connectTo([host, port]: readonly string[]): Promise<void> {
    const number = Number(port)
    if (host === undefined || !(Number.isInteger(number) && number > 0 && number < 65_536)) {
      this.#write('connect HOST PORT\n')
    } else if (await this.#session.moveTo(host, number)) {
      this.#docs = NO_DOCS
      await this.#learn()
    }
  }

  #set([what = '']: readonly string[]): void {
    const form = FORMS.find((name) => name === what)
    if (what === 'hints' || what === 'nohints') this.#isHinting = what === 'hints'
    else if (form !== undefined) this.#format = { ...this.#format, form }
    else this.#write(`:set hints | nohints | ${FORMS.join(' | ')}\n`)
  }

  /** Runs a command and shows what it says; false: there was nothing to show. */
  async #runCommand(argv: readonly string[]): Promise<boolean> {
    const { clock } = this.#options
    if (this.#session.isStream(argv)) {
      await this.#runStream(argv)
      return false
    }
    const startMs = clock.nowMs()
    const wasConnected = this.#session.isConnected
    const reply = await this.#session.call(argv)
    if (reply === undefined) {
      if (!wasConnected || this.#isEnded) return false
      if (!this.#isStopped) this.#write(LOST)
      await this.#session.connect()
      return false
    }
    this.#write(printedReply(reply, argv, this.#format))
    const tookMs = clock.nowMs() - startMs
    if (tookMs >= SLOW_MS && this.#format.form === 'standard')
      this.#write(`(${(tookMs / 1e3).toFixed(2)}s)\n`)
    const isLetIn = !wasConnected || /^(?:auth|hello)$/i.test(argv[0] ?? '')
    if (isLetIn && this.#docs.size === 0) void this.#learn()
    return true
  }

  async #runStream(argv: readonly string[]): Promise<void> {
    if (this.#format.form === 'standard') this.#write(STREAM_TEXT)
    const show = (value: RespValue): void => this.#write(printedReply(value, argv, this.#format))
    const refusal = await this.#session.stream(argv, show)
    if (refusal !== undefined) return show(refusal)
    if (this.#isEnded) return
    if (!this.#isStopped) this.#write('The connection was lost\n')
    await this.#session.connect()
  }

  #interrupt(): void {
    const readline = this.#readline as Interface
    if (this.#isRunning) {
      this.#isStopped = true
      this.#write('^C\n')
      this.#session.close()
    } else if (readline.line !== '' || this.#begun !== '') {
      this.#begun = ''
      this.#eraseHint()
      readline.write(null, { ctrl: true, name: 'e' })
      this.#write(`^C\n${this.#rowsBelow()}`)
      readline.write(null, { ctrl: true, name: 'u' })
      this.#showPrompt()
    } else {
      readline.close()
    }
  }

  #complete(line: string): [string[], string] {
    const { offers, word } = completionsFor(this.#docs, this.#begun + line)
    const [only] = offers
    return [offers.length === 1 ? [`${only} `] : [...offers], word]
  }

  #showHint(): void {
    const readline = this.#readline
    if (readline === undefined || !this.#isHinting || this.#isRunning || this.#isEnded) return
    if (this.#begun !== '' || readline.cursor !== readline.line.length) return
    const { columns = COLUMNS_DEFAULT } = this.#options.terminal.output
    const place = { column: readline.getCursorPos().cols, columns }
    const drawn = drawnHint(hintFor(this.#docs, readline.line), place, this.#options.paint)
    this.#isHintShown = drawn !== ''
    if (drawn !== '') this.#options.terminal.output.write(drawn)
  }

  #eraseHint(): void {
    if (!this.#isHintShown) return
    this.#isHintShown = false
    this.#options.terminal.output.write(HINT_ERASED)
  }

  /** As many rows as readline goes up before it draws the line: to where it begins to draw. */
  #rowsBelow(): string {
    return '\n'.repeat(this.#readline?.getCursorPos().rows ?? 0)
  }

  #showPush(value: RespValue): void {
    if (!this.#options.isPushShown || value.type !== 'push') return
    const [kind, keys] = value.items
    const isInvalidation = kind !== undefined && 'text' in kind && kind.text === 'invalidate'
    const shown = isInvalidation && keys !== undefined ? `-> invalidate: ${inOneLine(keys)}\n` : undefined
    this.#aside(shown ?? printedReply(value, [], this.#format))
  }

  /** Writes above the line that is being typed. */
  #aside(text: string): void {
    const readline = this.#readline
    if (readline === undefined || this.#isRunning) {
      this.#write(text)
      return
    }
    this.#eraseHint()
    const { rows } = readline.getCursorPos()
    this.#options.terminal.output.write(`${rows === 0 ? '' : `\x1b[${rows}A`}\r\x1b[J`)
    this.#write(text + this.#rowsBelow())
    readline.setPrompt(this.#begun === '' ? this.#session.prompt : CONTINUED)
    readline.prompt(true)
    this.#showHint()
  }

  /** Writes bytes, which may be no text. */
  #write(bytes: string): void {
    this.#eraseHint()
    this.#options.terminal.output.write(Buffer.from(bytes, 'latin1'))
  }
}

/** `'one', 'two'`, as redis-cli shows the keys of an invalidation. */
function inOneLine(keys: RespValue): string {
  if (keys.type === 'null') return 'all keys'
  const items = 'items' in keys ? keys.items : []
  return items.map((key) => ('text' in key ? `'${key.text}'` : '?')).join(', ')
}
