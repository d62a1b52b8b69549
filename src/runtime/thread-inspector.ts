/**
 * Looks into a thread that does not answer: its stack, a value, a profile of what it computes.
 *
 * V8's inspector reaches a worker also in the middle of a loop, because its commands interrupt the code that
 * runs. It is attached for the one question and detached again; a thread that was paused is always resumed.
 * `Worker.prototype.startCpuProfile` of newer Nodes does the same for profiles; this works on all of them.
 *
 * Source: the `NodeWorker`, `Debugger` and `Profiler` domains of the inspector protocol.
 * Tests: test/runtime/sys.race.test.ts
 */
import { isMainThread } from 'node:worker_threads'
import { type Clock, ShardloomError, toError } from '../base/index.ts'

/** A CPU profile in the format of Chrome's developer tools: save it as `x.cpuprofile` and open it there. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
    readonly hitCount?: number
    readonly children?: readonly number[]
  }[]
  readonly startTime: number
  readonly endTime: number
  readonly samples?: readonly number[]
  readonly timeDeltas?: readonly number[]
}

/** A thread to look into. */
export interface InspectedThread {
  readonly thread: number
  /** Node's id of it. */
  readonly nodeId: number
  /** Resolves when it has ended. */
  readonly ended: Promise<void>
}

/** The part of the inspector's session that is used here. */
interface InspectorSession {
  connect(): void
  connectToMainThread(): void
  disconnect(): void
  post(method: string, params: object, done: (error: Error | null) => void): void
  on(method: string, listener: (message: { params: Record<string, unknown> }) => void): void
}

interface Reply {
  readonly id?: number
  readonly method?: string
  readonly params?: Record<string, unknown>
  readonly result?: Record<string, unknown>
  readonly error?: { readonly message: string }
}

interface PausedFrame {
  readonly callFrameId: string
  readonly functionName: string
  readonly location: { readonly scriptId: string; readonly lineNumber: number; readonly columnNumber: number }
}

interface EvaluateAnswer {
  readonly result?: { readonly value?: unknown }
  readonly exceptionDetails?: {
    readonly text: string
    readonly exception?: { readonly description?: string }
  }
}

const ATTACHED = 'attaching'
const STACK_MAX = 50
/** Beside what a profile takes by itself. */
const ANSWER_MS = 3000

/** One question to one thread. */
export class ThreadInspector {
  readonly #session: InspectorSession
  readonly #clock: Clock
  readonly #thread: number
  readonly #replies = new Map<number, (reply: Reply) => void>()
  readonly #scripts = new Map<string, string>()
  readonly #events = new Map<string, (params: Record<string, unknown>) => void>()
  #worker = ''
  /** Set when the thread has ended: nothing more is waited for. */
  #gone: Error | undefined
  readonly #waiting = new Set<(error: Error) => void>()
  #lastId = 0

  private constructor(session: InspectorSession, clock: Clock, thread: number) {
    this.#session = session
    this.#clock = clock
    this.#thread = thread
  }

  /**
   * The functions that a thread is in, the innermost first.
   *
   * @throws SHL_THREAD_SILENT
   */
  static stack(clock: Clock, target: InspectedThread): Promise<string[]> {
    return ThreadInspector.#with(clock, target, async (inspector) => {
      const frames = await inspector.#pause()
      return frames.slice(0, STACK_MAX).map((frame) => inspector.#frameText(frame))
    })
  }

  /**
   * The value of an expression, evaluated in the middle of whatever the thread does.
   *
   * @throws SHL_THREAD_SILENT
   */
  static evaluate(clock: Clock, target: InspectedThread, expression: string): Promise<unknown> {
    return ThreadInspector.#with(clock, target, async (inspector) => {
      const frames = await inspector.#pause()
      // The code of Node itself sees other globals.
      const frame = frames.find(({ location }) => !inspector.#isInternal(location.scriptId)) ?? frames[0]
      if (frame === undefined) throw inspector.#silent('it runs no JavaScript at the moment')
      const params = { callFrameId: frame.callFrameId, expression, returnByValue: true, silent: true }
      const answer = (await inspector.#send('Debugger.evaluateOnCallFrame', params)) as EvaluateAnswer
      const { result, exceptionDetails } = answer
      if (exceptionDetails === undefined) return result?.value
      throw inspector.#silent(exceptionDetails.exception?.description ?? exceptionDetails.text)
    })
  }

  /**
   * What a thread computes for so long.
   *
   * @throws SHL_THREAD_SILENT
   */
  static profile(clock: Clock, target: InspectedThread, durationMs: number): Promise<CpuProfile> {
    return ThreadInspector.#with(clock, target, async (inspector) => {
      await inspector.#send('Profiler.enable')
      await inspector.#send('Profiler.start')
      await inspector.#pass(durationMs)
      const { profile } = (await inspector.#send('Profiler.stop')) as { profile: CpuProfile }
      return profile
    })
  }

  static async #with<T>(
    clock: Clock,
    { nodeId, thread, ended }: InspectedThread,
    ask: (inspector: ThreadInspector) => Promise<T>,
  ): Promise<T> {
    const { Session } = await import('node:inspector')
    const session = new Session() as InspectorSession
    const inspector = new ThreadInspector(session, clock, thread)
    void ended.then(() => inspector.#onGone())
    // The inspector of the main thread knows all workers, also those that a worker has started.
    if (isMainThread) session.connect()
    else session.connectToMainThread()
    try {
      await inspector.#attach(nodeId)
      return await ask(inspector)
    } finally {
      await inspector.#detach()
    }
  }

  async #attach(threadId: number): Promise<void> {
    const session = this.#session
    session.on('NodeWorker.attachedToWorker', ({ params }) => {
      const { workerInfo, sessionId } = params as { workerInfo: { title: string }; sessionId: string }
      // Its `workerId` is only a count of what was attached.
      if (!workerInfo.title.startsWith(`[worker ${threadId}]`)) return
      this.#worker = sessionId
      this.#events.get(ATTACHED)?.({})
    })
    session.on('NodeWorker.receivedMessageFromWorker', ({ params }) => {
      const { sessionId, message } = params as { sessionId: string; message: string }
      if (sessionId !== this.#worker) return
      const reply = JSON.parse(message) as Reply
      if (reply.id !== undefined) this.#replies.get(reply.id)?.(reply)
      else if (reply.method !== undefined) this.#events.get(reply.method)?.(reply.params ?? {})
    })
    await this.#post('NodeWorker.enable', { waitForDebuggerOnStart: false })
    if (this.#worker !== '') return
    await this.#within<void>(ATTACHED, (done) => this.#events.set(ATTACHED, () => done()))
  }

  async #detach(): Promise<void> {
    // Whatever it was in, it goes on.
    if (this.#worker !== '' && this.#gone === undefined) {
      await this.#sendOnly(++this.#lastId, 'Debugger.resume', {}).catch(() => undefined)
      await this.#post('NodeWorker.disable', {}).catch(() => undefined)
    }
    this.#session.disconnect()
  }

  async #pause(): Promise<PausedFrame[]> {
    this.#events.set('Debugger.scriptParsed', ({ scriptId, url }) =>
      this.#scripts.set(scriptId as string, url as string),
    )
    await this.#send('Debugger.enable')
    const paused = this.#within<PausedFrame[]>('Debugger.paused', (done) =>
      this.#events.set('Debugger.paused', ({ callFrames }) => done(callFrames as PausedFrame[])),
    )
    await this.#send('Debugger.pause')
    return paused
  }

  async #send(method: string, params: object = {}): Promise<Record<string, unknown>> {
    const id = ++this.#lastId
    const reply = this.#within<Reply>(method, (done) => this.#replies.set(id, done))
    await this.#sendOnly(id, method, params)
    const { result, error } = await reply
    this.#replies.delete(id)
    if (error !== undefined) throw this.#silent(`${method}: ${error.message}`)
    return result ?? {}
  }

  #sendOnly(id: number, method: string, params: object): Promise<void> {
    const message = JSON.stringify({ id, method, params })
    return this.#post('NodeWorker.sendMessageToWorker', { sessionId: this.#worker, message })
  }

  /** Every command has its deadline: a hang that is looked into must not hold up whoever looks. */
  #post(method: string, params: object): Promise<void> {
    return this.#within<void>(method, (done, fail) => {
      this.#session.post(method, params, (error) => (error === null ? done() : fail(toError(error))))
    })
  }

  #within<T>(
    what: string,
    begin: (done: (value: T) => void, fail: (error: Error) => void) => void,
  ): Promise<T> {
    const answer = new Promise<T>((resolve, reject) => {
      const fail = (error: Error): void => {
        timer.cancel()
        this.#waiting.delete(fail)
        reject(error)
      }
      const late = (): void => fail(this.#silent(`${what} got no answer within ${ANSWER_MS} ms`))
      const timer = this.#clock.after(ANSWER_MS, late)
      this.#waiting.add(fail)
      if (this.#gone !== undefined) return fail(this.#gone)
      const done = (value: T): void => {
        timer.cancel()
        this.#waiting.delete(fail)
        resolve(value)
      }
      begin(done, fail)
    })
    // Of two that are waited for, one may fail while only the other one is looked at.
    answer.catch(() => undefined)
    return answer
  }

  /** Lets time pass, unless the thread ends. */
  #pass(durationMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = this.#clock.after(durationMs, resolve)
      this.#waiting.add((error) => {
        timer.cancel()
        reject(error)
      })
    })
  }

  #onGone(): void {
    this.#gone = this.#silent('it ended meanwhile')
    for (const fail of this.#waiting) fail(this.#gone)
  }

  #isInternal(scriptId: string): boolean {
    return this.#scripts.get(scriptId)?.startsWith('node:') === true
  }

  #frameText({ functionName, location }: PausedFrame): string {
    const { scriptId, lineNumber, columnNumber } = location
    const place = `${this.#scripts.get(scriptId) ?? ''}:${lineNumber + 1}:${columnNumber + 1}`
    return functionName === '' ? place : `${functionName} (${place})`
  }

  #silent(reason: string): ShardloomError {
    return new ShardloomError('SHL_THREAD_SILENT', { thread: this.#thread, reason })
  }
}
