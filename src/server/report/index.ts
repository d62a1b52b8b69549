/** What the server may use of what it tells of itself. */
export { CommandTimes } from './command-times.ts'
export { datasetDigest, valueDigest } from './data-digest.ts'
export { type HotKey, hottestOf } from './hot-keys.ts'
export { humanBytes } from './info-sections.ts'
export { gatherInfo, type InfoSource, sumOf } from './info-source.ts'
export { infoText, needsOf, wantedSections } from './info-text.ts'
export { type LatencyEvent, mergeEvents } from './latency-events.ts'
export { latencyAdvice, latencyGraph } from './latency-text.ts'
export { memoryAdvice } from './memory-text.ts'
export { PEAK_TOPIC } from './peak-memory.ts'
export { persistenceOf } from './persistence.ts'
export { newestOf, type SlowEntry } from './slow-log.ts'
export { sumCommands, type ThreadReport } from './thread-report.ts'
export {
  HOT_TOPIC,
  LATENCY_TOPIC,
  REPORT_TOPIC,
  RESET_STATS_TOPIC,
  SLOW_TOPIC,
} from './thread-watch.ts'
export { watchThread } from './watch-thread.ts'
