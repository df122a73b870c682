import { SseParser as Ours, type SseEvent } from '../src/sse.ts'

/** Makes a message of every block, also of one without data. A mystery of lesson 08: do not copy it. */
export class SseParser {
  #decoder = new TextDecoder()
  #rest = ''

  push(bytes: Uint8Array): SseEvent[] {
    const blocks = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split('\n\n')
    this.#rest = blocks.pop() ?? ''
    return blocks.map(messageOf)
  }
}

function messageOf(block: string): SseEvent {
  const [event] = new Ours().push(new TextEncoder().encode(`${block}\n\n`))
  return event ?? { type: 'message', data: '', lastEventId: '' }
}
