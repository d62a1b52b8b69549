/**
 * What the threads of the task pool load: Piscina calls `main` for each task. An answer that
 * moves is marked by Piscina itself, whose mark nobody else can make.
 */
import { runTask, type TaskOrder, type TaskReply } from '../src/runtime/task-runner.ts'

export function main(order: TaskOrder): Promise<TaskReply> {
  return runTask(order, async (reply, list) => {
    const { move } = await import('piscina')
    // The form in which Piscina asks what to send, and what moves.
    const marked = { [Symbol.for('Piscina.valueOf')]: reply, [Symbol.for('Piscina.transferable')]: list }
    return move(marked as object as Parameters<typeof move>[0]) as TaskReply
  })
}
