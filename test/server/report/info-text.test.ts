/** Which sections INFO tells, and how they are written. */
import { describe, expect, test } from 'vitest'
import type { InfoSource } from '../../../src/server/report/info-source.ts'
import { infoText, needsOf, wantedSections } from '../../../src/server/report/info-text.ts'

const titles = (...names: string[]): string[] => wantedSections(names).map(({ title }) => title)

const DEFAULT = ['Server', 'Clients', 'Memory', 'Persistence', 'Stats', 'Replication', 'CPU', 'Modules']
const OWN = ['Shards', 'Threads', 'Durability', 'Locks', 'Audit']

describe('sections', () => {
  test('are those of Redis when nothing is named', () => {
    expect(titles()).toEqual([...DEFAULT, 'Errorstats', 'Cluster', 'Keyspace'])
    expect(titles('DEFAULT')).toEqual(titles())
  })

  test('are all of them, ours behind, for all and everything', () => {
    expect(titles('all')).toEqual(titles('everything'))
    expect(titles('all').slice(-OWN.length)).toEqual(OWN)
    expect(titles('all')).toContain('Commandstats')
  })

  test('come in one order, each once, and unknown ones not at all', () => {
    expect(titles('keyspace', 'nosuch', 'Server', 'server')).toEqual(['Server', 'Keyspace'])
    expect(titles('latencystats', 'default')).toEqual([
      ...DEFAULT,
      ...['Errorstats', 'Latencystats', 'Cluster', 'Keyspace'],
    ])
    expect(titles('nosuch')).toEqual([])
  })

  test('ask for no more than they need', () => {
    const none = { threads: false, times: false, shards: false, audit: false }
    expect(needsOf(wantedSections(['server', 'cpu']))).toEqual(none)
    expect(needsOf(wantedSections(['keyspace']))).toEqual({ ...none, shards: true })
    expect(needsOf(wantedSections(['audit']))).toEqual({ ...none, audit: true })
    expect(needsOf(wantedSections([])).times).toBe(false)
    expect(needsOf(wantedSections(['latencystats']))).toEqual({ ...none, threads: true, times: true })
  })
})

test('a text has a head for each section, and an empty line between two', () => {
  const source = {} as InfoSource
  expect(infoText(wantedSections(['modules', 'cluster']), source)).toBe(
    '# Modules\r\n\r\n# Cluster\r\ncluster_enabled:0\r\n',
  )
  expect(infoText([], source)).toBe('')
})
