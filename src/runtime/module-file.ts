/**
 * Loads a module of the user's, on the thread that will run it: an actor's or a task's.
 *
 * TypeScript loads natively where Node can (22.18 and later, 24), else through `tsx` when it is installed,
 * else with an error that says what to do. A program run from its TypeScript sources writes the URL of the
 * JavaScript that a build would make, `new URL('./x.js', import.meta.url)`, because that is what bundlers
 * see; where only `x.ts` exists, that is loaded.
 *
 * Tests: test/runtime/module-loader.test.ts, test/runtime/task-runner.test.ts
 */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** A module with its exports. */
export type LoadedModule = Readonly<Record<string, unknown>>

/** Throws the error of who asked: what to do, and what loading threw, where it threw. */
export type Refuse = (hint: string, cause?: unknown) => never

/** Loads the module. */
export async function importModule(href: string, refuse: Refuse): Promise<LoadedModule> {
  const url = existingUrl(href)
  if (url === undefined)
    return refuse('the file does not exist: check the path, and that a bundler emitted it')
  if (isTypeScript(url) && !hasNativeTypeScript() && !(await registerTsx())) {
    return refuse(
      'this Node runs no TypeScript: build it to JavaScript, install tsx, or use Node 22.18 or later',
    )
  }
  try {
    return (await import(/* webpackIgnore: true */ /* @vite-ignore */ url)) as LoadedModule
  } catch (error) {
    return refuse('the cause holds what loading it threw', error)
  }
}

/** What a module exports, in words. */
export function exportNames(module: LoadedModule): string {
  return Object.keys(module).join(', ') || 'nothing'
}

function existingUrl(href: string): string | undefined {
  if (!href.startsWith('file:')) return href
  if (existsSync(fileURLToPath(href))) return href
  const source = href.replace(/\.([mc]?)js$/, '.$1ts')
  return source !== href && existsSync(fileURLToPath(source)) ? source : undefined
}

function isTypeScript(url: string): boolean {
  return /\.[mc]?tsx?$/.test(url)
}

function hasNativeTypeScript(): boolean {
  const { typescript } = process.features as { typescript?: unknown }
  return typescript === 'strip' || typescript === 'transform'
}

async function registerTsx(): Promise<boolean> {
  try {
    const name = 'tsx/esm/api'
    const tsx = (await import(/* webpackIgnore: true */ /* @vite-ignore */ name)) as { register(): unknown }
    tsx.register()
    return true
  } catch {
    // Not installed: the caller says what to do.
    return false
  }
}
