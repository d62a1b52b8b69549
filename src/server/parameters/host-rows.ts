/**
 * Parameters of observation and of the process. Tests: test/server/parameters/parameter-table.test.ts
 */
import { percentiles } from './list-types.ts'
import { INT32_MAX, INT64_MAX, integer } from './number-types.ts'
import { type RowsOf, rowsFor } from './parameter.ts'
import { oneOf, path, yesNo } from './word-types.ts'

/** Values of these parameters, by the names of their options. */
export interface HostValues {
  readonly slowlogLogSlowerThan: number
  readonly slowlogMaxLen: number
  readonly latencyMonitorThreshold: number
  readonly latencyTracking: boolean
  readonly latencyTrackingInfoPercentiles: readonly number[]
  readonly logLevel: 'debug' | 'verbose' | 'notice' | 'warning'
  readonly logFile: string
  readonly logFormat: 'auto' | 'json' | 'pretty'
  readonly pidFile: string
  readonly readyFd: number
  readonly shutdownTimeout: number
}

const server = rowsFor('server')
const host = rowsFor('host')

export const HOST_ROWS: RowsOf<HostValues> = {
  slowlogLogSlowerThan: server(
    'slowlog-log-slower-than',
    integer(-1, INT64_MAX),
    10_000,
    'live',
    'Microseconds from which a command is in SLOWLOG; -1: none is.',
  ),
  slowlogMaxLen: server('slowlog-max-len', integer(0, INT64_MAX), 128, 'live', 'Entries of SLOWLOG.'),
  latencyMonitorThreshold: server(
    'latency-monitor-threshold',
    integer(0, INT64_MAX),
    0,
    'live',
    'Milliseconds from which an event is in LATENCY; 0: none is.',
  ),
  latencyTracking: server(
    'latency-tracking',
    yesNo(),
    true,
    'live',
    'Whether the latency of each command is measured.',
  ),
  latencyTrackingInfoPercentiles: server(
    'latency-tracking-info-percentiles',
    percentiles(),
    [50, 99, 99.9],
    'live',
    'Percentiles that INFO latencystats shows.',
  ),
  logLevel: host(
    'loglevel',
    oneOf('debug', 'verbose', 'notice', 'warning'),
    'notice',
    'live',
    'What is logged: this and what is graver.',
    {
      shortNames: ['log-level'],
    },
  ),
  logFile: host(
    'logfile',
    path(),
    '',
    'start',
    'File of the log; empty: standard error. SIGHUP opens it anew.',
    {
      shortNames: ['log-file'],
    },
  ),
  logFormat: host(
    'log-format',
    oneOf('auto', 'json', 'pretty'),
    'auto',
    'start',
    'How the log is written; auto: pretty on a terminal, else JSON.',
  ),
  pidFile: host(
    'pidfile',
    path(),
    '',
    'start',
    'File that holds the id of the process while it runs; empty: none.',
    {
      shortNames: ['pid-file'],
    },
  ),
  readyFd: host(
    'ready-fd',
    integer(-1, 1023),
    -1,
    'start',
    'File descriptor that is written a line to, and closed, when clients are served; -1: none.',
  ),
  shutdownTimeout: host(
    'shutdown-timeout',
    integer(0, INT32_MAX),
    10,
    'live',
    'Seconds within which the server stops after SIGTERM.',
  ),
}
