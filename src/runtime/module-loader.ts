/**
 * Loads an actor's definition from a module, on the thread that will run it.
 * Tests: test/runtime/module-loader.test.ts
 */
import { isAbsolute } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type AnyActorDefinition, isActorDefinition } from '../actor/index.ts'
import { invalidOption, ShardloomError } from '../base/index.ts'
import { exportNames, importModule, type Refuse } from './module-file.ts'

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
  const fail: Refuse = (hint, cause) => {
    const details = { module: href, export: exportName ?? 'default', hint }
    throw new ShardloomError('SHL_ACTOR_MODULE', details, cause === undefined ? undefined : { cause })
  }
  const module = await importModule(href, fail)
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
