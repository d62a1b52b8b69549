/** Waiting for what another connection is to notice. */

const UNTIL_MS = 15_000

/** Waits until `holds` does; fails after fifteen seconds. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + UNTIL_MS
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`never: ${holds}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
