// Bytes of a `text/event-stream` to events, as the HTML standard has it:
// https://html.spec.whatwg.org/multipage/server-sent-events.html
//
// eventsource-parser 4 is faster still. Fed with care (its onId for the ids of blocks without data, a
// decoder that leaves the byte order mark) it misses one case of the corpus: a text that begins with
// "ï»¿", a mark encoded twice, loses these letters. bench/parsers.mjs compares the two.

export interface SseEvent {
  type: string
  data: string
  lastEventId: string
}

const END_OF_LINE = /\r\n|\r|\n/

/**
 * Parses a stream that comes in chunks cut anywhere. An event that the stream leaves unfinished is
 * never returned (9.2.6). The standard sets no limit to an event's size: `longestEvent`, in
 * characters, is ours.
 */
export class SseParser {
  retryMs?: number
  // 9.2.5: malformed UTF-8 becomes U+FFFD. Of two byte order marks Node's decoder removes both where
  // a chunk ends within the first, so we remove the one ourselves.
  #decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  #atStart = true
  #longestEvent: number
  #line = ''
  #afterCR = false
  #data: string | undefined
  #type = ''
  #id = ''
  #lastEventId = ''

  constructor(longestEvent = 16 * 1024 * 1024) {
    this.#longestEvent = longestEvent
  }

  /** Where to resume: the id of the last block that came whole, be it an event or not. */
  get lastEventId(): string {
    return this.#lastEventId
  }

  /** Returns the events that the chunk completes; throws at an event that does not end. */
  push(bytes: Uint8Array): SseEvent[] {
    this.#checkLength()
    const lines = this.#decode(bytes).split(END_OF_LINE)
    lines[0] = this.#line + lines[0]
    this.#line = lines.pop() ?? ''
    const events: SseEvent[] = []
    for (const line of lines) {
      if (line === '') this.#dispatch(events)
      else this.#field(line)
    }
    return events
  }

  #decode(bytes: Uint8Array): string {
    let text = this.#decoder.decode(bytes, { stream: true })
    if (text === '') return ''
    if (this.#atStart && text.startsWith('\ufeff')) text = text.slice(1)
    this.#atStart = false
    // 9.2.5: CRLF ends one line, also where a chunk ends between the two
    if (this.#afterCR && text.startsWith('\n')) text = text.slice(1)
    this.#afterCR = text.endsWith('\r')
    return text
  }

  // 9.2.6, a line; a comment is a field without a name, and so ignored
  #field(line: string) {
    const colon = line.indexOf(':')
    const name = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + (line[colon + 1] === ' ' ? 2 : 1))
    if (name === 'data') this.#data = this.#data === undefined ? value : `${this.#data}\n${value}`
    else if (name === 'event') this.#type = value
    else if (name === 'id' && !value.includes('\0')) this.#id = value
    else if (name === 'retry' && /^\d+$/.test(value)) this.retryMs = Number(value)
  }

  // 9.2.6, dispatch the event; without data there is none, and yet its id counts
  #dispatch(events: SseEvent[]) {
    this.#lastEventId = this.#id
    if (this.#data !== undefined)
      events.push({ type: this.#type || 'message', data: this.#data, lastEventId: this.#id })
    this.#data = undefined
    this.#type = ''
  }

  #checkLength() {
    if (this.#line.length + (this.#data?.length ?? 0) <= this.#longestEvent) return
    throw new Error(
      `The stream has sent more than ${this.#longestEvent} characters without ending an event: ` +
        'see that the server sends a blank line after each.',
    )
  }
}
