/**
 * The catalogue of everything Shardloom can refuse: one row per code, and every other list of errors is
 * derived.
 *
 * A row is data, so that the documentation page, the types, the exit code and later the RESP and HTTP
 * mappings cannot drift from the code that throws. `message` is a template: `{name}` is replaced from
 * `details`. It says what was asked, what was found and what is allowed, as `name=value`; `advice` says what
 * to do next. When you add a row, `test/base/error-codes.test.ts` tells you which page must list it.
 *
 * Source: the table of Fastify's `lib/errors.js`, with TigerBeetle's habit of saying the allowed range.
 */

import type { ErrorCodeRow } from './error-code-row.ts'
import { NETWORK_ERROR_CODES } from './network-error-codes.ts'

export type { ErrorCodeRow } from './error-code-row.ts'

/** Every code, in the order of the documentation page. */
export const ERROR_CODES = {
  SHL_ASSERTION: {
    message: 'assertion failed: {text}',
    advice: 'this is a bug in shardloom: report it with the stack',
    retryable: false,
  },
  SHL_OPTION_INVALID: {
    message: 'invalid option: {option}={value} allowed={allowed}',
    advice: 'pass an allowed value',
    retryable: false,
  },
  SHL_OPTION_UNKNOWN: {
    message: 'unknown option: {option} in {where}; did you mean {nearest}?',
    advice: 'remove it or correct its name',
    retryable: false,
  },
  SHL_KEYSPACE_OFF: {
    message: 'no keyspace: thread={thread}',
    advice: 'start the runtime with the option keyspace: {}',
    retryable: false,
  },
  SHL_KEYSPACE_BUSY: {
    message: 'too many commands wait: pending={pending} pendingMax={pendingMax}',
    advice: 'await some of them first, or raise keyspace.pendingMax',
    retryable: true,
  },
  SHL_DIRECTORY_UNKNOWN: {
    message: 'directory cannot be opened: dir={dir}: {reason}',
    advice: 'choose another directory, or open it with the version that has written it',
    retryable: false,
  },
  SHL_DIRECTORY_IN_USE: {
    message: 'directory is in use: dir={dir} pid={pid} since={since}',
    advice: 'stop that process, or choose another directory',
    retryable: true,
  },
  SHL_DIRECTORY_UNUSABLE: {
    message: 'directory cannot be used: dir={dir}: {reason}',
    advice: 'choose a directory on a disk of this machine that this process may write to',
    retryable: false,
  },
  SHL_LOG_DAMAGED: {
    message: 'log is damaged in the middle: file={file} offset={offset}: {reason}',
    advice: 'restore a backup, or run `shardloom repair DIR`, which says what would be lost before it cuts',
    retryable: false,
  },
  SHL_LOG_FOREIGN: {
    message: 'segment belongs elsewhere: file={file} found: {found} wanted: {wanted}',
    advice: 'put back the files of this directory, or open the one that they are of',
    retryable: false,
  },
  SHL_LOG_FAILED: {
    message: 'log could not be written and is read-only from now on: file={file}: {reason}',
    advice: 'look at the disk, then start again: what was acknowledged as fsync is there',
    retryable: false,
  },
  SHL_DISK_FULL: {
    message: 'there is no room on the disk for {what}',
    advice: 'make room, then ask again: until then writes are refused, and reads go on',
    retryable: true,
  },
  SHL_KEY_MISSING: {
    message: 'segment is encrypted with a key that was not given: file={file} key={wanted} given={given}',
    advice:
      'give it: keyspace.encryption or its previousKeys, or --key-file, --key-command, --previous-key-file',
    retryable: false,
  },
  SHL_KEY_UNAVAILABLE: {
    message: 'key cannot be had: {source}: {reason}',
    advice: 'a key is 64 hex digits, or base64 of 32 bytes: `openssl rand -hex 32`; see the operations guide',
    retryable: true,
  },
  SHL_COPY_TARGET: {
    message: 'copy needs an empty folder: to={to} found={found}',
    advice: 'choose another one, or empty it',
    retryable: false,
  },
  SHL_COPY_TOO_OLD: {
    message: 'directory does not go back so far: dir={dir} asked={asked} oldest={oldest}',
    advice: 'ask for that or a later point, or take an older backup',
    retryable: false,
  },
  SHL_REPAIR_HOPELESS: {
    message: 'log cannot be repaired: file={file} offset={offset}: {reason}',
    advice: 'restore a backup; nothing was changed',
    retryable: false,
  },
  SHL_IMPORT_INVALID: {
    message: 'import cannot be read: source={source} offset={offset}: {reason}',
    advice: 'take another copy of the file; what stands before the offset was read',
    retryable: false,
  },
  SHL_IMPORT_REFUSED: {
    message: 'import stopped: db={db} key={key}: {reason}',
    advice:
      'what came before is there; take another ifExists (--replace, --skip) or delete the key, then repeat',
    retryable: false,
  },
  SHL_SHARD_DOWN: {
    message: 'shard is down: shard={shard} reason={reason}',
    advice: 'ask again: a shard that crashed is started again, and what it held in memory is gone',
    retryable: true,
  },
  SHL_COMMAND_REFUSED: {
    message: '{reply}',
    advice: 'see docs/reference/commands.md for what the command {command} takes',
    retryable: false,
  },
  SHL_WRONG_TYPE: {
    message: '{reply}: command={command}',
    advice: 'use the commands of the type that the key holds, or delete it first',
    retryable: false,
  },
  SHL_KEYSPACE_FULL: {
    message: '{reply}: command={command}',
    advice: 'delete keys, raise keyspace.maxMemoryBytes, or choose a policy that evicts',
    retryable: true,
  },
  SHL_LOCK_FENCED: {
    message: '{reply}: command={command}',
    advice: 'another holder has the lock: drop this work, and acquire the lock again',
    retryable: false,
  },
  SHL_LOCK_TIMEOUT: {
    message: 'lock was not to be had in time: lock={lock} waitMs={waitMs}',
    advice: 'raise waitMs, hold the lock for less time, or use tryLock() and do something else',
    retryable: true,
  },
  SHL_LOCK_ABORTED: {
    message: 'wait for a lock was aborted by its signal: lock={lock}',
    advice: 'the cause holds the reason of the abort',
    retryable: false,
  },
  SHL_LOCK_LOST: {
    message: 'lock is lost: lock={lock} token={token} ttl={ttl} reason={reason}',
    advice: 'drop this work and acquire the lock again; raise ttl if this thread is busy for that long',
    retryable: false,
  },
  SHL_LOCK_MODE: {
    message: '{reply}: command={command}',
    advice:
      'use a name for one purpose: a lock, or a semaphore of one limit; release before you ask for more',
    retryable: false,
  },
  SHL_LOCK_BUSY: {
    message: '{reply}: command={command}',
    advice: 'too many wait for it already: come back later',
    retryable: true,
  },
  SHL_COMPUTE_TIMEOUT: {
    message: 'value was not there in time: key={key} waitMs={waitMs}',
    advice: 'raise waitMs, or look at why it takes so long to compute',
    retryable: true,
  },
  SHL_COMPUTE_ABORTED: {
    message: 'wait for a value was aborted by its signal: key={key}',
    advice: 'the cause holds the reason of the abort',
    retryable: false,
  },
  SHL_COMPUTE_LATE: {
    message: 'value took too long to compute, and was not stored: key={key} computeMs={computeMs}',
    advice: 'raise computeMs; somebody else may have computed it meanwhile',
    retryable: true,
  },
  SHL_TRANSACTION_REFUSED: {
    message: 'transaction refused: attempts={attempts}',
    advice: 'try again: too many others on the same keys went ahead of it',
    retryable: true,
  },
  SHL_TRANSACTION_KEY: {
    message: 'transaction uses a key that it did not name: command={command} key={key}',
    advice: 'list every key that the callback uses in the first argument of transaction()',
    retryable: false,
  },
  SHL_TRANSACTION_OVER: {
    message: 'transaction is over: command={command}',
    advice: 'use what the callback is given within the callback alone, and synchronously',
    retryable: false,
  },
  SHL_TRANSACTION_LATE: {
    message: 'transaction held its keys for too long: keys={keys} holdMs={holdMs}',
    advice: 'nothing was changed; make the callback shorter, or raise holdMs',
    retryable: true,
  },
  SHL_WATCH_COMPACTED: {
    message: 'changes are no longer kept: since={since} oldest={oldest}',
    advice: 'read the keys anew, then watch with since: oldest; or raise keyspace.historyMax, historyKeepMs',
    retryable: false,
  },
  SHL_WATCH_SLOW: {
    message: 'watcher is too slow, changes were dropped: from={from} to={to} queueMax={queueMax}',
    advice:
      "go on with since, take items faster, raise queueMax or keyspace.historyMax, or use whenSlow: 'drop'",
    retryable: true,
  },
  SHL_SUBSCRIBER_SLOW: {
    message:
      'subscriber is too slow, messages were dropped: queueMax={queueMax} queueBytesMax={queueBytesMax}',
    advice: "take messages faster, raise queueMax, or use whenSlow: 'drop'",
    retryable: true,
  },
  SHL_VALUE_NOT_SENDABLE: {
    message: 'value cannot be sent: {path} is {what}',
    advice: 'send plain data, or a transferable that is listed in `transfer`',
    retryable: false,
  },
  SHL_VALUE_DAMAGED: {
    message: 'value cannot be decoded: {reason} offset={offset}',
    advice: 'this is a bug in shardloom, or its shared memory was overwritten: report it with the stack',
    retryable: false,
  },
  SHL_MESSAGE_TOO_LARGE: {
    message: 'message too large: actor={actor} sizeBytes={sizeBytes} sizeBytesMax={sizeBytesMax}',
    advice: 'split it, stream it, or raise limits.messageBytesMax',
    retryable: false,
  },
  SHL_RING_FULL: {
    message: 'ring full: thread={thread} actor={actor} capacityBytes={capacityBytes}',
    advice: 'use offer() to wait for space, or raise limits.ringBytes',
    retryable: true,
  },
  SHL_MAILBOX_FULL: {
    message:
      'mailbox full: actor={actor} depth={depth} depthMax={depthMax} bytes={bytes} bytesMax={bytesMax}',
    advice: 'use offer() to wait for space, or raise mailbox.depthMax or mailbox.bytesMax',
    retryable: true,
  },
  SHL_MESSAGE_DROPPED: {
    message: 'message dropped by the mailbox policy: actor={actor} type={type} policy={policy}',
    advice: 'slow down, or choose the policy refuse or wait',
    retryable: true,
  },
  SHL_ASK_TIMEOUT: {
    message: 'ask timed out: actor={actor} type={type} timeoutMs={timeoutMs}',
    advice: 'raise timeoutMs, or look at what the actor is doing',
    retryable: true,
  },
  SHL_ASK_ABORTED: {
    message: 'ask aborted by its signal: actor={actor} type={type}',
    advice: 'the cause holds the reason of the abort',
    retryable: false,
  },
  SHL_ASK_LIMIT: {
    message: 'too many asks in flight: pending={pending} pendingMax={pendingMax}',
    advice: 'await some of them first, or raise limits.asksMax',
    retryable: true,
  },
  SHL_OFFER_TIMEOUT: {
    message: 'no space within the deadline: actor={actor} type={type} timeoutMs={timeoutMs}',
    advice: 'raise timeoutMs, or look at why the actor is slow',
    retryable: true,
  },
  SHL_ACTOR_NOT_FOUND: {
    message: 'no such actor: actor={actor} reason={reason}',
    advice: 'spawn it, or watch it to learn when it ends',
    retryable: false,
  },
  SHL_ACTOR_STOPPED: {
    message: 'actor ended before it answered: actor={actor} type={type} reason={reason}',
    advice: 'whether the message took effect is unknown: ask the next actor only if that is safe',
    retryable: false,
  },
  SHL_ACTOR_INIT_FAILED: {
    message: 'actor did not start: actor={actor} module={module}',
    advice: 'the cause holds what init threw',
    retryable: false,
  },
  SHL_ACTOR_INIT_TIMEOUT: {
    message: 'actor did not start in time: actor={actor} initTimeoutMs={initTimeoutMs}',
    advice: 'raise initTimeoutMs, or look at what init waits for',
    retryable: true,
  },
  SHL_ACTOR_LIMIT: {
    message: 'too many actors on one thread: thread={thread} actorsMax={actorsMax}',
    advice: 'stop some, add threads, or raise limits.actorsMax',
    retryable: true,
  },
  SHL_ACTOR_MODULE: {
    message: 'actor module cannot be loaded: module={module} export={export}',
    advice: '{hint}',
    retryable: false,
  },
  SHL_MESSAGE_UNKNOWN: {
    message: 'actor has no handler: actor={actor} type={type} handlers={handlers}',
    advice: 'add the handler to `receive`, or correct the message type',
    retryable: false,
  },
  SHL_NOT_A_STREAM: {
    message: 'handler does not stream: actor={actor} type={type}',
    advice: 'write it as a generator, or use ask()',
    retryable: false,
  },
  SHL_STREAM_CANCELLED: {
    message: 'stream cancelled: actor={actor} type={type}',
    advice: 'the cause holds why',
    retryable: false,
  },
  SHL_STASH_FULL: {
    message: 'stash full: actor={actor} stashMax={stashMax}',
    advice: 'unstash earlier, or raise stashMax',
    retryable: true,
  },
  SHL_NAME_TAKEN: {
    message: 'name is taken: name={name} holder={holder}',
    advice: 'choose another name, or stop the holder first',
    retryable: false,
  },
  SHL_NO_ROUTEES: {
    message: 'router has no routees: group={group}',
    advice: 'resize the router to at least 1, or wait for a routee to join',
    retryable: true,
  },
  SHL_HANDLER_FAILED: {
    message: 'handler failed: actor={actor} type={type}',
    advice: 'the cause holds what it threw',
    retryable: false,
  },
  SHL_HOOK_TIMEOUT: {
    message: 'lifecycle hook took too long: actor={actor} hook={hook} timeoutMs={timeoutMs}',
    advice: 'raise the limit of that hook, or look at what it waits for',
    retryable: false,
  },
  SHL_THREAD_LOST: {
    message: 'thread ended: thread={thread} reason={reason}',
    advice: 'its actors are gone: spawn them again; whether unanswered messages took effect is unknown',
    retryable: true,
  },
  SHL_THREAD_START: {
    message: 'thread did not start: thread={thread} startTimeoutMs={startTimeoutMs}',
    advice: 'the cause holds the error; look at memory and at --max-old-space-size',
    retryable: true,
  },
  SHL_THREAD_SILENT: {
    message: 'thread cannot be looked into: thread={thread} reason={reason}',
    advice: 'it may have ended, or wait in a system call: look at inspect().threads',
    retryable: true,
  },
  SHL_THREAD_LIMIT: {
    message: 'too many threads: threads={threads} threadsMax={threadsMax}',
    advice: 'stop a dedicated actor, or raise limits.threadsMax',
    retryable: true,
  },
  SHL_RUNTIME_CLOSED: {
    message: 'runtime is closed: operation={operation}',
    advice: 'create a new runtime',
    retryable: false,
  },
  SHL_METRIC_LIMIT: {
    message: 'too many metrics: name={name} metricsMax={metricsMax}',
    advice: 'use fewer names, or raise limits.metricsMax',
    retryable: false,
  },
  SHL_METRIC_NAME: {
    message: 'metric name not usable: name={name} found={found} wanted={wanted}',
    advice: 'use 1 to 48 ASCII characters, and one kind per name',
    retryable: false,
  },
  SHL_RESTART_INTENSITY: {
    message:
      'too many restarts: supervisor={supervisor} child={child} intensity={intensity} periodMs={periodMs}',
    advice: 'the cause is the last failure; mend it, or raise restarts.intensity',
    retryable: false,
  },
  SHL_CHILD_START: {
    message: 'child did not start: supervisor={supervisor} child={child}',
    advice: 'the cause says why; it ended before it was ready',
    retryable: false,
  },
  SHL_CHILD_START_TIMEOUT: {
    message: 'child was not ready in time: child={child} startMs={startMs}',
    advice: 'raise its startMs, or look at what its init waits for',
    retryable: true,
  },
  SHL_CHILD_EXISTS: {
    message: 'child exists already: supervisor={supervisor} child={child}',
    advice: 'choose another id, or remove the child first',
    retryable: false,
  },
  SHL_CHILD_UNKNOWN: {
    message: 'no such child: supervisor={supervisor} child={child} children={children}',
    advice: 'look at view().children',
    retryable: false,
  },
  SHL_SUPERVISOR_STOPPED: {
    message: 'supervisor does not run: supervisor={supervisor} phase={phase}',
    advice: 'start it, or make a new one',
    retryable: false,
  },
  SHL_CHILD_NOT_UP: {
    message: 'child did not come up in time: child={child} timeoutMs={timeoutMs}',
    advice: 'look at view(): it may be backing off, or have been given up',
    retryable: true,
  },
  SHL_CHILD_ENDED: {
    message: 'child ended: actor={actor} reason={reason}',
    advice: 'the cause, where there is one, says more',
    retryable: false,
  },
  SHL_CHILD_HANGS: {
    message:
      'message takes too long: actor={actor} message={message} forMs={forMs} messageMs={messageMs}: {how}',
    advice: 'mend the handler, give it less to do at a time, or raise limits.messageMs',
    retryable: false,
  },
  SHL_SUBSYSTEM_RESTARTED: {
    message: 'subsystem was restarted during a call: subsystem={subsystem} method={method}: {effect}',
    advice: 'its own `retryable` says whether the call may be made again; the cause is why it was restarted',
    retryable: false,
  },
  SHL_SUBSYSTEM_DOWN: {
    message: 'subsystem is down: subsystem={subsystem} why={why}',
    advice: 'start it again with restart(), or with runtime.subsystem',
    retryable: false,
  },
  SHL_SUBSYSTEM_INIT: {
    message: 'subsystem did not start: subsystem={subsystem} why={why}',
    advice: 'the cause holds what init threw',
    retryable: false,
  },
  SHL_SUBSYSTEM_METHOD: {
    message: 'subsystem has no such function: subsystem={subsystem} method={method} methods={methods}',
    advice: 'correct the name, or add the function to what `api` returns',
    retryable: false,
  },
  SHL_SUBSYSTEM_MIGRATE: {
    message: 'snapshot is of another version: subsystem={subsystem} from={from} version={version}',
    advice: 'give the definition a `migrate` that turns one into the other',
    retryable: false,
  },
  SHL_STASH_REENTRANT: {
    message: 'a reentrant actor cannot stash: actor={actor}',
    advice: 'await what it waits for: other messages are handled meanwhile',
    retryable: false,
  },
  SHL_SUBSYSTEM_UNHEALTHY: {
    message: 'subsystem is unhealthy: subsystem={subsystem} why={why}',
    advice: 'the cause, where there is one, is the error of its health check',
    retryable: false,
  },
  SHL_SUBSYSTEM_MEMORY: {
    message: 'subsystem holds too much memory: subsystem={subsystem} {what}={bytes} limit={limit}',
    advice: 'look for a leak, or raise limits.memory',
    retryable: false,
  },
  SHL_SUBSYSTEM_UNKNOWN: {
    message: 'no such subsystem: {dependency}, which {subsystem} depends on; subsystems={subsystems}',
    advice: 'start it before, or give both to runtime.subsystems',
    retryable: false,
  },
  SHL_SUBSYSTEM_CYCLE: {
    message: 'subsystems depend on each other in a circle: {cycle}',
    advice: 'take out one of these dependencies',
    retryable: false,
  },
  SHL_SUBSYSTEM_IN_USE: {
    message: 'other subsystems depend on it: subsystem={subsystem} dependents={dependents}',
    advice: 'stop those first',
    retryable: false,
  },
  SHL_RELOAD_REFUSED: {
    message: 'subsystem cannot be reloaded now: subsystem={subsystem} why={why}',
    advice: 'try again when it runs and no other reload is under way',
    retryable: true,
  },
  SHL_RELOAD_ROLLED_BACK: {
    message: 'reload was rolled back: subsystem={subsystem} why={why}',
    advice: 'the old version goes on; the cause says what the new one failed at',
    retryable: false,
  },
  SHL_TASK_QUEUE_FULL: {
    message: 'too many tasks wait: module={module} queued={queued} queueMax={queueMax}',
    advice: 'await some of them before you run more, or raise tasks.queueMax',
    retryable: true,
  },
  SHL_TASK_TIMEOUT: {
    message: 'task took too long: module={module} timeoutMs={timeoutMs} phase={phase}',
    advice: 'raise timeoutMs, or give it less to do; one that was running is ended with its thread',
    retryable: true,
  },
  SHL_TASK_ABORTED: {
    message: 'task was aborted: module={module}',
    advice: "its signal was aborted; the cause is the signal's reason",
    retryable: false,
  },
  SHL_TASK_LOST: {
    message: 'task was lost with its thread: module={module} reason={reason}',
    advice: 'it ended its thread, or ran out of memory; whether it took effect is unknown',
    retryable: true,
  },
  SHL_TASK_MODULE: {
    message: 'task module cannot be loaded: module={module} export={export}',
    advice: '{hint}',
    retryable: false,
  },
  SHL_TASK_POOL_CLOSED: {
    message: 'task pool is closed: module={module}',
    advice: 'the runtime is closing; create a new one',
    retryable: false,
  },
  ...NETWORK_ERROR_CODES,
  SHL_SIMULATION_DEADLOCK: {
    message: 'nothing is left to run, and no timer: waiting={waiting}',
    advice: 'something is awaited that nobody will do; the log shows what ran last',
    retryable: false,
  },
  SHL_SIMULATION_STEPS: {
    message: 'simulation took too many steps: stepsMax={stepsMax}',
    advice: 'something goes on for ever, or raise stepsMax',
    retryable: false,
  },
  SHL_SIMULATION_TIME: {
    message: 'simulation took too much virtual time: virtualMsMax={virtualMsMax}',
    advice: 'only timers are left that start again and again, or raise virtualMsMax',
    retryable: false,
  },
  SHL_SIMULATION_FOREIGN_REF: {
    message: 'an actor uses what belongs to another thread: thread={thread} owner={owner}',
    advice: 'a ref of the body, or of another actor, is used in a handler: send it in a message or in args',
    retryable: false,
  },
  SHL_EXPECTATION: {
    message: '{probe} expected {expected}: found={found} withinMs={withinMs}',
    advice: 'times are virtual; the log of the simulation shows what ran',
    retryable: false,
  },
  SHL_SCHEDULE_FAILS: {
    message: 'a schedule fails: run={run} of {runs}: {error}; smallest: {replay}',
    advice: 'the cause is the error; give simulate() these options to see it again',
    retryable: false,
  },
  SHL_PEER_MISSING: {
    message: 'package is not installed: {package}: needed for {purpose}',
    advice: 'install it as a development dependency: npm install --save-dev {package}',
    retryable: false,
  },
} as const satisfies Record<string, ErrorCodeRow>

/** A stable code: match on this, never on a message. */
export type ErrorCode = keyof typeof ERROR_CODES
