/**
 * The part of the catalogue of errors that is of the server, its configuration, and clients of it.
 * Tests: test/base/error-codes.test.ts
 */
import type { ErrorCodeRow } from './error-code-row.ts'

/** A part of `ERROR_CODES`, in the order of the documentation page. */
export const NETWORK_ERROR_CODES = {
  SHL_PARAMETER_UNKNOWN: {
    message: 'unknown parameter: {name} ({origin}); did you mean {nearest}?',
    advice: '`shardloom serve --help` lists all of them',
    retryable: false,
  },
  SHL_PARAMETER_INVALID: {
    message: 'invalid parameter: {name}={value} ({origin}): {reason}; allowed: {allowed}',
    advice: 'give an allowed value',
    retryable: false,
  },
  SHL_CONFIGURATION_FILE: {
    message: 'file cannot be used: {file}: {reason}',
    advice: '{hint}',
    retryable: false,
  },
  SHL_SERVER_TOPIC: {
    message: 'no part of the server answers this: topic={topic}',
    advice: 'the threads of one server must be of one version of the package',
    retryable: false,
  },
  SHL_ACL_FILE: {
    message: 'file of users cannot be used: path={path}: {reason}',
    advice: 'correct it, or set aclfile to another; nothing of it holds',
    retryable: false,
  },
  SHL_LISTEN_FAILED: {
    message: 'cannot listen: address={address}: {reason}',
    advice: '{hint}',
    retryable: false,
  },
  SHL_LISTEN_HELPER: {
    message: 'process that copies listening sockets has failed: {reason}',
    advice: 'let this user start processes of node, and look at the limits of processes and open files',
    retryable: true,
  },
  SHL_TLS_UNUSABLE: {
    message: 'TLS cannot be used: {option}={value}: {reason}',
    advice: '{hint}',
    retryable: false,
  },
  SHL_CONNECTION_FAILED: {
    message: 'no connection: address={address} command={command}: {reason}',
    advice: 'nothing was sent; look at the server, its address, and the credentials',
    retryable: true,
  },
  SHL_CONNECTION_LOST: {
    message: 'connection was lost: address={address} command={command} isSent={isSent}: {outcome}: {reason}',
    advice: 'a command that was sent may have taken effect: look before it is sent again',
    retryable: false,
  },
  SHL_CONNECTION_LIMIT: {
    message: 'too many need a connection of their own: open={open} exclusiveMax={exclusiveMax}',
    advice: 'wait for fewer keys at a time, close sessions and streams, or raise exclusiveMax',
    retryable: true,
  },
  SHL_CONNECTION_CLOSED: {
    message: 'client is closed: address={address} command={command}',
    advice: 'connect anew',
    retryable: false,
  },
  SHL_CIRCUIT_OPEN: {
    message: 'server is not asked for now: address={address} failures={failures} retryInMs={retryInMs}',
    advice: 'nothing was sent; try again by then; the cause is the last failure',
    retryable: true,
  },
} as const satisfies Record<string, ErrorCodeRow>
