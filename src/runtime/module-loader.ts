/**
 * Loads an actor's definition from a module, on the thread that will run it.
 *
 * TypeScript loads natively where Node can (22.18 and later, 24), else through `tsx` when it is installed,
 * else with an error that says what to do. A program run from its TypeScript sources writes the URL of the
 * JavaScript that a build would make, `new URL('./x.js', import.meta.url)`, because that is what bundlers
 * see; where only `x.ts` exists, that is loaded. Tests: test/runtime/module-loader.test.ts
 */
import { existsSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { type AnyActorDefinition, isActorDefinition } from '../actor/index.ts'
import { invalidOption, ShardloomError } from '../base/index.ts'

/** Brings a module given by a caller into the form of a URL. @throws SHL_OPTION_INVALID */
export function moduleHref(module: unknown): string {
  const allowed = "new URL('./actor.js', import.meta.url), a file: URL or an absolute path"
  if (module instanceof URL) return module.href
  if (typeof module !== 'string') return invalidOption('module', module, allowed)
  if (isAbsolute(module)) return pathToFileURL(module).href
  if (/^(file|data|node):/.test(module)) return module
  return invalidOption('module', module, allowed)
}

/**
 * Definitions that this thread has loaded, by module and export. Node keeps modules for ever, so this keeps
 * nothing longer; it saves a look at the file system for each actor.
 */
const loaded = new Map<string, AnyActorDefinition>()

/** Loads the definition. @throws SHL_ACTOR_MODULE */
export async function loadDefinition(
  href: string,
  exportName: string | undefined,
): Promise<AnyActorDefinition> {
  const key = `${exportName ?? ''} ${href}`
  const known = loaded.get(key)
  if (known !== undefined) return known
  const definition = await load(href, exportName)
  loaded.set(key, definition)
  return definition
}

async function load(href: string, exportName: string | undefined): Promise<AnyActorDefinition> {
  const fail = (hint: string, cause?: unknown): never => {
    const details = { module: href, export: exportName ?? 'default', hint }
    throw new ShardloomError('SHL_ACTOR_MODULE', details, cause === undefined ? undefined : { cause })
  }
  const url = existingUrl(href)
  if (url === undefined) return fail('the file does not exist: check the path, and that a bundler emitted it')
  if (isTypeScript(url) && !hasNativeTypeScript() && !(await registerTsx())) {
    return fail(
      'this Node runs no TypeScript: build it to JavaScript, install tsx, or use Node 22.18 or later',
    )
  }
  let module: Record<string, unknown>
  try {
    module = (await import(/* webpackIgnore: true */ /* @vite-ignore */ url)) as Record<string, unknown>
  } catch (error) {
    return fail('the cause holds what loading it threw', error)
  }
  if (exportName !== undefined) {
    const named = module[exportName]
    if (isActorDefinition(named)) return named
    return fail(`it exports ${exportNames(module)}; export the result of defineActor under that name`)
  }
  const main = module['default']
  if (isActorDefinition(main)) return main
  const found = Object.values(module).filter(isActorDefinition)
  if (found.length === 1) return found[0]!
  if (found.length > 1)
    return fail(`it exports several actors (${exportNames(module)}): name one with export`)
  return fail(`it exports ${exportNames(module)}; export the result of defineActor`)
}

function exportNames(module: Record<string, unknown>): string {
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
