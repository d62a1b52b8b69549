/**
 * Indexes a sample into a heap that is thrown away, so that a thread's code is compiled when its clock
 * starts.
 */

import { type BatchRequest, mergePart, storeBatch } from './index-steps.ts'
import { HeapStore } from './index-store.ts'
import { PARTS } from './parts.ts'

export async function warmUpCode(sample: readonly BatchRequest[]): Promise<void> {
  const store = new HeapStore()
  for (const [batch, request] of sample.entries()) await storeBatch(store, { ...request, batch })
  for (let part = 0; part < PARTS; part++) await mergePart(store, part, sample.length)
}
