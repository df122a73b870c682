import { ChatError } from './chatError'
import type { Place } from './place'
import { type SseEvent, SseParser } from './sse'

/**
 * Posts a request and yields the tokens of its answer, as many at a time as one read brings. A
 * `place` that names an answer is read on instead, and what comes is noted there.
 *
 * The next read waits until the consumer asks for it, so a slow consumer slows the server. Leaving
 * the loop cancels the body; leaving it while it waits for the network takes `init.signal`, for a
 * generator takes no orders before its next turn. What ends without [DONE] throws a ChatError.
 */
export async function* streamCompletion(
  url: string | URL,
  init: RequestInit,
  place: Partial<Place> = {},
): AsyncGenerator<string[], void, void> {
  const response = await (place.answer ? resume(url, init, place) : post(url, init))
  if (place.answer && response.status === NOTHING_LEFT) return
  if (!response.headers.get('Content-Type')?.startsWith(EVENT_STREAM))
    throw await noStream(response)
  place.answer ??= response.headers.get('X-Answer-Id') ?? undefined
  const parser = new SseParser()
  for await (const bytes of read(response.body as ReadableStream<Uint8Array>, init.signal)) {
    const { tokens, ending } = tokensOf(parser.push(bytes))
    place.lastEventId = parser.lastEventId || place.lastEventId
    if (tokens.length) yield tokens
    if (ending === DONE) return
    if (ending) throw ending
  }
  throw new ChatError('incomplete', 'The answer ended before it was complete. Send it again.')
}

export type ChatHeaders = HeadersInit | (() => HeadersInit | Promise<HeadersInit>)

const DONE = '[DONE]'
const EVENT_STREAM = 'text/event-stream'

const NOTHING_LEFT = 204

function post(url: string | URL, init: RequestInit): Promise<Response> {
  const headers = new Headers(init.headers)
  if (!headers.has('Content-Type')) headers.set('Content-Type', 'application/json')
  return ask(url, { method: 'POST', ...init, headers })
}

function resume(url: string | URL, init: RequestInit, place: Partial<Place>): Promise<Response> {
  const headers = new Headers(init.headers)
  if (place.lastEventId) headers.set('Last-Event-ID', place.lastEventId)
  const { body: _, ...rest } = init
  return ask(answerUrl(url, place.answer), { ...rest, method: 'GET', headers })
}

/** The address of one answer; what the chat's own has after `?` stays. */
export function answerUrl(url: string | URL, answer?: string): string {
  return String(url).replace(/(?=[?#])|$/, `/${answer}`)
}

/** Stops an answer for good, also as the page goes; one that is over already does not mind. */
export async function endAnswer(url: string | URL, answer: string, headers?: ChatHeaders) {
  try {
    const init = { headers: typeof headers === 'function' ? await headers() : headers }
    await fetch(answerUrl(url, answer), { ...init, method: 'DELETE', keepalive: true })
  } catch {
    // the server stops it when nobody has come back for a while
  }
}

async function ask(url: string | URL, init: RequestInit): Promise<Response> {
  const headers = new Headers(init.headers)
  // exactly this: jupyter-server-proxy buffers whatever asks for more than an event stream
  headers.set('Accept', EVENT_STREAM)
  const response = await fetch(url, { ...init, headers }).catch((problem) => {
    if (init.signal?.aborted) throw problem
    throw new ChatError('unreachable', 'The server cannot be reached. Start it, then try again.', {
      cause: problem,
    })
  })
  if (!response.ok) throw await refusal(response)
  return response
}

async function refusal(response: Response): Promise<ChatError> {
  const error = await response.json().then(errorIn, () => undefined)
  if (error) return error
  const status = `${response.status} ${response.statusText}`.trim()
  return new ChatError(`http_${response.status}`, `The server answered ${status}. Look at its log.`)
}

async function noStream(response: Response): Promise<ChatError> {
  await response.body?.cancel()
  const type = response.headers.get('Content-Type') ?? 'no content type'
  const advice = 'See that the address is that of the chat server.'
  return new ChatError('no_stream', `The server sent ${type}, not an event stream. ${advice}`)
}

async function* read(body: ReadableStream<Uint8Array>, signal?: AbortSignal | null) {
  const reader = body.getReader()
  try {
    while (true) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } catch (problem) {
    if (signal?.aborted) throw problem
    const message = 'The connection broke in the middle of the answer. Send it again.'
    throw new ChatError('broken_off', message, { cause: problem })
  } finally {
    // an open body holds one of the six connections that HTTP/1.1 has for a server
    reader.cancel().catch(() => {})
  }
}

function tokensOf(events: SseEvent[]): { tokens: string[]; ending?: typeof DONE | ChatError } {
  const tokens: string[] = []
  for (const { type, data } of events) {
    if (type !== 'message') continue // as EventSource does: who wants another type asks for it
    if (data === DONE) return { tokens, ending: DONE }
    const event = parsed(data)
    const error = event instanceof ChatError ? event : errorIn(event)
    if (error) return { tokens, ending: error }
    // what has no token is news of a later server, and no text
    if (hasToken(event)) tokens.push(event.token)
  }
  return { tokens }
}

function parsed(data: string): unknown {
  try {
    return JSON.parse(data)
  } catch {
    const message = `The server sent an event that is no JSON: ${data.slice(0, 80)}. Look at its log.`
    return new ChatError('bad_event', message)
  }
}

function hasToken(event: unknown): event is { token: string } {
  return typeof (event as { token?: unknown } | null)?.token === 'string'
}

function errorIn(body: unknown): ChatError | undefined {
  const error = (body as { error?: { code?: unknown; message?: unknown } } | null)?.error
  if (!error) return undefined
  const { code = 'failed', message = 'The server failed. Send it again.' } = error
  return new ChatError(String(code), String(message))
}
