/** Flags of notifications, as Redis reads them. */
import { describe, expect, it } from 'vitest'
import { eventClasses, notifyFlags } from '../../../src/keyspace/watch/event-classes.ts'

describe('notifyFlags', () => {
  it('reads which channels are meant, and which classes', () => {
    expect(notifyFlags('notify', 'Kgx')).toEqual({
      isByKey: true,
      isByEvent: false,
      classes: new Set(['g', 'x']),
      tellsMisses: false,
      tellsNew: false,
    })
    expect(notifyFlags('notify', '')).toMatchObject({ isByKey: false, isByEvent: false, classes: new Set() })
    expect(notifyFlags('notify', 'Km')).toMatchObject({ tellsMisses: true, tellsNew: false })
    expect(notifyFlags('notify', 'En')).toMatchObject({ tellsMisses: false, tellsNew: true })
    expect([...notifyFlags('notify', 'KEA').classes].join('')).toBe('g$lshzxe')
  })

  it('takes letters of types that there are none of, and refuses what it cannot tell of', () => {
    expect(notifyFlags('notify', 'Ktd').classes.size).toBe(0)
    expect(() => notifyFlags('notify', 'KEy')).toThrow('notify')
  })
})

describe('eventClasses', () => {
  it('takes letters or words', () => {
    expect(eventClasses('classes', 'Ez')).toEqual(['z'])
    expect(eventClasses('classes', ['sorted_set', 'lock'])).toEqual(['z', 'k'])
    expect(() => eventClasses('classes', 'gm')).toThrow('classes')
    expect(() => eventClasses('classes', 'gn')).toThrow('classes')
    expect(() => eventClasses('classes', ['toString' as never])).toThrow('generic | string')
  })
})
