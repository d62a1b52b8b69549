/**
 * Runs one task on a thread of the pool: loads its module by our rules, calls it, and answers in a form that
 * crosses whole.
 *
 * Input, answer and error travel as parcels of the codec. `postMessage` would keep only message, stack and
 * cause of an error; and an answer that it refuses would end the thread, with an error that says nothing.
 *
 * Invariant: `runTask` never rejects for what a task has thrown.
 * Tests: test/runtime/task-runner.test.ts, test/supervise/task-pool.race.test.ts
 */
import { ShardloomError, Transferred, toError } from '../base/index.ts'
import { type Parcel, pack, unpack, ValueCodec } from '../codec/index.ts'
import { exportNames, importModule, type LoadedModule, type Refuse } from './module-file.ts'

/** What to run, and the parcel of its input. Flat, because each object within costs its share of a task. */
export interface TaskOrder extends Parcel {
  readonly href: string
  /** Which export is the task. */
  readonly name: string
}

/** The parcel of an answer, or of an error. */
export interface TaskReply extends Parcel {
  readonly isFailure?: true
}

/** Marks a reply in which `list` moves, for whoever posts it. */
export type MoveReply = (reply: TaskReply, list: readonly unknown[]) => Promise<TaskReply>

type Task = (input: unknown) => unknown

const PISCINA_VALUE = Symbol.for('Piscina.valueOf')
const PISCINA_LIST = Symbol.for('Piscina.transferable')

const codec = new ValueCodec()
/** By module and export. Node keeps modules for ever, so this keeps nothing longer. */
const loaded = new Map<string, Task>()

/** Runs a task. */
export async function runTask(order: TaskOrder, move: MoveReply): Promise<TaskReply> {
  try {
    const { href, name } = order
    const task = loaded.get(`${name} ${href}`) ?? (await loadTask(href, name))
    const answer = await task(unpack(codec, order))
    if (answer instanceof Transferred) return await moved(answer.value, answer.list, move)
    if (isPiscinaMove(answer)) return await moved(answer[PISCINA_VALUE], [answer[PISCINA_LIST]].flat(), move)
    return pack(codec, answer, undefined, 'answer')
  } catch (error) {
    return { ...pack(codec, toError(error), undefined, 'error'), isFailure: true }
  }
}

function moved(value: unknown, list: readonly unknown[], move: MoveReply): Promise<TaskReply> {
  return move(pack(codec, value, list, 'answer'), list)
}

/** Finds the function. @throws SHL_TASK_MODULE */
async function loadTask(href: string, name: string): Promise<Task> {
  const refuse: Refuse = (hint, cause) => {
    const details = { module: href, export: name, hint }
    throw new ShardloomError('SHL_TASK_MODULE', details, cause === undefined ? undefined : { cause })
  }
  const module = await importModule(href, refuse)
  // What was compiled to CommonJS has its exports, the default one too, within the default export.
  const inner = module['default']
  const task = [module, typeof inner === 'object' ? inner : undefined]
    .map((exports) => (exports as LoadedModule | null | undefined)?.[name])
    .find((one) => typeof one === 'function')
  if (task === undefined) {
    const found = name in module ? `its export ${name} is no function` : `it has no export ${name}`
    const wanted =
      name === 'default' ? 'export default a function, or name one with export' : 'name a function'
    return refuse(`${found}; it exports ${exportNames(module)}: ${wanted}`)
  }
  loaded.set(`${name} ${href}`, task as Task)
  return task as Task
}

/** A module written for Piscina marks what moves in Piscina's way. */
function isPiscinaMove(answer: unknown): answer is Record<symbol, unknown> {
  return typeof answer === 'object' && answer !== null && PISCINA_LIST in answer && PISCINA_VALUE in answer
}
