/** Bugs that a test plants by replacing methods, and the search for a run that shows one. */
import { onTestFinished } from 'vitest'

/** Replaces a method until the test ends. */
export function plant<T extends object, K extends keyof T>(
  prototype: T,
  name: K,
  make: (original: T[K]) => T[K],
): void {
  const descriptor = Object.getOwnPropertyDescriptor(prototype, name)!
  onTestFinished(() => void Object.defineProperty(prototype, name, descriptor))
  Object.defineProperty(prototype, name, { ...descriptor, value: make(descriptor.value as T[K]) })
}

/** What is wrong with the first run that is; undefined: nothing within so many seeds. */
export async function firstFinding(
  seeds: number,
  run: (seed: number) => Promise<readonly string[]>,
): Promise<string | undefined> {
  for (let seed = 1; seed <= seeds; seed++) {
    const wrong = await run(seed).catch((error: Error) => [`stopped: ${error.message}`])
    if (wrong.length > 0) return wrong.join('\n')
  }
  return undefined
}
