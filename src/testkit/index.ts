/** What programs import as `shardloom/testing`. */
export { type ExploreOptions, type ExploreReport, explore } from './explore.ts'
export type { Fault, FaultOptions, FaultType, PlannedFault } from './faults.ts'
export type { Probe, ProbeMessage, ProbeOptions, Within } from './probe.ts'
export { type Replay, type SimulateOptions, simulate } from './simulate.ts'
export type { SimulatedSpawnOptions, Simulation } from './simulation.ts'
