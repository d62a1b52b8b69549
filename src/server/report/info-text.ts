/**
 * The text of INFO: the sections that are wanted, in the order of Redis.
 * Tests: test/server/report/info-text.test.ts
 */
import {
  clientsSection,
  clusterSection,
  commandStatsSection,
  cpuSection,
  errorStatsSection,
  type InfoLines,
  keyspaceSection,
  latencyStatsSection,
  memorySection,
  persistenceSection,
  replicationSection,
  serverSection,
  statsSection,
} from './info-sections.ts'
import type { InfoNeeds, InfoSource } from './info-source.ts'
import {
  auditSection,
  durabilitySection,
  locksSection,
  shardsSection,
  threadsSection,
} from './own-sections.ts'

interface Section {
  readonly title: string
  readonly needs: InfoNeeds
  /** Whether it is among what INFO tells when nothing is named. */
  readonly isDefault: boolean
  readonly lines: (source: InfoSource) => InfoLines
}

const THREADS = { threads: true }
const SHARDS = { shards: true }
const BOTH = { threads: true, shards: true }

const SECTIONS: readonly Section[] = [
  { title: 'Server', needs: {}, isDefault: true, lines: serverSection },
  { title: 'Clients', needs: THREADS, isDefault: true, lines: clientsSection },
  { title: 'Memory', needs: BOTH, isDefault: true, lines: memorySection },
  { title: 'Persistence', needs: SHARDS, isDefault: true, lines: persistenceSection },
  { title: 'Stats', needs: BOTH, isDefault: true, lines: statsSection },
  { title: 'Replication', needs: {}, isDefault: true, lines: replicationSection },
  { title: 'CPU', needs: {}, isDefault: true, lines: cpuSection },
  { title: 'Modules', needs: {}, isDefault: true, lines: () => [] },
  { title: 'Commandstats', needs: THREADS, isDefault: false, lines: commandStatsSection },
  { title: 'Errorstats', needs: THREADS, isDefault: true, lines: errorStatsSection },
  {
    title: 'Latencystats',
    needs: { threads: true, times: true },
    isDefault: false,
    lines: latencyStatsSection,
  },
  { title: 'Cluster', needs: {}, isDefault: true, lines: clusterSection },
  { title: 'Keyspace', needs: SHARDS, isDefault: true, lines: keyspaceSection },
  { title: 'Shards', needs: SHARDS, isDefault: false, lines: shardsSection },
  { title: 'Threads', needs: THREADS, isDefault: false, lines: threadsSection },
  { title: 'Durability', needs: SHARDS, isDefault: false, lines: durabilitySection },
  { title: 'Locks', needs: SHARDS, isDefault: false, lines: locksSection },
  { title: 'Audit', needs: { audit: true }, isDefault: false, lines: auditSection },
]

/** The sections that are named, by any of their names; unknown ones are left out, as Redis does. */
export function wantedSections(names: readonly string[]): readonly Section[] {
  const wanted = new Set(names.map((name) => name.toLowerCase()))
  const hasAll = wanted.has('all') || wanted.has('everything')
  const hasDefault = wanted.size === 0 || wanted.has('default')
  return SECTIONS.filter(
    ({ title, isDefault }) => hasAll || (hasDefault && isDefault) || wanted.has(title.toLowerCase()),
  )
}

/** What is to be asked for. */
export function needsOf(sections: readonly Section[]): InfoNeeds {
  return {
    threads: sections.some(({ needs }) => needs.threads === true),
    times: sections.some(({ needs }) => needs.times === true),
    shards: sections.some(({ needs }) => needs.shards === true),
    audit: sections.some(({ needs }) => needs.audit === true),
  }
}

/** The text. */
export function infoText(sections: readonly Section[], source: InfoSource): string {
  return sections
    .map(({ title, lines }) => {
      const written = lines(source).map(([name, value]) => `${name}:${value}\r\n`)
      return `# ${title}\r\n${written.join('')}`
    })
    .join('\r\n')
}
