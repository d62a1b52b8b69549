/** Where the two sides of the floor look: three words, two cache lines apart from each other. */
export const QUESTION_WORD = 0
export const ANSWER_WORD = 32
/** What the question will be at the end of the round; 0 between rounds. */
export const ROUND_WORD = 64
export const FLOOR_BYTES = 384
