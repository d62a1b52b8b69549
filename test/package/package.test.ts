/**
 * The package as users meet it: packed, installed into an empty project, imported in every way, and bundled.
 *
 * Each program spawns an actor from a module of its own on a worker thread, asks it, closes, and must end by
 * itself. A bundle runs in a folder of its own, far from any `node_modules`: losing the worker's file in a
 * bundle is the classic fault of libraries with threads. The settings that each bundler needs stand here, and
 * are the ones to recommend: an actor's module is an entry, next to the program's.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build as esbuild } from 'esbuild'
import { build as vite } from 'vite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import webpack from 'webpack'
import { answerOf, PackageLab, ROOT, readJson, runNode, runTool } from '../support/package-lab.ts'

const SLOW_MS = 240_000
const ESM_ANSWER = {
  accepted: true,
  value: 42,
  isMainThread: false,
  failure: 'RangeError: out of range',
  isShardloomError: true,
  code: 'SHL_VALUE_NOT_SENDABLE',
}
const ANSWER = { value: 42, isMainThread: false }

let lab: PackageLab
let esm: string

beforeAll(async () => {
  lab = await PackageLab.create()
  esm = lab.add('esm')
}, SLOW_MS)

afterAll(() => lab?.remove())

describe('the tarball', () => {
  test('holds what package.json points to', () => {
    const manifest = readJson(join(ROOT, 'package.json'))
    const targets = JSON.stringify([manifest['exports'], manifest['bin'], manifest['types']])
    const named = [...targets.matchAll(/"\.\/([^"]+\.(?:js|d\.ts|json))"/g)].map(
      (match) => match[1] as string,
    )
    const wanted = [
      ...named,
      'LICENSE',
      'README.md',
      'dist/workers/thread-main.js',
      'dist/workers/task-main.js',
    ]
    expect(wanted.filter((path) => !lab.packed.includes(path))).toEqual([])
  })

  test('holds no tests, examples or benchmarks', () => {
    expect(lab.packed.filter((path) => /^(?:dist\/)?(?:test|examples|bench|docs)\//.test(path))).toEqual([])
  })

  test('works without install scripts and holds no address of a registry', () => {
    const manifest = readJson(join(lab.folder, 'node_modules', 'shardloom', 'package.json'))
    const scripts = Object.keys(manifest['scripts'] ?? {})
    expect(scripts.filter((name) => /install$|^prepare$/.test(name))).toEqual([])
    expect(JSON.stringify(readJson(join(ROOT, 'package-lock.json')))).not.toMatch(
      /"resolved":"(?!https:\/\/registry\.npmjs\.org\/)/,
    )
  })
})

describe('imported', () => {
  test('from an ES module', async () => {
    expect(answerOf(await runNode(esm, ['app.js']))).toEqual(ESM_ANSWER)
  })

  test('from CommonJS, by import()', async () => {
    expect(answerOf(await runNode(lab.add('commonjs'), ['app.cjs']))).toEqual(ANSWER)
  })

  test('from CommonJS, by require()', async () => {
    const args = ['--disable-warning=ExperimentalWarning', 'require.cjs']
    expect(answerOf(await runNode(lab.add('commonjs'), args))).toEqual(ANSWER)
  })

  test('with the test kit, which needs fast-check only when a schedule fails', async () => {
    const program = `
      import { explore, simulate } from 'shardloom/testing'
      const { defineActor } = await import('shardloom')
      const echo = defineActor({ name: 'echo', receive: { say: (_state, text) => text } })
      const said = await simulate({ threads: 2 }, async (sim) => {
        const ref = await sim.spawn(echo, { thread: 2 })
        return ref.ask('say', 'hello')
      })
      const fail = () => { throw new RangeError('as told') }
      const missing = await explore({ runs: 1 }, fail).catch((error) => error.code)
      process.stdout.write(JSON.stringify({ said, missing }))`
    const ended = await runNode(lab.folder, ['--input-type=module', '--eval', program])
    expect(answerOf(ended)).toEqual({ said: 'hello', missing: 'SHL_PEER_MISSING' })
  })

  test('not beyond its entry points', async () => {
    const program = `import('shardloom/dist/src/index.js').catch((error) => {
      process.stdout.write(JSON.stringify(error.code))
    })`
    expect(answerOf(await runNode(lab.folder, ['--eval', program]))).toBe('ERR_PACKAGE_PATH_NOT_EXPORTED')
  })
})

describe('from TypeScript', () => {
  test.each([
    { moduleResolution: 'nodenext', module: 'nodenext' },
    { moduleResolution: 'bundler', module: 'esnext' },
  ])('with types that infer and that refuse, $moduleResolution', async (resolution) => {
    const folder = lab.add('typescript')
    const compilerOptions = {
      ...resolution,
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      target: 'es2023',
      lib: ['es2023'],
      types: ['node'],
      typeRoots: [join(ROOT, 'node_modules', '@types')],
      outDir: `out-${resolution.module}`,
    }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }))
    const compiled = await runTool(folder, 'typescript/bin/tsc', ['-p', '.'])
    expect(compiled.stdout).toBe('')
    expect(compiled.exitCode).toBe(0)
    const ended = await runNode(folder, [join(compilerOptions.outDir, 'app.js')])
    expect(answerOf(ended)).toEqual({ ...ANSWER, accepted: true, counted: [1, 2, 3] })
  })
})

describe('bundled', () => {
  test('by Vite for servers, packages left outside', async () => {
    const outDir = await buildWithVite('out-vite-external', false)
    expect(answerOf(await runNode(outDir, ['app.js']))).toEqual(ESM_ANSWER)
  })

  test('by Vite for servers, with everything inside', async () => {
    const outDir = await buildWithVite('out-vite', true)
    expect(answerOf(await lab.runAway(outDir, 'app.js'))).toEqual(ESM_ANSWER)
  })

  test('by webpack, with the actor as an entry of its own', async () => {
    const path = join(esm, 'out-webpack')
    const report = await buildWithWebpack({
      mode: 'production',
      // Its minifier takes half a minute; that minified code works is shown by esbuild's in a moment.
      optimization: { minimize: process.env['SHL_SOAK'] !== undefined },
      target: 'node20.19',
      context: esm,
      entry: { app: './app.js', counter: './counter.js' },
      // webpack would copy what a URL names as it stands, and write down the folder of the build in place of
      // `import.meta.url`.
      module: { parser: { javascript: { url: false, importMeta: false } } },
      experiments: { outputModule: true },
      output: {
        path,
        module: true,
        chunkFormat: 'module',
        library: { type: 'module' },
        filename: '[name].js',
      },
    })
    expect(report).toBe('')
    expect(answerOf(await lab.runAway(path, 'app.js'))).toEqual(ESM_ANSWER)
  })

  test('by esbuild, with the actor as an entry of its own', async () => {
    const outdir = join(esm, 'out-esbuild')
    const { warnings } = await esbuild({
      absWorkingDir: esm,
      entryPoints: ['app.js', 'counter.js'],
      outdir,
      bundle: true,
      minify: true,
      platform: 'node',
      format: 'esm',
      target: 'node20.19',
      logLevel: 'silent',
    })
    expect(warnings).toEqual([])
    expect(answerOf(await lab.runAway(outdir, 'app.js'))).toEqual(ESM_ANSWER)
  })
})

/** Builds the program and its actor as two entries. Returns the folder. */
async function buildWithVite(name: string, noExternal: boolean): Promise<string> {
  const outDir = join(esm, name)
  await vite({
    root: esm,
    configFile: false,
    logLevel: 'error',
    build: {
      ssr: true,
      target: 'node20.19',
      outDir,
      minify: noExternal,
      rolldownOptions: {
        input: { app: join(esm, 'app.js'), counter: join(esm, 'counter.js') },
        output: { entryFileNames: '[name].js' },
      },
    },
    ssr: noExternal ? { noExternal: true } : {},
  })
  return outDir
}

/** Builds, and returns what webpack has to complain about. */
async function buildWithWebpack(configuration: webpack.Configuration): Promise<string> {
  const stats = await new Promise<webpack.Stats | undefined>((resolve, reject) => {
    webpack(configuration, (error, result) => (error ? reject(error) : resolve(result)))
  })
  return stats?.toString({ all: false, errors: true, warnings: true }) ?? 'nothing was built'
}
