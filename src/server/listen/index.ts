/** What the rest of the server may use of `listen`. */
export { ConnectionLimit, Deadlines } from './accept-limits.ts'
export { type OnBytes, onceClosed, readInto } from './adopt-socket.ts'
export {
  addressText,
  type BoundAddress,
  type ListenAddress,
  type TcpAddress,
  tcpAddresses,
  type UnixAddress,
} from './listen-address.ts'
export { type Listener, type ListenerOptions, type ListenGrant, openListener } from './listener.ts'
export { type AcceptOptions, acceptOn, type OnSocket, type ThreadListener } from './thread-listener.ts'
export { type PeerCertificateFacts, TlsAcceptor, type TlsAcceptorOptions } from './tls-acceptor.ts'
export { readTlsFiles, type TlsMaterial, type TlsReport, type TlsSettings } from './tls-files.ts'
