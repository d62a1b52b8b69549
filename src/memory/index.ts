/** What the other folders may use of `memory`. */
export { Counter } from './counter.ts'
export { DoorbellRinger, DoorbellSleeper } from './doorbell.ts'
export { Gauge } from './gauge.ts'
export { Histogram, type HistogramSnapshot } from './histogram.ts'
export { createIdleStrategy, type IdleStrategy, type IdleStrategyName } from './idle-strategy.ts'
export {
  ACCESS_CLOCK_MAX,
  type ByteString,
  HASH_SEED_DEFAULT,
  type HashSeed,
  hashBytes,
  hashKey,
  KEY_BYTES_MAX,
  type KeyTableOptions,
  KeyTableReader,
  type KeyTableReaderOptions,
  KeyTableWriter,
  NOT_A_STRING,
  type PutOptions,
  type RecordRef,
  TORN,
  VALUE_BYTES_MAX,
} from './key-table/index.ts'
export { type MetricSnapshot, Metrics } from './metrics.ts'
export { allocateMetrics } from './metrics-layout.ts'
export { RingConsumer } from './ring-consumer.ts'
export { allocateRing, INSUFFICIENT_CAPACITY } from './ring-layout.ts'
export { RingProducer } from './ring-producer.ts'
