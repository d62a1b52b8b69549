/** What the other folders may use of `transport`. */
export { LinkReader } from './link-reader.ts'
export { LinkWriter } from './link-writer.ts'
export { OutgoingRecord } from './outgoing.ts'
export { decodePayload, type EncodedPayload, PayloadEncoder } from './payload.ts'
export * from './record-layout.ts'
export { createLinkEnds, type LinkEnds, linkPorts, ThreadLink } from './thread-link.ts'
export * from './thread-memory.ts'
export { type PumpClient, ThreadPump, type ThreadPumpOptions } from './thread-pump.ts'
