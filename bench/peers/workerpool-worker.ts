/** workerpool's worker: it registers its functions by name. */
import workerpool from 'workerpool'

workerpool.worker({ increment: (n: number) => n + 1 })
