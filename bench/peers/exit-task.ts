/** A task that answers, or takes its worker with it. */
export default function exitTask(ends: boolean): number {
  if (ends) process.exit(1)
  return 1
}
