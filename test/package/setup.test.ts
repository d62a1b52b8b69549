/**
 * The first step of `npm start` and `npm test`: which Node it accepts, that it is silent when all is fresh,
 * and that what it builds holds the inlined worker.
 */
import { existsSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, test } from 'vitest'
import { ROOT, readJson, runNode } from '../support/package-lab.ts'

interface Setup {
  requireNode(version: string): void
  allowsVersion(range: string, version: string): boolean
}

interface LockedPackage {
  readonly dev?: boolean
  readonly optional?: boolean
  readonly hasInstallScript?: boolean
  readonly engines?: { readonly node?: string }
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const setup = (await import(pathToFileURL(join(ROOT, 'setup.mjs')).href)) as Setup

describe('the version of Node', () => {
  const range = '^20.19.0 || ^22.12.0 || >=24.0.0'
  test.each(['20.19.0', '20.20.2', '22.12.0', '24.0.0', '25.1.0', '26.0.0-nightly2026'])(
    '%s will do',
    (version) => {
      expect(setup.allowsVersion(range, version)).toBe(true)
    },
  )

  test.each(['18.20.0', '20.18.9', '21.7.3', '22.11.0', '23.11.0'])('%s will not', (version) => {
    expect(setup.allowsVersion(range, version)).toBe(false)
  })

  test('that will not do is refused with what is wanted', () => {
    expect(() => setup.requireNode('18.20.0')).toThrow(/Node 18\.20\.0 .* shardloom needs \^20\.19\.0/)
  })
})

describe('packages and build', () => {
  test('a second set-up has nothing to do and says nothing', async () => {
    const first = await runNode(ROOT, [join(ROOT, 'setup.mjs')])
    expect(first.exitCode).toBe(0)
    const second = await runNode(ROOT, [join(ROOT, 'setup.mjs')])
    expect(second).toEqual({ exitCode: 0, stdout: '', stderr: '' })
  })

  test('the build inlines the worker', async () => {
    const path = join(ROOT, 'dist', 'workers', 'thread-main-inline.js')
    expect(existsSync(path)).toBe(true)
    const { threadMainSource } = (await import(pathToFileURL(path).href)) as { threadMainSource: string }
    expect(threadMainSource.length).toBeGreaterThan(1000)
    // Nothing but Node's own modules may be asked for: the string runs where no package is.
    const asked = [...threadMainSource.matchAll(/\brequire\("([^"]+)"\)/g)].map((match) => match[1] as string)
    expect(asked.filter((name) => !isBuiltin(name))).toEqual([])
  })

  test('the lock file names the packages of every platform, or npm ci would refuse it', () => {
    const packages = lockedPackages()
    const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter(
        (name) => !packages[`node_modules/${name}`] && !packages[`${path}/node_modules/${name}`],
      ),
    )
    expect(missing).toEqual([])
  })

  test('no dependency of users needs an install script', () => {
    const packages = lockedPackages()
    const scripted = Object.entries(packages).filter(
      ([, { hasInstallScript, dev, optional }]) => hasInstallScript && !dev && !optional,
    )
    expect(scripted.map(([path]) => path)).toEqual([])
  })

  test('no dependency asks for a newer Node than the package does', () => {
    const packages = lockedPackages()
    const tooNew = Object.entries(packages).filter(([path, { engines }]) => {
      if (path === '' || engines?.node === undefined) return false
      return !acceptsNode20(engines.node)
    })
    expect(tooNew.map(([path]) => path)).toEqual([])
  })
})

function lockedPackages(): Record<string, LockedPackage> {
  return readJson(join(ROOT, 'package-lock.json'))['packages'] as Record<string, LockedPackage>
}

/** Whether a range of any package accepts 20.19.0. Those are looser than ours: `>= 10`, `20 || 22`. */
function acceptsNode20(range: string): boolean {
  return range.split('||').some((alternative) => {
    const tidy = alternative.trim().replace(/([<>=^~]) +/g, '$1')
    if (tidy === '*' || tidy === '') return true
    return tidy.split(/\s+/).every((part) => {
      const [, sign = '', digits = ''] = /^([<>=^~]*)v?([\d.x*]+)/.exec(part) ?? []
      const wanted = digits.split('.').map((number) => Number.parseInt(number, 10) || 0)
      const full = [0, 1, 2].map((i) => wanted[i] ?? 0).join('.')
      if (sign.startsWith('<')) return !setup.allowsVersion(`>=${full}`, '20.19.0')
      if (sign.startsWith('>')) return setup.allowsVersion(`>=${full}`, '20.19.0')
      return wanted[0] === 20 && setup.allowsVersion(`^${full}`, '20.19.0')
    })
  })
}
