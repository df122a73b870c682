import { describe, expect, it } from 'vitest'
import corpus from '../../workshop_lib/pipe/sse_corpus/cases.json'
import { type SseEvent, SseParser } from './sse'

interface HandCase {
  name: string
  chunks: string[]
  events: SseEvent[]
  lastEventId?: string
  retryMs?: number
}

const cases: HandCase[] = corpus

// the corpus writes a byte as one character, so that a chunk may end inside a character of UTF-8
const bytes = (chunk: string) => Uint8Array.from(chunk, (byte) => byte.charCodeAt(0))

function reading(chunks: string[]) {
  const parser = new SseParser()
  const events = chunks.flatMap((chunk) => parser.push(bytes(chunk)))
  return { events, lastEventId: parser.lastEventId, retryMs: parser.retryMs }
}

describe.each(cases)('$name', ({ chunks, events, lastEventId = '', retryMs }) => {
  const expected = { events, lastEventId, retryMs }
  const whole = chunks.join('')

  it('in the chunks of the case', () => expect(reading(chunks)).toEqual(expected))

  it('byte by byte', () => expect(reading([...whole])).toEqual(expected))

  it('cut in two at each byte', () => {
    for (let at = 0; at <= whole.length; at++)
      expect(reading([whole.slice(0, at), whole.slice(at)]), `cut at ${at}`).toEqual(expected)
  })
})

describe('an event that does not end', () => {
  it('is refused, with what came before it delivered', () => {
    const parser = new SseParser(10)
    expect(parser.push(bytes('data: a\n\ndata: 12345\n'))).toHaveLength(1)
    expect(parser.push(bytes('data: 678'))).toEqual([])
    expect(() => parser.push(bytes('9\n\n'))).toThrow(/more than 10 .* sends a blank line/)
  })

  it('is not a long stream of short ones', () => {
    const parser = new SseParser(10)
    const events = Array.from({ length: 100 }, () => parser.push(bytes('data: a\n\n')))
    expect(events.flat()).toHaveLength(100)
  })
})
