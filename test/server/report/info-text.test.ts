/** Which sections INFO tells, and how they are written. */
import { describe, expect, test } from 'vitest'
import type { InfoSource } from '../../../src/server/report/info-source.ts'
import { infoText, needsOf, wantedSections } from '../../../src/server/report/info-text.ts'

const titles = (...names: string[]): string[] => wantedSections(names).map(({ title }) => title)

const DEFAULT = ['Server', 'Clients', 'Memory', 'Persistence', 'Stats', 'Replication', 'CPU', 'Modules']
const OWN = ['Shards', 'Threads', 'Durability', 'Locks']

describe('sections', () => {
  test('are those of Redis when nothing is named', () => {
    expect(titles()).toEqual([...DEFAULT, 'Errorstats', 'Cluster', 'Keyspace'])
    expect(titles('DEFAULT')).toEqual(titles())
  })

  test('are all of them, ours behind, for all and everything', () => {
    expect(titles('all')).toEqual(titles('everything'))
    expect(titles('all').slice(-4)).toEqual(OWN)
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
    expect(needsOf(wantedSections(['server', 'cpu']))).toEqual({
      threads: false,
      times: false,
      shards: false,
    })
    expect(needsOf(wantedSections(['keyspace']))).toEqual({ threads: false, times: false, shards: true })
    expect(needsOf(wantedSections([])).times).toBe(false)
    expect(needsOf(wantedSections(['latencystats']))).toEqual({ threads: true, times: true, shards: false })
  })
})

test('a text has a head for each section, and an empty line between two', () => {
  const source = {} as InfoSource
  expect(infoText(wantedSections(['modules', 'cluster']), source)).toBe(
    '# Modules\r\n\r\n# Cluster\r\ncluster_enabled:0\r\n',
  )
  expect(infoText([], source)).toBe('')
})
