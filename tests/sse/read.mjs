// What the page's own parser makes of a case, in Node and in the browser alike.
import { SseParser } from '../../react_client/src/sse.ts'

const bytes = (chunk) => Uint8Array.from(chunk, (character) => character.charCodeAt(0))

export function reading(chunks) {
  const parser = new SseParser()
  const events = chunks.flatMap((chunk) => parser.push(bytes(chunk)))
  return { events, lastEventId: parser.lastEventId, retryMs: parser.retryMs ?? null }
}
