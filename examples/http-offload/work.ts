/**
 * The actor that does the work away from the thread that serves requests.
 *
 * Its mailbox is short and refuses what does not fit: under too much load a client hears so at once, instead
 * of waiting in a line that only grows.
 */
import { defineActor } from 'shardloom'
import { renderTile } from './mandelbrot.ts'

export const worker = defineActor({
  name: 'worker',
  mailbox: { depthMax: 64, policy: 'refuse' },
  receive: {
    render(_state, size: number, ctx) {
      return renderTile(size, () => ctx.cancelled)
    },
  },
})
