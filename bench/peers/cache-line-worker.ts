/** The other side of the floor: repeats each word that it sees, while a round runs, and sleeps otherwise. */
import { workerData } from 'node:worker_threads'
import { ANSWER_WORD, QUESTION_WORD, ROUND_WORD } from './cache-line-words.ts'

const words = new Int32Array(workerData as SharedArrayBuffer)
let answered = 0
for (;;) {
  Atomics.wait(words, ROUND_WORD, 0)
  const until = Atomics.load(words, ROUND_WORD)
  while (answered !== until) {
    if (Atomics.load(words, QUESTION_WORD) === answered) continue
    answered++
    Atomics.store(words, ANSWER_WORD, answered)
  }
  Atomics.store(words, ROUND_WORD, 0)
}
