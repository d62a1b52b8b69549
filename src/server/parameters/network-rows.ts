/**
 * Parameters of listening, of TLS, and of what a client may ask for. Tests:
 * test/server/parameters/parameter-table.test.ts
 */
import type { BufferLimits } from './list-types.ts'
import { bufferLimits, certificateUsers } from './list-types.ts'
import { fileMode, INT32_MAX, INT64_MAX, integer, memory, memoryOrPercent } from './number-types.ts'
import { type RowsOf, rowsFor } from './parameter.ts'
import { bytes, oneOf, path, someOf, text, wordList, yesNo } from './word-types.ts'

/** Values of these parameters, by the names of their options. */
export interface NetworkValues {
  readonly port: number
  readonly bind: readonly string[]
  readonly unixSocket: string
  readonly unixSocketPerm: number
  readonly tcpBacklog: number
  readonly tcpKeepalive: number
  readonly timeout: number
  readonly protectedMode: boolean
  readonly databases: number
  readonly maxClients: number
  readonly maxArguments: number
  readonly protoMaxBulkLen: number
  readonly clientQueryBufferLimit: number
  readonly clientOutputBufferLimit: BufferLimits
  readonly maxMemoryClients: number
  readonly trackingTableMaxKeys: number
  readonly drainTimeoutMs: number
  readonly tlsPort: number
  readonly tlsCertFile: string
  readonly tlsKeyFile: string
  readonly tlsKeyFilePass: string
  readonly tlsCaCertFile: string
  readonly tlsCaCertDir: string
  readonly tlsAuthClients: 'no' | 'yes' | 'optional'
  readonly tlsAuthClientsUser: 'off' | 'cn'
  /** A certificate, its user, the next certificate, and so on. */
  readonly tlsAuthClientsMap: readonly string[]
  readonly tlsProtocols: readonly string[]
  readonly tlsCiphers: string
  readonly tlsCiphersuites: string
  readonly tlsPreferServerCiphers: boolean
}

const KIB = 1024
const MIB = 1024 * KIB
const GIB = 1024 * MIB
const row = rowsFor('server')

/**
 * Redis' limits of output: none for whoever asks, and one for those who are sent what they did not ask for.
 */
const BUFFER_LIMITS: BufferLimits = {
  normal: [0, 0, 0],
  slave: [256 * MIB, 64 * MIB, 60],
  pubsub: [32 * MIB, 8 * MIB, 60],
}

export const NETWORK_ROWS: RowsOf<NetworkValues> = {
  port: row('port', integer(0, 65_535), 6379, 'start', 'Port for TCP; 0: none, if there is another way in.', {
    isMutable: 'same',
  }),
  bind: row(
    'bind',
    wordList(
      '"ADDRESS …"',
      'addresses; * and ::* for all; a leading - for one that may be missing',
      16,
      'Too many bind addresses specified.',
    ),
    ['127.0.0.1', '-::1'],
    'start',
    'Addresses that are listened at. With credentials, all of them unless it is given.',
    { isDerived: true, isMutable: 'same' },
  ),
  unixSocket: row('unixsocket', path(), '', 'start', 'Path of a Unix socket to listen at; empty: none.'),
  unixSocketPerm: row('unixsocketperm', fileMode(), 0, 'start', 'Mode of the Unix socket; 0: as it is made.'),
  tcpBacklog: row(
    'tcp-backlog',
    integer(0, INT32_MAX),
    511,
    'start',
    'Connections that may wait to be accepted.',
  ),
  tcpKeepalive: row(
    'tcp-keepalive',
    integer(0, INT32_MAX),
    300,
    'live',
    'Seconds of silence after which a connection is probed; 0: never.',
  ),
  timeout: row(
    'timeout',
    integer(0, INT32_MAX),
    0,
    'live',
    'Seconds after which an idle client is closed; 0: never.',
  ),
  protectedMode: row(
    'protected-mode',
    yesNo(),
    true,
    'live',
    'Without credentials, only clients of this machine are served.',
  ),
  databases: row('databases', integer(1, 16), 16, 'start', 'Databases for SELECT.'),
  maxClients: row('maxclients', integer(1, 2 ** 32 - 1), 10_000, 'live', 'Connections at the same time.'),
  maxArguments: row(
    'max-arguments',
    integer(16, INT32_MAX),
    1024 * 1024,
    'live',
    'Arguments of one command.',
  ),
  protoMaxBulkLen: row(
    'proto-max-bulk-len',
    memory(MIB, INT64_MAX),
    512 * MIB,
    'live',
    'Bytes of one argument.',
  ),
  clientQueryBufferLimit: row(
    'client-query-buffer-limit',
    memory(MIB, INT64_MAX),
    GIB,
    'live',
    'Bytes of what a client has sent and what is not served yet.',
  ),
  clientOutputBufferLimit: row(
    'client-output-buffer-limit',
    bufferLimits(),
    BUFFER_LIMITS,
    'live',
    'Bytes that wait for a client to read them: at the first it is closed, at the second after some seconds.',
  ),
  maxMemoryClients: row(
    'maxmemory-clients',
    memoryOrPercent(),
    0,
    'live',
    'Bytes of all buffers of clients, beyond which the largest are closed; 0: no limit.',
  ),
  trackingTableMaxKeys: row(
    'tracking-table-max-keys',
    integer(0, INT64_MAX),
    1_000_000,
    'live',
    'Keys that are remembered for clients that cache; 0: no limit.',
  ),
  drainTimeoutMs: row(
    'drain-timeout-ms',
    integer(0, INT32_MAX),
    5000,
    'live',
    'Time that clients get for what is under way when the server stops, within shutdown-timeout.',
  ),
  tlsPort: row('tls-port', integer(0, 65_535), 0, 'start', 'Port for TLS; 0: none.', { isMutable: 'same' }),
  tlsCertFile: row('tls-cert-file', path(), '', 'live', 'Certificate of the server, PEM.', {
    shortNames: ['tls-cert'],
  }),
  tlsKeyFile: row('tls-key-file', path(), '', 'live', 'Private key of the server, PEM.', {
    shortNames: ['tls-key'],
  }),
  tlsKeyFilePass: row('tls-key-file-pass', bytes(), '', 'live', 'Password of the private key.', {
    isSecret: true,
  }),
  tlsCaCertFile: row(
    'tls-ca-cert-file',
    path(),
    '',
    'live',
    'Certificates that sign those of clients, PEM.',
    {
      shortNames: ['tls-ca-cert'],
    },
  ),
  tlsCaCertDir: row('tls-ca-cert-dir', path(), '', 'live', 'Folder of such certificates.'),
  tlsAuthClients: row(
    'tls-auth-clients',
    oneOf('no', 'yes', 'optional'),
    'yes',
    'live',
    'Whether clients must show a certificate.',
  ),
  tlsAuthClientsUser: row(
    'tls-auth-clients-user',
    oneOf('off', 'cn'),
    'off',
    'live',
    'Whether the common name of its certificate makes a client the user of that name.',
  ),
  tlsAuthClientsMap: row(
    'tls-auth-clients-map',
    certificateUsers(),
    [],
    'live',
    'Which certificates make clients which users; goes before tls-auth-clients-user.',
  ),
  tlsProtocols: row(
    'tls-protocols',
    someOf(['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'], 0),
    [],
    'live',
    'Versions of TLS; empty: 1.2 and 1.3.',
  ),
  tlsCiphers: row(
    'tls-ciphers',
    text('CIPHERS', "OpenSSL's list of ciphers"),
    '',
    'live',
    'Ciphers up to TLS 1.2; empty: usual ones.',
  ),
  tlsCiphersuites: row(
    'tls-ciphersuites',
    text('CIPHERS', "OpenSSL's list of cipher suites"),
    '',
    'live',
    'Cipher suites of TLS 1.3; empty: usual ones.',
  ),
  tlsPreferServerCiphers: row(
    'tls-prefer-server-ciphers',
    yesNo(),
    false,
    'live',
    "The server's order of ciphers goes before the client's.",
  ),
}
