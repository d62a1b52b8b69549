/** A small file in which everything stands that a file may have. */
import { ENCODINGS } from './encodings.ts'
import { type Bytes, join, key, length, little, text } from './rdb-file.ts'

const MODULE = [
  length(2n ** 60n),
  length(2),
  length(5),
  length(5),
  text('m'),
  length(3),
  little(0, 4),
  length(0),
]
const STREAM = join(
  ...[length(1), text('0123456789abcdef'), text('node'), length(1), length(2), length(3)],
  ...[length(1), text('group'), length(4), length(5)],
  ...[length(1), '0123456789abcdef', little(6, 8), length(7)],
  ...[length(1), text('consumer'), little(8, 8), length(1), '0123456789abcdef'],
)

/** The content between the version and the end mark. Long values are left out unless asked for. */
export function everyForm(bytesMax = 700): readonly Bytes[] {
  const small = ENCODINGS.filter(({ bytes }) => bytes.length <= bytesMax)
  const keys = small.flatMap(({ type, bytes }, n) => [
    ...(n % 3 === 0 ? [[252], little(1_800_000_000_000 + n, 8)] : []),
    ...(n % 5 === 0 ? [[249, n]] : []),
    key(type, `key ${n}`, bytes),
  ])
  return [
    ...[[250], text('redis-ver'), text('7.2.0'), [244], length(1), length(2), length(3)],
    ...[[245], text('#!lua'), [247], ...MODULE.slice(0, 1), length(2), length(1), ...MODULE.slice(1)],
    ...[[254, 0], [251], length(small.length), length(3), ...keys],
    ...[[254, 1], [253], little(1_800_000_000, 4), key(15, 'stream', STREAM)],
    ...[
      [248],
      length(100),
      key(7, 'module', ...MODULE),
      key(4, 'empty', length(0)),
      key(0, 'last', text('it')),
    ],
  ]
}
