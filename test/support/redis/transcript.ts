/**
 * What several connections are sent, byte by byte, while one of them says something: by a Redis and by ours.
 *
 * When Redis has said all is known without waiting for time to pass: it has one thread, so two round trips on
 * another connection, begun later, end later. Of ours it is waited for what Redis has said; what is sent
 * beyond that shows in the next step, or at the end.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { delay, RespClient } from './resp-client.ts'

const ROUND_TRIPS = 2
const DEADLINE_MS = 3000
const LOOK_MS = 2
/** A few tell enough. */
const DIFFERENCES_MAX = 4

/** Who says what; the words are an inline command. `{c}`: the id of client `c`, seen as that in answers. */
export type Step = readonly [who: string, line: string]

/** What each of several was sent in a step, by name. */
export type Told = Readonly<Record<string, string>>

/** Makes texts of two servers comparable. */
export type Form = (text: string) => string

interface Talker {
  readonly socket: Socket
  text: string
  id: string | undefined
}

/** Several connections to one server. */
export class Talk {
  readonly #talkers = new Map<string, Talker>()
  readonly #port: number
  readonly #barrier: RespClient
  readonly #form: Form

  private constructor(port: number, barrier: RespClient, form: Form) {
    this.#port = port
    this.#barrier = barrier
    this.#form = form
  }

  static async open(port: number, form: Form): Promise<Talk> {
    return new Talk(port, await RespClient.connect(port), form)
  }

  /** Says it; what everybody is sent then. `expected`: it is waited for as much as that. */
  async say([who, line]: Step, expected?: Told): Promise<Told> {
    let text = line
    for (const [word, name] of line.matchAll(/\{(\w)\}/g)) text = text.replace(word, await this.#idOf(name!))
    const { socket } = await this.#talker(who)
    socket.write(`${text}\r\n`, 'latin1')
    if (expected === undefined) await this.#whenAllIsSaid()
    else {
      const endMs = performance.now() + DEADLINE_MS
      while (!this.#hasAsMuch(expected) && performance.now() < endMs) await delay(LOOK_MS)
    }
    return this.#take()
  }

  async #idOf(name: string): Promise<string> {
    const talker = await this.#talker(name)
    if (talker.id === undefined) {
      talker.socket.write('CLIENT ID\r\n')
      while (!talker.text.endsWith('\r\n')) await delay(LOOK_MS)
      talker.id = talker.text.slice(1, -2)
      talker.text = ''
    }
    return talker.id
  }

  /** What was sent since. */
  async rest(): Promise<Told> {
    await delay(2 * LOOK_MS)
    return this.#take()
  }

  close(): void {
    this.#barrier.close()
    for (const { socket } of this.#talkers.values()) socket.destroy()
  }

  async #talker(name: string): Promise<Talker> {
    const known = this.#talkers.get(name)
    if (known !== undefined) return known
    const socket = connect(this.#port, '127.0.0.1')
    const talker: Talker = { socket, text: '', id: undefined }
    this.#talkers.set(name, talker)
    socket.setNoDelay()
    socket.on('data', (bytes: Buffer) => {
      talker.text += bytes.toString('latin1')
    })
    socket.on('error', () => undefined)
    await once(socket, 'connect')
    return talker
  }

  async #whenAllIsSaid(): Promise<void> {
    for (let i = 0; i < ROUND_TRIPS; i++) await this.#barrier.call('PING')
    for (let i = 0; i < ROUND_TRIPS; i++) await delay(0)
  }

  #hasAsMuch(expected: Told): boolean {
    return Object.entries(expected).every(([name, text]) => {
      const talker = this.#talkers.get(name)
      return talker !== undefined && this.#formOf(talker).length >= text.length
    })
  }

  #formOf({ text }: Talker): string {
    let form = text
    for (const [name, { id }] of this.#talkers) {
      if (id !== undefined) form = form.replaceAll(`:${id}\r`, `:{${name}}\r`)
    }
    return this.#form(form)
  }

  #take(): Told {
    const told: Record<string, string> = {}
    for (const [name, talker] of this.#talkers) {
      const text = this.#formOf(talker)
      if (text !== '') told[name] = text
      talker.text = ''
    }
    return told
  }
}

/** The steps whose answers differ, with both answers. */
export async function differences(
  redisPort: number,
  ourPort: number,
  steps: readonly Step[],
  form: Form = (text) => text,
): Promise<readonly string[]> {
  const [theirs, ours] = await Promise.all([Talk.open(redisPort, form), Talk.open(ourPort, form)])
  const found: string[] = []
  try {
    for (const step of steps) {
      if (found.length === DIFFERENCES_MAX) break
      const expected = shown(await theirs.say(step))
      const told = shown(await ours.say(step, JSON.parse(expected) as Told))
      if (told !== expected) found.push(`${step.join(': ')}\n  Redis ${expected}\n  ours  ${told}`)
    }
    const rest = shown(await ours.rest())
    if (rest !== shown({})) found.push(`at the end: ${rest}`)
    return found
  } finally {
    theirs.close()
    ours.close()
  }
}

function shown(told: Told): string {
  return JSON.stringify(Object.fromEntries(Object.entries(told).sort()))
}
